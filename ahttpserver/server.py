# The server: who is served when.  One task accepts, one for each connection, one watches the time.
#
# asyncio.start_server accepts too, but spins when accept fails, and dies when memory runs out.
#
# A board has ten sockets, so connections are few and each has a state.  When all places are taken,
# a newcomer gets the place of the connection that is least worth keeping: the lowest state first,
# in it the one whose time is up first.  Those that are being served are left alone.

from asyncio import create_task, current_task, get_event_loop, sleep_ms
from errno import EAGAIN
from time import ticks_diff, ticks_ms

from url import InvalidRequest

from .app import App
from .body import BLOCK
from .connection import BODY, HEAD, IDLE, LINGERING, SERVED, close, listen
from .routes import HTTPServerError
from .wire import ClientGone, Wire


class HTTPServer(App):
    """An HTTP/1.1 server on asyncio; its arguments: see app.py."""

    _tasks = None

    async def start(self):
        """Listen and return; OSError if the port is taken, HTTPServerError if started before."""
        if self._tasks:
            raise HTTPServerError("started already")
        gate = Wire()  # waits like a connection; nobody looks at its time
        gate.sock = listen(self)
        self._tasks = create_task(self._accept(gate)), create_task(self._watch()), gate

    async def stop(self):
        """Close the listener and all connections; from a handler, its own answer still leaves."""
        if not self._tasks:
            return
        accept, watch, gate = self._tasks
        self._tasks = None
        accept.cancel()
        close(gate.sock)
        others = []
        for conn in list(self.connections):
            if conn.task is not current_task():
                others.append(conn)
                self.drop(conn)
        if not self.connections:
            watch.cancel()  # else it ends after this one
        left = 1000  # ms for what they have to finish
        for conn in others:
            while left > 0 and conn.task and not conn.task.done():
                await sleep_ms(10)
                left -= 10
            conn.shut()
        if self.log:
            self.log("stopped")

    async def _accept(self, gate):
        while True:
            try:
                await gate.wait()
                for _ in range(8):
                    if len(self.connections) >= self.max_connections:
                        await sleep_ms(1)  # whoever can be read is read before one has to go
                    sock, address = gate.sock.accept()
                    conn = self.admit(sock, address)
                    try:
                        if conn is not None:
                            conn.task = create_task(self._serve(conn))
                    except MemoryError:
                        self._close(conn)
            except (OSError, MemoryError) as e:
                if EAGAIN not in e.args:
                    await sleep_ms(100)  # it may fail for long: no place, no memory

    async def _serve(self, conn):
        tasks = self._tasks  # another or None, when the server has been stopped
        try:
            while True:
                try:
                    while not self._ready(conn):
                        await conn.wait()
                except ClientGone:
                    if conn.left > 0 or conn.state not in (HEAD, BODY):
                        break
                    conn.error = InvalidRequest("", 408)
                conn.state = SERVED
                if not await self.exchange(conn):
                    if tasks is self._tasks and not (conn.owned or conn.gone) and conn.unread():
                        await self._linger(conn)
                    break
                if tasks is not self._tasks:
                    break
                conn.reset()
                conn.state = IDLE
                conn.left = self.timeout
                await (conn.turn() if conn.input else conn.wait())
        except ClientGone:
            pass
        except Exception as e:
            self.report(e)
        finally:
            if conn.owned and not conn.gone:
                conn.task = conn.request = None
            else:
                self._close(conn)
            if tasks is not self._tasks and not self.connections:
                tasks[1].cancel()

    def _close(self, conn):
        try:
            self.connections.remove(conn)
        except ValueError:
            pass
        conn.shut()

    def _ready(self, conn):
        # Whether a request has come.  If not, what is missing decides when the connection has to
        # give way; and for each part of it a client has the whole time.
        while not conn.input or not conn.next():
            data = conn.read_now(BLOCK)
            if data:
                conn.input += data
            elif data is None:
                state = BODY if conn.request else HEAD if conn.input else conn.state
                if conn.state != state:
                    conn.state = state
                    conn.left = self.timeout
                return False
            else:
                conn.gone = True
                raise ClientGone("closed")
        return True

    async def _linger(self, conn):
        conn.state = LINGERING
        conn.input = b""
        conn.left = 1000
        rest = 65536
        while rest > 0:
            data = await conn.receive(BLOCK)
            if not data:
                break
            rest -= len(data)

    async def _watch(self):
        tasks = self._tasks
        while self._tasks is tasks or not self._tasks and self.connections:
            await sleep_ms(500)
            self.prune()

    def drop(self, conn):
        """End a connection: for the sake of another, or of stop().  Its task closes the socket."""
        self.connections.remove(conn)
        conn.late = False  # or it would go on: answer 408 and linger, unwatched
        if conn.task:  # a stream fed from elsewhere has none
            conn.task.cancel()

    def prune(self):
        """End what takes too long, and streams whose client has closed."""
        now = ticks_ms()
        for i in range(len(self.connections) - 1, -1, -1):  # needs no memory, unlike a copy
            conn = self.connections[i]
            ended = conn.ended()
            if conn.owned:
                if ended:
                    self._close(conn)
            elif not conn.late:  # once: its `finally` may await
                if ended or conn.since is not None and ticks_diff(now, conn.since) >= conn.left:
                    conn.late = True
                    conn.task.cancel()
                if ended:
                    self.connections.remove(conn)

    def report(self, exception):
        """Tell the event loop's exception handler, as for any task."""
        get_event_loop().call_exception_handler(
            {"message": "in handler", "exception": exception, "future": current_task()}
        )
