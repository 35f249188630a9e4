# Patterns: routes with <names>, such as /led/<number> or /files/<path:name>.
#
# routes.py imports this module with the first of them; who has none saves its memory.

from .routes import HTTPServerError


def pattern(path, patterns):
    """
    The {method: handler} of a path in patterns, which gets (path, match, {}) if it is new.

    match tells what the names in path stand for in another path, a dict of str; or None where it
    does not match.  HTTPServerError for a path that is no pattern.
    """
    for known, _, methods in patterns:
        if known == path:
            return methods
    segments = path.split("/")
    names = []  # "" for a segment that is to be the same
    for segment in segments:
        name = ""
        if "<" in segment or ">" in segment:
            name = segment[1:-1]
            if name[:5] == "path:" and segment == segments[-1]:
                name = name[5:]
            if segment[0] + segment[-1] != "<>" or not name or name in names or ":" in name:
                raise HTTPServerError("not <name>, a last <path:name> or a new name: " + path)
        names.append(name)

    def match(path):
        parts = path.split("/", len(names) - 1)
        if len(parts) != len(names):
            return None
        values = {}
        for name, segment, part in zip(names, segments, parts):
            if name and (segment[1:6] == "path:" or part and "/" not in part):
                values[name] = part
            elif segment != part:
                return None
        return values

    methods = {}
    patterns.append((path, match, methods))
    return methods
