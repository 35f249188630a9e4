# The application: its settings, who answers what, and one exchange of a request and a response.
#
# A handler is found by the request's method and path, and is called with the connection as reader
# and as writer, and the request.  Whatever it raises ends this one connection, not the server: an
# InvalidRequest is an answer, a ClientGone needs none, anything else is a 500 and is reported.
#
# These functions are methods of HTTPServer.

from url import METHODS, InvalidRequest

from .response import NOTHING, SENT, HTTPResponse, status_line
from .wire import ASYNC, CONNECTION_KEEP_ALIVE, ClientGone


class HTTPServerError(Exception):
    """The server was used wrongly: a route or start() at the wrong time."""


def __init__(
    self,
    host="0.0.0.0",
    port=80,
    backlog=5,
    timeout=10,
    max_connections=None,
    max_body=16384,
    ssl=None,
    log=None,
):
    if max_connections is None:
        max_connections = self.places
    for name, value, low, limit in (
        ("port", port, 0, 65535),
        ("backlog", backlog, 0, 255),
        ("timeout", timeout, 0.01, 86400),
        ("max_connections", max_connections, 1, 9999),
        ("max_body", max_body, 0, 1 << 28),
    ):
        if not isinstance(value, (int, float) if name == "timeout" else int):
            raise TypeError(name + " must be a number")
        if not low <= value <= limit:
            raise ValueError("%s must be %s...%s" % (name, low, limit))
    if not isinstance(host, str):
        raise TypeError("host must be a str")
    if log and not callable(log) or ssl and not hasattr(ssl, "wrap_socket"):
        raise TypeError("log must be a function, ssl an SSLContext")
    self.host = host
    self.port = port
    self.backlog = backlog
    self.timeout = int(timeout * 1000)  # ms from here on
    self.max_connections = max_connections
    self.max_body = max_body
    self.ssl = ssl
    self.log = log
    self.connections = []
    self.routes = {}  # "GET/path": handler
    self.kept = b"keep-alive\r\nKeep-Alive: timeout=%d\r\n\r\n" % max(timeout - 1, 1)


def route(self, method="GET", path="/"):
    """
    Decorator: the handler for a method (see url.METHODS) and a path; returned as it is.

    path: "/exact", or with "<name>" for one segment, or "<path:name>" last for all the rest;
    what these match is in request.parameters.  HTTPServerError for wrong arguments.
    """
    key = "%s%s" % (method, path)
    if method not in METHODS or str(path)[:1] != "/":
        raise HTTPServerError("method or path is wrong: " + key)
    if method[0] in "PD":  # it may have a body: what reads it is loaded now, not by a stranger
        from . import body  # noqa: F401
    if "<" in path or ">" in path:
        from .patterns import Patterns

        if not self.patterns:
            self.patterns = Patterns(self.routes)
        try:
            self.patterns.add(path)
        except ValueError as e:
            raise HTTPServerError(*e.args)

    def add(handler):
        if not callable(handler) or key in self.routes:
            raise HTTPServerError(key + ": not callable, or a second handler")
        self.routes[key] = handler
        return handler

    return add


def find(self, request, method):
    """The handler of a request, as if it had this method; or None."""
    path = request.path
    handler = "<" not in path and (
        self.routes.get(method + path) or method == "HEAD" and self.routes.get("GET" + path)
    )
    if not handler and self.patterns:
        handler = self.patterns.find(request, method)
    return handler


def _refusal(self, request):
    """What there is to say if there is no handler: 404, 405, or 204 for what OPTIONS asks."""
    allow = []
    for method in METHODS:
        if request.path == "*" or self.find(request, method):
            allow.append(method)
    if not allow:
        return InvalidRequest("", 404)
    if "OPTIONS" not in allow:
        allow.append("OPTIONS")
    error = InvalidRequest("", 204 if request.method == "OPTIONS" else 405)
    error.header = {"Allow": ", ".join(allow)}
    return error


def exchange(self, conn, error=None):
    """Answer the request that conn has taken, or the error; return whether another may follow."""
    request = conn.request
    conn.left = self.timeout
    try:
        if error:
            raise error
        handler = self.find(request, request.method)
        if not handler:
            raise _refusal(self, request)
        coro = handler(conn, conn, request)
        if hasattr(coro, "send") != ASYNC:
            text = "not async" if ASYNC else "async"
            raise TypeError("the handler of %s is %s" % (request.path, text))
        if coro != CONNECTION_KEEP_ALIVE or not conn.hand_over():
            conn.finish()
    except InvalidRequest as e:
        self.refuse(conn, e)
    except ClientGone:
        conn.gone = True
        conn.keep = False
    except Exception as e:
        self.refuse(conn, InvalidRequest("", 500))
        self.report(e)
    except (KeyboardInterrupt, SystemExit):
        conn.leave()
        raise
    finally:
        if self.log:
            # The target as it was sent: nobody can forge a line.
            line = request.method + " " + request.url if request else "-"
            status = conn.status if conn.head is not NOTHING else "-"
            self.log("%s %s %s" % (conn.get_extra_info("peername")[0], line, status))
    return conn.keep


def refuse(self, conn, error):
    """Answer with an error, if nothing has been sent, and let the connection close."""
    if conn.head != SENT:
        conn.ended = None
        status = error.status
        fixed = error.header
        answer = plain = "text/plain", (str(error) or status_line(status)) + "\n"
        try:
            if self.on_refuse and status >= 400:
                error.header = dict(fixed or ())
                answer = self.on_refuse(conn.request, error) or plain
                error.header.update(fixed or ())  # these stay, such as Allow
            mimetype, body = answer
            len(body)  # or a TypeError
            HTTPResponse(error.status, mimetype, True, error.header).send(conn, body)
        except Exception as e:
            if answer is plain and not self.on_refuse:
                raise
            self.report(e)
            HTTPResponse(status, plain[0], True, fixed).send(conn, plain[1])
        try:
            conn.finish()
        except ClientGone:
            conn.gone = True
    conn.keep = False
