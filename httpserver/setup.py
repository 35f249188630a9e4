# What happens before the server starts: its settings and its routes.
#
# All of it runs once.  So this room is loaded when a program makes a server, and forgotten when
# that listens: a board does not keep what it needs no more.  A route that is added later loads it
# again, and it stays.
#
# HTTPServer's methods of these names call these functions: see server.py.

from url import METHODS

from .loop import HTTPServerError

try:
    import lwip  # noqa: F401  see picow.py

    PLACES = 4  # of the five connections that there are in all
except ImportError:
    PLACES = 6


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
    for name, value, low, limit in (
        ("port", port, 0, 65535),
        ("backlog", backlog, 0, 255),
        ("timeout", timeout, 0.01, 86400),  # may be a fraction
        ("max_connections", PLACES if max_connections is None else max_connections, 1, 9999),
        ("max_body", max_body, 0, 1 << 28),
    ):
        if not isinstance(value, (int, type(low))):
            raise TypeError(name + " has the wrong type")
        if not low <= value <= limit:
            raise ValueError("%s must be %s...%s" % (name, low, limit))
        setattr(self, name, value)
    self.timeout = int(timeout * 1000)  # ms from here on
    for name, good in (
        ("host", isinstance(host, str)),
        ("log", not log or callable(log)),
        # A context, not the module of this name.
        ("ssl", not ssl or hasattr(ssl, "wrap_socket") and not hasattr(ssl, "SSLContext")),
    ):
        if not good:
            raise TypeError(name + " has the wrong type")
    self.host = host
    self.ssl = ssl
    self.log = log
    self.connections = []
    self._running = None
    self.routes = {}  # {"GET": {"/path": handler}}
    self.kept = b"Connection: keep-alive\r\nKeep-Alive: timeout=%d\r\n\r\n" % max(timeout - 1, 1)


def route(self, method="GET", path="/"):
    if method not in METHODS or str(path)[:1] != "/":
        raise HTTPServerError("method or path is wrong: %s %s" % (method, path))
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
        routes = self.routes.setdefault(method, {})
        if not callable(handler) or path in routes:
            raise HTTPServerError("not callable, or a second handler: %s %s" % (method, path))
        routes[path] = handler
        return handler

    return add
