# The application: its settings, and what happens between a request and its response.
#
# A handler is found by the request's path and method, and is called with the connection as reader
# and as writer, and the request.  Whatever it raises ends this one connection, not the server: an
# InvalidRequest is an answer, a ClientGone needs none, anything else is a 500 and is reported.

from time import ticks_diff, ticks_ms

from url import InvalidRequest

from .connection import SERVED, Connection, close
from .response import HTTPResponse, status_line
from .routes import Routes
from .wire import CONNECTION_KEEP_ALIVE, ClientGone, call

_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
    b"Connection: close\r\n\r\nbusy\n"
)


class App(Routes):
    """
    What both servers have: settings, routes, exchanges.  server.py completes it to HTTPServer.

    host, port: where to listen; backlog: connections that the system may hold in waiting
    timeout: seconds that a client may keep the server waiting; max_connections: at once
    max_body: bytes that reader.read() takes; ssl: an ssl.SSLContext for HTTPS
    log: function of a str, called for each request, start and stop
    """

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
        for name, value, low, high in (
            ("port", port, 0, 65535),
            ("backlog", backlog, 0, 255),
            ("timeout", timeout, 0.01, 86400),
            ("max_connections", max_connections, 1, 9999),
            ("max_body", max_body, 0, 1 << 28),
        ):
            if not isinstance(value, (int, float) if name == "timeout" else int):
                raise TypeError(name + " must be a number")
            if not low <= value <= high:
                raise ValueError("%s must be %s...%s" % (name, low, high))
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
        self._exact = {}  # path: {method: handler}
        self._patterns = []  # (path, function that matches, {method: handler}), as they came

    async def exchange(self, conn):
        """Answer the request that conn has taken, or .error; return whether another may follow."""
        conn.left = self.timeout
        try:
            if conn.error is not None:
                raise conn.error
            request = conn.request
            methods = self._exact.get(request.path)
            handler = methods.get(request.method) if methods else None
            if handler is None:
                handler = self.find(request)
            if await call(handler, conn) != CONNECTION_KEEP_ALIVE or not conn.hands_over():
                await conn.finish()
        except InvalidRequest as e:
            await self.refuse(conn, e)
        except ClientGone:
            conn.gone = True
            conn.keep = False
        except Exception as e:
            await self.refuse(conn, InvalidRequest("", 500))
            self.report(e)
        finally:
            if self.log:
                self.note(conn)
        return conn.keep

    async def refuse(self, conn, error):
        """Answer with an error, if nothing has been sent, and let the connection close."""
        try:
            if conn.head != b"":
                conn.closing = False
                text = str(error) or status_line(error.status)
                response = HTTPResponse(error.status, "text/plain", True, error.header)
                await response.send(conn, text + "\n")
                await conn.finish()
        except ClientGone:
            conn.gone = True
        conn.keep = False

    def note(self, conn):
        """Log what was asked and answered.  The target as it was sent: nobody can forge a line."""
        request = conn.request
        asked = request.method + " " + request.url if request else "-"
        status = "-" if conn.head is None else conn.status
        self.log("%s %s %s" % (conn.get_extra_info("peername")[0], asked, status))

    def evict(self):
        """Make room for one connection; False if all are being served."""
        self.prune()
        if len(self.connections) >= self.max_connections:
            victim, least = None, (SERVED,)  # those that are being served stay
            for conn in self.connections:
                if conn.since is not None:
                    # the lowest state; in it the one whose time is up first
                    rank = conn.state, conn.left - ticks_diff(ticks_ms(), conn.since)
                    if rank < least:
                        victim, least = conn, rank
            if victim:
                self.drop(victim)
        return len(self.connections) < self.max_connections

    def admit(self, sock, address):
        """Make a new client's socket a connection; or answer 503 as far as that goes at once."""
        try:
            sock.setblocking(False)
            if len(self.connections) < self.max_connections or self.evict():
                conn = Connection(self, sock, address)
                if self.ssl:
                    conn.raw = sock
                    conn.sock = self.ssl.wrap_socket(
                        sock, server_side=True, do_handshake_on_connect=False
                    )
                self.connections.append(conn)
                return conn
            if not self.ssl:
                sock.read(1024)  # what is unread when a socket closes destroys the answer
                sock.write(_BUSY)
        except (OSError, MemoryError):
            pass
        close(sock)
