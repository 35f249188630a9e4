# The wire: waits for a socket, and only when it must.
#
# A socket that does not block answers at once: with bytes, with b"" when the other side has ended,
# or with None for "not now".  So it is asked first: read_now() is in body.py, write_now() in
# connection.py.  Only after a None the wire waits, for this one socket.  The server does not: it
# polls all its sockets at once (server.py), and calls a handler when a request is there.  So what
# waits here is a handler, in its own time or in a thread of its own.
#
# Nobody may keep us waiting for ever.  A wire has .left, the milliseconds of waiting that remain.
#
# A connection that was handed over to a thread is that thread's alone (.owned): the serving loop
# looks whether its socket is still there, says .gone, and takes the socket of a stream away whose
# client has left, when it needs the place.  No lock is needed for that.

import select
from time import sleep_ms, ticks_diff, ticks_ms  # noqa: F401  broadcast.py sleeps

# What a handler may return: the connection is done with, or handed over to a thread.
CONNECTION_CLOSE = 0
CONNECTION_KEEP_ALIVE = 1


DONE = None  # with asyncio: what is to be awaited if there is nothing to wait for


class ClientGone(OSError):
    """The connection has failed, timed out or been closed.  Nobody is there to be answered."""


class Wire:
    """The socket of one client: how a handler or a thread waits for it."""

    def wait(self, write=False):
        """Wait until there is something to read, or room to write; or ClientGone."""
        start = ticks_ms()
        poller = select.poll()
        poller.register(self.sock, select.POLLOUT if write else select.POLLIN)
        ready = poller.poll(max(self.left, 0))
        self.left -= ticks_diff(ticks_ms(), start)
        if not ready:
            self.gone = self.stream or write  # a part has left: nothing else may follow
            raise ClientGone("timed out")

    def receive(self, n):
        """Up to n bytes, b"" at the end of what the client sends; or ClientGone."""
        while True:
            data = self.read_now(n)
            if data is not None:
                return data
            self.wait()

    def push(self, data):
        """Hand over all bytes of data; or ClientGone."""
        if self.ended():
            self.close()  # a thread that forgets to close it leaks nothing
        rest = self.write_now(data)
        while rest:
            self.wait(True)
            rest = self.write_now(rest)

    def full(self):
        """Much has been collected: send it, rather than to let it grow until the handler ends."""
        self.drain()

    def close(self):
        """
        Nothing more will be written.  The server closes the socket when the handler has ended.

        A thread that got the connection calls this when it is done: it closes the socket.
        """
        self.closing = True
        if self.owned:
            self.shut()

    def hands_over(self):
        """The handler has given the connection to a thread."""
        self.app.poller.unregister(self.sock)  # first: once owned, its thread may close the socket
        self.owned = True
        if self.closing:  # its thread has ended already
            self.shut()
        return True


def call(handler, conn):
    """Call a handler and return what it returns; TypeError if it is a coroutine function."""
    returned = handler(conn, conn, conn.request)
    if hasattr(returned, "send"):
        raise TypeError("the handler of %s is async" % conn.request.path)
    return returned
