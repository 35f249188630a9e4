# Routes: which handler answers which method and path.
#
# A path without <names> is found at once, in a dict.  Else the patterns are tried, as they came.

from url import METHODS, InvalidRequest


class HTTPServerError(Exception):
    """The server was used wrongly: a route or start() at the wrong time."""


class Routes:
    """The routes: ._exact is {path: {method: handler}}, ._patterns [([segment], {...})]."""

    def route(self, method="GET", path="/"):
        """
        Decorator: the handler for a method (see url.METHODS) and a path; returned as it is.

        path: "/exact", or with "<name>" for one segment, or "<path:name>" last for all the rest;
        what these match is in request.parameters.  HTTPServerError for wrong arguments.
        """
        if method not in METHODS:
            raise HTTPServerError("method must be one of " + " ".join(METHODS))
        if not isinstance(path, str) or path[:1] != "/":
            raise HTTPServerError("path must begin with /")
        pattern = path.split("/")
        if "<" not in path and ">" not in path:
            methods = self._exact.setdefault(path, {})
        else:
            _check(pattern, path)
            methods = None
            for known in self._patterns:
                if known[0] == pattern:
                    methods = known[1]
            if methods is None:
                methods = {}
                self._patterns.append((pattern, methods))

        def add(handler):
            if not callable(handler):
                raise HTTPServerError("the handler of %s is not callable" % path)
            if method in methods:
                raise HTTPServerError("%s %s has a handler already" % (method, path))
            methods[method] = handler
            return handler

        return add

    def find(self, request):
        """The handler for a request; InvalidRequest 404, 405, or 204 for what OPTIONS asks."""
        method = request.method
        allow = METHODS if request.path == "*" else ()
        for pattern, methods in [(None, self._exact.get(request.path, {}))] + self._patterns:
            values = _match(pattern, request.path) if pattern else {}
            if values is not None:
                handler = methods.get(method) or method == "HEAD" and methods.get("GET")
                if handler:
                    request.parameters.update(values)
                    return handler
                allow += tuple(methods)
        if not allow:
            raise InvalidRequest("", 404)
        error = InvalidRequest("", 204 if method == "OPTIONS" else 405)
        text = ""
        for name in METHODS:
            if name in allow or name == "OPTIONS" or name == "HEAD" and "GET" in allow:
                text += ", " + name
        error.header = {"Allow": text[2:]}
        raise error


def _check(pattern, path):
    names = []
    for segment in pattern:
        if "<" in segment or ">" in segment:
            name = segment[1:-1]
            if name[:5] == "path:" and segment == pattern[-1]:
                name = name[5:]
            if segment[0] + segment[-1] != "<>" or not name or name in names or ":" in name:
                raise HTTPServerError("not <name>, a last <path:name> or a new name: " + path)
            names.append(name)


def _match(pattern, path):
    # What the names in pattern stand for in path, None if it does not match.
    parts = path.split("/", len(pattern) - 1 if pattern[-1][:6] == "<path:" else -1)
    if len(parts) != len(pattern):
        return None
    values = {}
    for segment, part in zip(pattern, parts):
        if segment[:6] == "<path:":
            values[segment[6:-1]] = part
        elif segment[:1] == "<" and part:
            values[segment[1:-1]] = part
        elif segment != part:
            return None
    return values
