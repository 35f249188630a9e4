# The wire: waits for a socket, and only when it must.
#
# A socket that does not block answers at once: with bytes, with b"" when the other side has ended,
# or with None for "not now".  So it is asked first, by fill() and send() in connection.py.  Only
# after a None the wire waits, for this one socket.  The server does not: it polls all its sockets
# at once (server.py), and calls a handler when a request is there.  So what waits here is a
# handler, in its own time or in a thread of its own.
#
# Nobody may keep us waiting for ever.  A connection has .left, the milliseconds of waiting that
# remain.
#
# A connection that was handed over to a thread is that thread's alone (.owned): the serving loop
# looks whether its socket is still there, says .gone, and takes the socket of a stream away whose
# client has left, when it needs the place.  No lock is needed for that.
#
# These functions are methods of Connection.

import select
from time import sleep_ms, ticks_diff, ticks_ms  # noqa: F401  broadcast.py sleeps

DONE = None  # with asyncio: what is to be awaited if there is nothing to wait for


class HTTPServerError(Exception):
    """The server was used wrongly: a route or start() at the wrong time."""


class ClientGone(OSError):
    """The connection has failed, timed out or been closed.  Nobody is there to be answered."""


def wait(self, write=False):
    """Wait until there is something to read, or room to write; ClientGone if the time is up."""
    poller = select.poll()
    poller.register(self.sock, select.POLLOUT if write else select.POLLIN)
    while self.left is None:  # for ever, or until another thread says otherwise
        if poller.poll(500):
            return
        if self.gone:
            raise ClientGone("closed")
    start = ticks_ms()
    self.left = max(min(self.left, 3 * self.app.timeout), 0)  # whatever was moved before
    ready = poller.poll(self.left)
    self.left -= ticks_diff(ticks_ms(), start)
    if not ready:
        self.gone = self.stream or write  # a part has left: nothing else may follow
        raise ClientGone("timed out")


def push(self, data):
    """Hand over all bytes of data; or ClientGone."""
    if self.left_by_client():
        self.close(False)  # a thread that forgets to close it leaks nothing
    data = self.send(data)
    while data:
        self.wait(True)
        data = self.send(data)


def close(self, good=True):
    """
    Nothing more will be written.  The server closes the socket when the handler has ended.

    A thread that got the connection calls this when it is done: it closes the socket.  good: False
    leaves a response of unknown length without its end, so that it looks broken off.
    """
    ended = self.ended
    self.ended = good
    if self.owned:
        try:
            if good and ended is None:
                self.drain(True)
            if self.status == 101 and self.body:
                # What is unread when a socket closes destroys what was sent last.
                self.left = 1000
                for _ in range(64):
                    self.input = b""
                    while not self.fill(1024):
                        self.wait()
        except OSError:
            pass
        finally:
            self.shut()


def wait_closed(self):
    """Return at once: the server closes the socket."""


def hand_over(self):
    """The handler has given the connection to a thread."""
    self.app.poller.unregister(self.sock)  # first: once owned, its thread may close the socket
    self.owned = True
    good = self.ended
    if good is not None:  # its thread has ended already
        self.ended = None
        self.body = 0  # nobody waits here
        self.close(good)
    return True
