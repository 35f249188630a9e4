# The wire: takes bytes from a socket and hands bytes to it, and waits only when it must.
#
# A socket that does not block answers at once: with bytes, with b"" when the other side has ended,
# or with None for "not now".  Only after a None the wire waits, for this one socket.  The server
# does not: it polls all its sockets at once (server.py), and calls a handler when a request is
# there.  So what waits here is a handler, in its own time or in a thread of its own.
#
# Nobody may keep us waiting for ever.  A wire has .left, the milliseconds of waiting that remain.
#
# A connection that was handed over to a thread is that thread's alone (.owned): the serving loop
# only looks whether its socket is still there, and only says .gone.  No lock is needed for that.

from _thread import allocate_lock
from select import POLLIN, POLLOUT, poll
from time import sleep_ms, ticks_diff, ticks_ms  # noqa: F401  broadcast.py sleeps

Lock = allocate_lock  # between threads

# What a handler may return: the connection is done with, or handed over to a thread.
CONNECTION_CLOSE = 0
CONNECTION_KEEP_ALIVE = 1


class ClientGone(OSError):
    """The connection has failed, timed out or been closed.  Nobody is there to be answered."""


class Wire:
    """A socket of one client.  address: what accept() said."""

    until = None
    left = 0
    raw = None  # with TLS: the socket below
    stream = False  # the end of input means that the client has gone: see sse.py

    def __init__(self, sock, address):
        self.sock = sock
        self.address = address
        # Both the loop and a thread look at these: they must not come into being later.
        self.gone = self.closing = self.owned = False

    def receive(self, n):
        """Up to n bytes, b"" at the end of what the client sends; or ClientGone."""
        data = self.read_now(n)
        while data is None:
            self._wait(POLLIN)
            data = self.read_now(n)
        return data

    def read_now(self, n):
        """Up to n bytes, b"" at the end of what the client sends, None for not now."""
        if self.gone:
            raise ClientGone("closed")
        try:
            return self.sock.read(n)
        except OSError as e:
            self.gone = True
            raise ClientGone(*e.args)

    def push(self, data):
        """Hand over all bytes of data; or ClientGone."""
        if self.ended():
            self.close()  # a thread that forgets to close it leaks nothing
        sent = self.write_now(data)
        while sent < len(data):
            self._wait(POLLOUT)
            data = memoryview(data)[sent:]
            sent = self.write_now(data)

    def full(self):
        """Much has been collected: send it, rather than to let it grow until the handler ends."""
        self.drain()

    def write_now(self, data):
        """Hand over what the socket takes at once; return the number of bytes, or ClientGone."""
        sock = self.sock  # the serving loop may take it away from a thread, after saying .gone
        if self.gone:
            raise ClientGone("closed")
        try:
            sent = sock.write(data) or 0
        except OSError as e:
            self.gone = True
            raise ClientGone(*e.args)
        self.left += sent
        return sent

    def _wait(self, event):
        start = ticks_ms()
        poller = poll()
        poller.register(self.sock, event)
        ready = poller.poll(max(self.left, 0))
        self.left -= ticks_diff(ticks_ms(), start)
        if not ready:
            self.gone = self.stream or event == POLLOUT  # a part has left: nothing else may follow
            raise ClientGone("timed out")

    def close(self):
        """
        Nothing more will be written.  The server closes the socket when the handler has ended.

        A thread that got the connection calls this when it is done: it closes the socket.
        """
        self.closing = True
        if self.owned:
            self.shut()

    def hands_over(self, returned):
        """Whether the handler has given the connection to a thread, by what it returned."""
        if returned == CONNECTION_KEEP_ALIVE:
            self.owned = True
            if self.closing:  # its thread has ended already
                self.shut()
        return self.owned

    def ended(self):
        """Whether the client of an event stream has closed it."""
        sock = self.sock
        if self.stream and not self.gone:
            try:
                self.gone = sock.read(64) == b""
            except OSError:
                self.gone = True
        return self.stream and self.gone

    def shut(self):
        """Close the socket, once."""
        self.gone = True
        sock, self.sock = self.sock, None
        if sock:
            close(sock)
            if self.raw:
                close(self.raw)  # a TLS handshake that failed has forgotten it


def close(sock):
    """Close a socket.  That may fail, too; nobody can do anything about it."""
    try:
        sock.close()
    except OSError:
        pass


def result(handler, conn):
    """What handler returns; TypeError if it is a coroutine function."""
    returned = handler(conn, conn, conn.request)
    if hasattr(returned, "send"):
        raise TypeError("the handler of %s is async" % conn.request.path)
    return returned
