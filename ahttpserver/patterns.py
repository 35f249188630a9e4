# Patterns: routes with <names>, such as /led/<number> or /files/<path:name>.
#
# routes.py imports this module with the first of them; who has none saves its memory.

from .routes import HTTPServerError


def pattern(path):
    """
    A function that tells what the names in path stand for in another path, a dict of str.

    It returns None where path does not match.  HTTPServerError for a path that is no pattern.
    """
    segments = path.split("/")
    names = []
    for segment in segments:
        if "<" in segment or ">" in segment:
            name = segment[1:-1]
            if name[:5] == "path:" and segment == segments[-1]:
                name = name[5:]
            if segment[0] + segment[-1] != "<>" or not name or name in names or ":" in name:
                raise HTTPServerError("not <name>, a last <path:name> or a new name: " + path)
            names.append(name)
    most = len(segments) - 1 if segments[-1][:6] == "<path:" else -1

    def match(path):
        parts = path.split("/", most)
        if len(parts) != len(segments):
            return None
        values = {}
        for segment, part in zip(segments, parts):
            if segment[:6] == "<path:":
                values[segment[6:-1]] = part
            elif segment[:1] == "<" and part:
                values[segment[1:-1]] = part
            elif segment != part:
                return None
        return values

    return match
