# The application: its settings, its routes, and what happens between a request and its response.
#
# A handler is found by the request's path and method, and is called with the connection as reader
# and as writer, and the request.  Whatever it raises ends this one connection, not the server: an
# InvalidRequest is an answer, a ClientGone needs none, anything else is a 500 and is reported.

import socket

from url import METHODS, InvalidRequest

from .response import HTTPResponse, status_line
from .wire import ClientGone

# What a handler of httpserver returns; httpserver takes no notice.
CONNECTION_CLOSE = 0
CONNECTION_KEEP_ALIVE = 1


class HTTPServerError(Exception):
    """The server was used wrongly: a route or start() at the wrong time."""


class App:
    """Settings and routes.  server.py adds the sockets."""

    def __init__(
        self,
        host="0.0.0.0",
        port=80,
        backlog=5,
        timeout=10,
        max_connections=6,
        max_body=16384,
        ssl=None,
        log=None,
    ):
        for name, value, low in (
            ("port", port, 0),
            ("backlog", backlog, 0),
            ("timeout", timeout, 0.001),
            ("max_connections", max_connections, 1),
            ("max_body", max_body, 0),
        ):
            if not isinstance(value, (int, float) if name == "timeout" else int):
                raise TypeError(name + " must be a number")
            if not low <= value <= (65535 if name == "port" else 1 << 28):
                raise ValueError(name + " is out of range")
        if not isinstance(host, str):
            raise TypeError("host must be a str")
        if not (log is None or callable(log)) or not (ssl is None or hasattr(ssl, "wrap_socket")):
            raise TypeError("log must be callable, ssl an SSLContext")
        self.host = host
        self.port = port
        self.backlog = backlog
        self.timeout = int(timeout * 1000)  # ms from here on
        self.max_connections = max_connections
        self.max_body = max_body
        self.ssl = ssl
        self.log = log
        self.connections = []
        self._exact = {}  # path: {method: handler}
        self._patterns = []  # ([segment, ...], {method: handler}), as they came

    def route(self, method="GET", path="/"):
        """
        Decorator: the handler for method (one of url.METHODS) and path, which is returned as it is.

        path: "/exact", or with "<name>" for one segment, or "<path:name>" last for all the rest;
        what these match is in request.parameters.  HTTPServerError for wrong arguments.
        """
        if method not in METHODS:
            raise HTTPServerError("method must be one of " + " ".join(METHODS))
        if not isinstance(path, str) or path[:1] != "/":
            raise HTTPServerError('path must be a str and begin with "/"')
        pattern = _pattern(path)

        def add(handler):
            if not callable(handler):
                raise HTTPServerError("the handler of " + path + " is not callable")
            methods = self._methods(path, pattern)
            if method in methods:
                raise HTTPServerError(method + " " + path + " has a handler already")
            methods[method] = handler
            return handler

        return add

    def _methods(self, path, pattern):
        # The dict of this path's handlers; a new one, if there is none yet.
        if not pattern:
            return self._exact.setdefault(path, {})
        for known, methods in self._patterns:
            if known == pattern:
                return methods
        self._patterns.append((pattern, {}))
        return self._patterns[-1][1]

    def _find(self, request):
        # The handler for a request; InvalidRequest 404, 405, or 204 for what OPTIONS asks.
        method = request.method
        allow = METHODS if request.path == "*" else ()
        methods = self._exact.get(request.path)
        if methods:
            handler = methods.get(method) or method == "HEAD" and methods.get("GET")
            if handler:
                return handler
            allow = list(methods)
        for pattern, methods in self._patterns:
            values = _match(pattern, request.path)
            if values is not None:
                handler = methods.get(method) or method == "HEAD" and methods.get("GET")
                if handler:
                    request.parameters.update(values)
                    return handler
                allow = list(allow) + list(methods)
        if not allow:
            raise InvalidRequest("Not Found", 404)
        names = [m for m in METHODS if m in allow or m == "OPTIONS" or m == "HEAD" and "GET" in allow]
        error = InvalidRequest("", 204 if method == "OPTIONS" else 405)
        error.header = {"Allow": ", ".join(names)}
        raise error

    def exchange(self, conn):
        """Answer the request that conn has taken; conn.keep tells whether another may follow."""
        failure = None
        conn.left = self.timeout
        try:
            handed_over = self._call(self._find(conn.request), conn)
            if not handed_over:
                conn.finish()
        except InvalidRequest as e:
            self.refuse(conn, e)
        except ClientGone:
            conn.gone = True
        except Exception as e:
            failure = e
            self.refuse(conn, InvalidRequest("", 500))
        finally:
            self.note_request(conn)
        if failure:
            self.report(failure)

    def refuse(self, conn, error):
        """Answer with an error, if nothing has been sent, and let the connection close."""
        try:
            if not conn.sent:
                text = (str(error) or status_line(error.status)) + "\n"
                conn.closing = False
                response = HTTPResponse(error.status, "text/plain", header=error.header)
                response.send(conn, text)
                conn.finish()
        except ClientGone:
            conn.gone = True
        conn.keep = False

    def note_request(self, conn):
        """Log what was asked and answered.  The target as it was sent: nobody can forge a line."""
        request = conn.request
        method, url = (request.method, request.url) if request else ("-", "-")
        address = conn.get_extra_info("peername")[0]
        self.note("%s %s %s %s" % (address, method, url, conn.status or "-"))

    def note(self, text):
        """Log a line, if somebody wants to know."""
        if self.log:
            self.log(text)

    def listen(self):
        """A listening socket; OSError if the port is taken."""
        address = socket.getaddrinfo(self.host, self.port)[0]
        listener = socket.socket(address[0])
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address[-1])
            listener.listen(self.backlog)
            listener.setblocking(False)
        except:  # noqa: E722
            listener.close()
            raise
        self.note("listening on %s:%d" % (self.host, self.port))
        return listener


def _pattern(path):
    # The segments of a path with <name> in it, None for a path without.
    if "<" not in path and ">" not in path:
        return None
    segments = path.split("/")
    names = [s[1:-1] for s in segments if s[:1] == "<" and s[-1:] == ">"]
    if segments[-1][:6] == "<path:":
        names[-1] = names[-1][5:]
    for name in names:
        if not name or ":" in name or "<" in name or ">" in name or names.count(name) > 1:
            raise HTTPServerError("not a <name>, or not a new one, in " + path)
    for segment in segments:
        if ("<" in segment or ">" in segment) and not (segment[0] == "<" and segment[-1] == ">"):
            raise HTTPServerError("a <name> must fill its segment in " + path)
    return segments


def _match(pattern, path):
    # What the names in pattern stand for in path, None if it does not match.
    if pattern[-1][:6] == "<path:":
        parts = path.split("/", len(pattern) - 1)
    else:
        parts = path.split("/")
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
