# The server: who is served when.  One task accepts, one for each connection, one watches the time.
#
#     _accept() -> crowd.admit()      a newcomer gets a place
#     _serve()                        waits until a request is complete: connection.next()
#     app.exchange()                  finds the handler and calls it
#     handler -> response.py          the answer is collected, completed, and leaves
#     _serve()                        again, or away
#
# asyncio.start_server accepts too, but spins when accept fails, and dies when memory runs out.

import asyncio
from time import ticks_ms

from url import InvalidRequest

from . import app, crowd, wire
from .connection import LINGERING, SERVED, Connection
from .wire import ClientGone, HTTPServerError

_FAILED = OSError, MemoryError  # made before there is no memory for it


class HTTPServer:
    """
    An HTTP/1.1 server on asyncio.

    host, port: where to listen; backlog: connections that the system may hold in waiting
    timeout: seconds that a client may keep the server waiting; max_connections: at once
    max_body: bytes that reader.read() takes; ssl: an ssl.SSLContext for HTTPS
    log: function of a str, called for each request, start and stop

    .on_refuse: function(request or None, error), called before an answer with an error: returns
    (mimetype, body), or None for the default text; may set error.status, add to error.header
    """

    port = 80  # may be changed before start()
    places = 6  # for connections, if max_connections says nothing
    on_refuse = None
    patterns = None  # routes with names
    _running = None

    # What both packages have in common is told in app.py and crowd.py.
    __init__ = app.__init__
    route = app.route
    find = app.find
    exchange = app.exchange
    refuse = app.refuse
    admit = crowd.admit
    make_room = crowd.make_room
    absent = crowd.absent
    _watch = wire.watch

    async def start(self):
        """Listen and return; OSError if the port is taken, HTTPServerError if started before."""
        if self._running:
            raise HTTPServerError("is running")
        from .listener import listen

        listen(self)
        self._running = (
            # The listener waits like a connection.
            asyncio.create_task(self._accept(Connection(self, self.listener, None))),
            asyncio.create_task(self._watch()),
        )

    async def stop(self):
        """Close the listener and all connections; from a handler, its own answer still leaves."""
        if not self._running:
            return
        accept, task = self._running
        self._running = self.waiting = None
        accept.cancel()
        self.listener.close()
        connections = []
        for conn in self.connections:
            if conn.task is not asyncio.current_task():
                connections.append(conn)
                conn.late = False  # or it would go on: answer 408 and linger, unwatched
                if conn.task:  # a stream fed from elsewhere has none
                    conn.task.cancel()
        left = 100  # times 10 ms for what they have to finish
        for conn in connections:
            while left and conn.task and not conn.task.done():
                await asyncio.sleep_ms(10)
                left -= 1
            self._close(conn)
        if not self.connections:
            task.cancel()  # else it ends after this one
        if self.log:
            self.log("stopped")

    async def _accept(self, listener):
        listener.left = None
        event = False  # somebody is at the door
        while True:
            try:
                if len(self.connections) >= self.max_connections:
                    start = ticks_ms()
                    await asyncio.sleep_ms(50)
                    self.absent(start, 100)
                    await asyncio.sleep_ms(0)  # who has said something is heard first
                    conn = self.make_room()
                    if conn and not conn.late:  # as in _watch()
                        conn.left = 0
                        conn.late = True
                        conn.task.cancel()
                elif event:
                    event = False
                    self._adopt()
                else:
                    await listener.wait()
                    event = True
            except _FAILED:
                await asyncio.sleep_ms(100)  # it may fail for long: no place, no memory

    def _adopt(self):
        conn = self.admit()
        if conn:
            try:
                conn.task = asyncio.create_task(self._serve(conn))
            except MemoryError:
                self._close(conn)

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
                conn.state = SERVED
                if not await self.exchange(conn, error):
                    break
                if run is not self._running:
                    return
                conn.reset()
                await (conn.push(b"") if conn.input else conn.wait())
            if conn.unread() and run is self._running and not (conn.owned or conn.gone):
                # What is unread when a socket closes destroys the answer: read it away.
                conn.state = LINGERING
                conn.left = 1000
                rest = 65536
                while rest > 0:
                    conn.input = b""
                    while not conn.fill():
                        await conn.wait()
                    rest -= len(conn.input)
                    await conn.push(b"")
        except ClientGone:
            pass
        except Exception as e:
            self.report(e)
        finally:
            if conn.owned and not conn.gone:
                conn.task = conn.request = None
            else:
                self._close(conn)
            if run is not self._running and not self.connections:
                run[1].cancel()

    def _close(self, conn):
        if conn in self.connections:
            self.connections.remove(conn)
        conn.shut()
        try:
            if len(self.connections) == self.max_connections - 1 and self._running:
                self._adopt()  # at once: somebody may be at the door
        except _FAILED:
            pass

    def report(self, exception):
        """Tell the event loop's exception handler, as for any task."""
        asyncio.get_event_loop().call_exception_handler(
            {"message": "handler", "exception": exception, "future": asyncio.current_task()}
        )
