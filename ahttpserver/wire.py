# The wire: waits for a socket, and only when it must.
#
# A socket that does not block answers at once: with bytes, with b"" when the other side has ended,
# or with None for "not now".  So it is asked first, by fill() and send() in connection.py.  Only
# after a None the task waits, in asyncio's own queue of sockets, and other tasks run.  Asking
# before waiting saves most requests a turn of the scheduler.
#
# Nobody may keep us waiting for ever.  A connection has .left, the milliseconds of waiting that
# remain, and a wait says in .since when it began.  The server's watchdog, one task for all, ends
# the wait of those whose time is up: they look once more, and only if nothing is there, they raise
# ClientGone at the next wait().
#
# These functions are methods of Connection, but for the watchdog.

from asyncio import core, sleep_ms
from time import ticks_diff, ticks_ms

_turns = 0  # writes since others had a turn


class HTTPServerError(Exception):
    """The server was used wrongly: a route or start() at the wrong time."""


class ClientGone(OSError):
    """The connection has failed, timed out or been closed.  Nobody is there to be answered."""


async def wait_closed(self):
    """Return at once: the server closes the socket."""


# What is mostly done at once, such as push(), is no coroutine function: it returns a coroutine if
# there is more to do, or else this one, which has ended and can be awaited again and again.
DONE = wait_closed(None)
DONE.close()


def wait(self, write=False):  # async, but only a generator can hand its task to the queues
    """Wait until there is something to read, or room to write; ClientGone if the time is up."""
    left = self.left
    if left is not None:  # None: for ever
        if left <= 0:
            raise ClientGone("timed out")
        self.left = min(left, 3 * self.app.timeout)  # whatever was moved before
    self.since = ticks_ms()
    queue = core._io_queue
    try:
        yield (queue.queue_write if write else queue.queue_read)(self.sock)
    except BaseException:
        queue.remove(core.cur_task)  # a MemoryError leaves it half in
        if not self.late:
            raise
        self.late = False
    finally:
        if left is not None:
            self.left -= ticks_diff(ticks_ms(), self.since)
        self.since = None


def push(self, data):
    """Hand over all bytes of data; or ClientGone.  Now and then the others have a turn."""
    global _turns
    if self.unsent:
        # TLS has to be offered the very same bytes again; much is left if nobody awaits.
        if self.raw or len(self.unsent) > 4096:
            self.gone = True
            raise ClientGone("unawaited")
        data = bytes(self.unsent) + data
        self.unsent = b""
    rest = self.send(data)
    if rest:
        self.unsent = rest
    elif data and _turns < 8:  # so often in a row the sockets may be ready
        _turns += 1
        return DONE
    return _push(self)


async def _push(self):
    global _turns
    _turns = 0
    if not self.unsent:
        await sleep_ms(0)
    while self.unsent:
        await self.wait(True)
        self.unsent = self.send(self.unsent)


def close(self, good=True):
    """
    Nothing more will be written.  The server closes the socket after the handler.

    good: False leaves a response of unknown length without its end, so that it looks broken off.
    """
    self.ended = good


def hand_over(self):
    """True if this is an event stream, fed from elsewhere: it stays without a task."""
    self.owned = self.stream
    return self.stream


async def watch(self):
    # The server's watchdog: ends what takes too long, and streams whose client has closed.
    run = self._running
    ticks = ticks_ms()
    while self._running is run or not self._running and self.connections:
        await sleep_ms(500)
        ticks = self.absent(ticks, 600)
        for n in range(len(self.connections) - 1, -1, -1):  # needs no memory, unlike a copy
            conn = self.connections[n]
            late = conn.since is not None and conn.left is not None
            if late and ticks_diff(ticks, conn.since) >= conn.left or conn.left_by_client():
                if conn.owned:
                    self._close(conn)
                elif conn.task and not conn.late:  # once: its `finally` may await
                    conn.late = True  # it looks once more: see wire.wait()
                    conn.task.cancel()
