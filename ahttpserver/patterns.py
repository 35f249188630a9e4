# Patterns: routes with <names>, such as /led/<number> or /files/<path:name>.
#
# setup.py imports this module with the first of them; who has none saves its memory.


class Patterns:
    """The patterns of a server.  routes: its handlers; {"GET": {"/led/<number>": handler}}."""

    def __init__(self, routes):
        self._routes = routes
        self._patterns = []  # (path, segments, names), as they came

    def add(self, path):
        """Note a path with names; ValueError if it is no pattern."""
        segments = path.split("/")
        names = []  # "" for a segment that is to be the same
        for segment in segments:
            name = ""
            if "<" in segment or ">" in segment:
                name = segment[1:-1]
                if name[:5] == "path:" and segment == segments[-1]:
                    name = name[5:]
                if segment[0] + segment[-1] != "<>" or not name or name in names or ":" in name:
                    raise ValueError("not <name>, a last <path:name> or a new name: " + path)
            names.append(name)
        if (path, segments, names) not in self._patterns:
            self._patterns.append((path, segments, names))

    def find(self, request, method):
        """The handler of the first pattern that matches, or None; its names are parameters."""
        for path, segments, names in self._patterns:
            get = self._routes.get
            handler = get(method, self._routes).get(path)
            if not handler and method == "HEAD":
                handler = get("GET", self._routes).get(path)
            parts = request.path.split("/", len(names) - 1)
            if handler and len(parts) == len(names):
                values = {}
                for name, segment, part in zip(names, segments, parts):
                    if name and (segment[1:6] == "path:" or part and "/" not in part):
                        values[name] = part
                    elif segment != part:
                        break
                else:
                    request.parameters.update(values)
                    return handler
