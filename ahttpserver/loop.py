# The loop: all that waits, and so who is served when.  One task for each connection, one for the
# door, and one that watches the time.  Of all files only this one differs between the packages.
#
#     _accept() -> server.admit()      a newcomer gets a place, and a task
#     _serve()                         reads, until a request is complete
#     server.exchange()                finds the handler and calls it
#     handler -> response.py           the answer is collected, completed, and leaves
#     _serve()                         the next request, or away
#
# A socket that does not block answers at once: with bytes, with b"" when the other side has ended,
# or with None for "not now".  So it is asked first, by fill() and transmit() of connection.py.
# Only after a None the task waits, in asyncio's own queue of sockets, and other tasks run.  Asking
# before waiting saves most requests a turn of the scheduler.
#
# Nobody may keep us waiting for ever.  A connection has .left, the milliseconds of waiting that
# remain, and a wait says in .since when it began.  The watchdog, one task for all, ends the wait
# of those whose time is up: they look once more, and only if nothing is there, they raise
# ClientGone at the next wait().
#
# The functions are methods of HTTPServer and, from wait() on, of Connection.

from asyncio import core, sleep_ms
from time import ticks_diff, ticks_ms

from url import InvalidRequest

_turns = 0  # writes since others had a turn


class HTTPServerError(Exception):
    """The server was used wrongly: a route or start() at the wrong time."""


class ClientGone(OSError):
    """The connection has failed, timed out or been closed.  Nobody is there to be answered."""


async def start(self):
    """Listen and return; OSError if the port is taken, HTTPServerError if started before."""
    if self._running:
        raise HTTPServerError("is running")
    from .listener import listen

    listen(self)
    self._running = core.create_task(_accept(self)), core.create_task(_watch(self))


async def stop(self):
    """Close the listener and all connections; from a handler, its own answer still leaves."""
    if not self._running:
        return
    accept, task = self._running
    self._running = None
    accept.cancel()
    self.sock.close()
    connections = []
    for conn in self.connections:
        if conn.task is not core.cur_task:
            connections.append(conn)
            conn.late = False  # or it would go on: answer 408 and linger, unwatched
            if conn.task:  # a stream fed from elsewhere has none
                conn.task.cancel()
    left = 100  # times 10 ms for what they have to finish
    for conn in connections:
        while left and conn.task and not conn.task.done():
            await sleep_ms(10)
            left -= 1
        _close(self, conn)
    if not self.connections:
        task.cancel()  # else it ends after this one
    if self.log:
        self.log("stopped")


def report(self, exception):
    """Tell the event loop's exception handler, as for any task."""
    core.get_event_loop().call_exception_handler(
        {"message": "handler", "exception": exception, "future": core.cur_task}
    )


async def _accept(self):
    self.left = None  # it waits like a connection, and for ever
    self.late = False
    while True:
        try:
            await wait(self)
            while len(self.connections) >= self.max_connections:
                start = ticks_ms()
                await sleep_ms(50)
                self.absent(start, 100)
                await sleep_ms(0)  # who has said something is heard first
                conn = self.make_room()
                if conn and not conn.late:  # as in _watch()
                    conn.left = 0
                    conn.late = True
                    conn.task.cancel()
            _adopt(self)
        except Exception:  # it may fail for long: no place, no memory, not even for a tuple here
            await sleep_ms(100)


def _adopt(self):
    conn = self.admit()
    if conn:
        try:
            conn.task = core.create_task(_serve(self, conn))
        except MemoryError:
            _close(self, conn)


async def _serve(self, conn):
    run = self._running  # others or None, when the server has been stopped
    try:
        while True:
            error = None
            try:
                while not conn.input or not conn.next():
                    if not conn.fill():
                        await conn.wait()
            except InvalidRequest as e:
                error = e
            except ClientGone:
                # Half a request has an answer, silence just closes; so does who gives way.
                begun = conn.input or conn.request
                if conn.gone or conn.left > 0 or not begun or self.waiting is not None:
                    raise
                error = InvalidRequest("", 408)
            if not await self.exchange(conn, error):
                break
            if run is not self._running:
                return
            conn.reset()
            await (conn.push(b"") if conn.input else conn.wait())
        if run is self._running and not conn.owned and conn.linger():
            while True:  # or until ClientGone
                while not conn.fill():
                    await conn.wait()
                await conn.push(b"")
    except ClientGone:
        pass
    except Exception as e:
        self.report(e)
    finally:
        if conn.owned and not conn.gone:
            conn.task = conn.request = None
        else:
            _close(self, conn)
        if run is not self._running and not self.connections:
            run[1].cancel()


def _close(self, conn):
    connections = self.connections
    conn.shut()
    try:
        connections.remove(conn)  # ValueError if it was closed before
        if len(connections) == self.max_connections - 1 and self._running:
            _adopt(self)  # at once: somebody may be at the door
    except Exception:
        pass


async def _watch(self):
    # The watchdog: ends what takes too long, and streams whose client has closed.
    run = self._running
    connections = self.connections
    ticks = ticks_ms()
    while self._running is run or not self._running and connections:
        await sleep_ms(500)
        ticks = self.absent(ticks, 600)
        for conn in connections:  # no copy, as that needs memory: who follows one that is closed
            left = conn.left  # here has a turn the next time
            late = conn.since is not None and left is not None
            late = late and ticks_diff(ticks, conn.since) >= left
            if late or conn.stream and conn.left_by_client():
                if conn.owned:
                    _close(self, conn)
                elif conn.task and not conn.late:  # once: its `finally` may await
                    conn.late = True  # it looks once more: see wait()
                    conn.task.cancel()


def wait(self, write=False):  # async, but only a generator can hand its task to the queues
    """Wait until there is something to read, or room to write; ClientGone if the time is up."""
    left = self.left
    if left is not None:  # None: for ever
        if left <= 0:
            raise ClientGone("timed out")
        self.left = min(left, 3 * self.app.timeout)  # whatever was moved before
    self.since = ticks_ms()
    poller = core._io_queue
    try:
        yield (poller.queue_write if write else poller.queue_read)(self.sock)
    except BaseException:
        poller.remove(core.cur_task)  # a MemoryError leaves it half in
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
        if self.raw or len(self.unsent) > 16384:
            self.gone = True
            raise ClientGone("unawaited")
        data = bytes(self.unsent) + data
        self.unsent = b""
    rest = self.transmit(data)
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
        self.unsent = self.transmit(self.unsent)


def close(self, good=True):
    """
    Nothing more will be written.  The server closes the socket after the handler.

    good: False leaves a response of unknown length without its end, so that it looks broken off.
    """
    self.ended = good


async def wait_closed(self):
    """Return at once: the server closes the socket."""


# What is mostly done at once, such as push(), is no coroutine function: it returns a coroutine if
# there is more to do, or else this one, which has ended and can be awaited again and again.
DONE = wait_closed(None)
DONE.close()


def hand_over(self):
    """True if this is an event stream, fed from elsewhere: it stays without a task."""
    self.owned = self.stream
    return self.stream
