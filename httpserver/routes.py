# Routes: which handler answers which method and path.
#
# A path without <names> is found at once, in a dict.  Else the patterns are tried, as they came:
# see patterns.py.

from url import METHODS, InvalidRequest


class HTTPServerError(Exception):
    """The server was used wrongly: a route or start() at the wrong time."""


class Routes:
    """The routes: ._exact is {path: {method: handler}}, ._patterns [(path, match, {...})]."""

    def route(self, method="GET", path="/"):
        """
        Decorator: the handler for a method (see url.METHODS) and a path; returned as it is.

        path: "/exact", or with "<name>" for one segment, or "<path:name>" last for all the rest;
        what these match is in request.parameters.  HTTPServerError for wrong arguments.
        """
        if method not in METHODS or str(path)[:1] != "/":
            raise HTTPServerError("method or path is wrong: %s %s" % (method, path))
        if "<" not in path and ">" not in path:
            methods = self._exact.setdefault(path, {})
        else:
            from .patterns import pattern

            methods = pattern(path, self._patterns)

        def add(handler):
            if not callable(handler) or method in methods:
                raise HTTPServerError("%s %s: not callable, or a second handler" % (method, path))
            methods[method] = handler
            return handler

        return add

    def find(self, request):
        """The handler for a request; InvalidRequest 404, 405, or 204 for what OPTIONS asks."""
        method = request.method
        path = request.path
        allow = METHODS if path == "*" else ()
        for _, match, methods in [(None, None, self._exact.get(path, {}))] + self._patterns:
            values = match(path) if match else {}
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
