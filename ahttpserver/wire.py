# The wire: waits for a socket, and only when it must.
#
# A socket that does not block answers at once: with bytes, with b"" when the other side has ended,
# or with None for "not now".  So it is asked first: read_now() is in body.py, write_now() in
# connection.py.  Only after a None the task waits, in asyncio's own queue of sockets, and other
# tasks run.  Asking before waiting saves most requests a turn of the scheduler.
#
# Nobody may keep us waiting for ever.  A wire has .left, the milliseconds of waiting that remain.
# A wait says in .since when it began, and the server's watchdog, one task for all connections,
# sets .late when they are used up, and cancels the task: the wait ends with ClientGone.

from asyncio import core, sleep_ms
from time import ticks_diff, ticks_ms

# What a handler may return.  Here KEEP_ALIVE says that an event stream is fed from elsewhere
# (broadcast.py) and needs no task any more; after any other response it says nothing.
CONNECTION_CLOSE = 0
CONNECTION_KEEP_ALIVE = 1


async def _turn():
    await sleep_ms(0)


# What is mostly done at once, such as push(), is no coroutine function: it returns a coroutine if
# there is more to do, or else this one, which has ended and can be awaited again and again.
DONE = _turn()
DONE.close()


class ClientGone(OSError):
    """The connection has failed, timed out or been closed.  Nobody is there to be answered."""


class Wire:
    """The socket of one client: how a task waits for it."""

    sock = None
    left = turns = 0
    late = False

    def wait(self, write=False):  # async, but only a generator can hand its task to the queues
        """Wait until there is something to read, or room to write; or ClientGone."""
        self.since = ticks_ms()
        if self.turns:
            self.turns = 0
        queue = core._io_queue
        try:
            yield (queue.queue_write if write else queue.queue_read)(self.sock)
        except BaseException:
            queue.remove(core.cur_task)  # a MemoryError leaves it half in
            if self.late:
                self.late = False
                raise ClientGone("timed out")
            raise
        finally:
            self.left -= ticks_diff(ticks_ms(), self.since)
            self.since = None

    async def receive(self, n):
        """Up to n bytes, b"" at the end of what the client sends; or ClientGone."""
        while True:
            data = self.read_now(n)
            if data is not None:
                await self.turn()
                return data
            await self.wait()

    def push(self, data):
        """Hand over all bytes of data; or ClientGone."""
        rest = self.write_now(data)
        if not rest:
            return self.turn(data)
        self.gone = True  # a part has left: nothing may follow but the rest
        return self._push(rest)

    async def _push(self, rest):
        self.gone = False
        try:
            while rest:
                await self.wait(True)
                rest = self.write_now(rest)
        finally:
            if rest:
                self.gone = True

    def turn(self, data=True):
        """Await it to let the others have a turn, if it is time, or there was nothing to send."""
        self.turns += 1
        if data and self.turns <= 8:  # so often in a row a socket may be ready
            return DONE
        self.turns = 0
        return _turn()

    def full(self):
        """Much has been collected: send what the socket takes now, or else drain() will."""
        if len(self.output) < 4096 and not self.raw:  # TLS wants to see the very same bytes again
            self.output = bytes(self.write_now(self.collected()))

    def close(self):
        """Nothing more will be written.  The server closes the socket after the handler."""
        self.closing = True

    def hands_over(self):
        """True if this is an event stream, fed from elsewhere: it stays without a task."""
        self.owned = self.stream
        return self.stream


def call(handler, conn):
    """Call a handler and return its coroutine; TypeError if it is no coroutine function."""
    coroutine = handler(conn, conn, conn.request)
    if not hasattr(coroutine, "send"):
        raise TypeError("the handler of %s is not async" % conn.request.path)
    return coroutine
