# The wire: takes bytes from a socket and hands bytes to it, and waits only when it must.
#
# A socket that does not block answers at once: with bytes, with b"" when the other side has ended,
# or with None for "not now".  Only after a None the task waits, in asyncio's own queue of sockets,
# and other tasks run.  Asking before waiting saves most requests a turn of the scheduler.
#
# Nobody may keep us waiting for ever.  A wire has .left, the milliseconds of waiting that remain.
# A wait says in .until when they will be used up, and the server's watchdog, one task for all
# connections, then sets .late and cancels the task: the wait ends with ClientGone.

from asyncio import CancelledError, core, sleep_ms
from time import ticks_add, ticks_diff, ticks_ms

TURNS = 8  # so often in a row a socket may be ready before the other tasks get a turn
_LONGEST = 1 << 28  # milliseconds that ticks can count


# What a handler may return.  Here KEEP_ALIVE says that an event stream is fed from elsewhere
# (broadcast.py) and needs no task any more; after any other response it says nothing.
CONNECTION_CLOSE = 0
CONNECTION_KEEP_ALIVE = 1


class ClientGone(OSError):
    """The connection has failed, timed out or been closed.  Nobody is there to be answered."""


class Wire:
    """A socket of one client.  address: what accept() said."""

    task = until = None
    left = turns = 0
    late = gone = closing = owned = False
    raw = None  # with TLS: the socket below
    stream = False  # the end of input means that the client has gone: see sse.py

    def __init__(self, sock, address):
        self.sock = sock
        self.address = address

    def read_now(self, n):
        """Up to n bytes, b"" at the end of what the client sends, None for not now."""
        if self.gone:
            raise ClientGone("closed")
        try:
            return self.sock.read(n)
        except OSError as e:
            self.gone = True
            raise ClientGone(*e.args)

    async def receive(self, n):
        """Up to n bytes, b"" at the end of what the client sends; or ClientGone."""
        data = self.read_now(n)
        while data is None:
            await self._wait(core._io_queue.queue_read)
            data = self.read_now(n)
        self.turns += 1
        if self.turns > TURNS:
            self.turns = 0
            await sleep_ms(0)
        return data

    def arrival(self):  # async
        """Wait until there is something to read; or ClientGone."""
        return self._wait(core._io_queue.queue_read)

    async def push(self, data):
        """Hand over all bytes of data; or ClientGone."""
        sent = self.write_now(data)
        while sent < len(data):
            try:
                await self._wait(core._io_queue.queue_write)
            except BaseException:
                self.gone = True  # a part has left: nothing else may follow
                raise
            data = memoryview(data)[sent:]
            sent = self.write_now(data)
        self.turns += 1
        if self.turns > TURNS:
            self.turns = 0
            await sleep_ms(0)

    def write_now(self, data):
        """Hand over what the socket takes at once; return the number of bytes, or ClientGone."""
        if self.gone:
            raise ClientGone("closed")
        try:
            sent = self.sock.write(data) or 0
        except OSError as e:
            self.gone = True
            raise ClientGone(*e.args)
        self.left += sent
        return sent

    def full(self):
        """Much has been collected: send what the socket takes now, or else drain() will."""
        if len(self.output) < 4096 and not self.raw:  # TLS wants to see the very same bytes again
            for data in self._collected():
                self.output += data if self.output else data[self.write_now(data) :]

    def _wait(self, queue):  # async, but only a generator can hand its task to asyncio's queues
        start = ticks_ms()
        self.turns = 0
        self.until = ticks_add(start, min(max(self.left, 0), _LONGEST))
        try:
            yield queue(self.sock)
        except CancelledError:
            if self.late:
                self.late = False
                raise ClientGone("timed out")
            raise
        except MemoryError:
            core._io_queue.remove(core.cur_task)  # it may be half in
            raise
        finally:
            self.until = None
            self.left -= ticks_diff(ticks_ms(), start)

    def close(self):
        """Nothing more will be written.  The server closes the socket after the handler."""
        self.closing = True

    def hands_over(self, returned):
        """True if this event stream is fed from elsewhere: it stays without a task."""
        self.owned = self.stream and returned == CONNECTION_KEEP_ALIVE
        return self.owned

    def ended(self):
        """Whether the client of an event stream has closed it.  Looks, and never waits."""
        if self.stream and not self.gone:
            try:
                self.gone = self.sock.read(64) == b""
            except OSError:
                self.gone = True
            except MemoryError:
                pass
        return self.stream and self.gone

    def shut(self):
        """Close the socket, once."""
        sock, self.sock = self.sock, None
        if sock:
            self.gone = True
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
    """What handler returns, to be awaited; TypeError if it is not a coroutine function."""
    coroutine = handler(conn, conn, conn.request)
    if not hasattr(coroutine, "send"):
        raise TypeError("the handler of %s is not async" % conn.request.path)
    return coroutine


class Lock:
    """Nothing interrupts a task before it awaits.  Where there are threads, this is a lock."""

    def __enter__(self):
        pass

    def __exit__(self, *exception):
        pass


def readable(sock):  # async
    """Wait until sock can be read."""
    try:
        yield core._io_queue.queue_read(sock)
    except MemoryError:
        core._io_queue.remove(core.cur_task)
        raise
