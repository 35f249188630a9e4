# The server: who is served when.  One loop, one poll over the listener and all connections.
#
#     _turn() -> crowd.admit()          a newcomer gets a place
#     _attend()                       reads what has come, until a request is complete
#     app.exchange()                  finds the handler and calls it
#     handler -> response.py          the answer is collected, completed, and leaves
#     _answer()                       the next request, or away
#
# A connection is read whenever it has something to say, never waited for: a browser opens spare
# connections and is silent on them, and nobody else must wait for that.  A handler is called when
# the request's head is complete, and its body too if that is short.  Meanwhile all others wait.

from select import POLLIN, poll
from sys import print_exception
from time import sleep_ms, ticks_diff, ticks_ms

from url import InvalidRequest

from . import app, crowd
from .connection import LINGERING, SERVED
from .wire import ClientGone, HTTPServerError


class HTTPServer:
    """
    An HTTP/1.1 server on plain sockets.

    host, port: where to listen; backlog: connections that the system may hold in waiting
    timeout: seconds that a client may keep the server waiting; max_connections: at once
    max_body: bytes that reader.read() takes; ssl: an ssl.SSLContext for HTTPS
    log: function of a str, called for each request, start and stop

    .on_error: function of an exception that a handler did not catch; it may call stop() or raise
    .on_refuse: function(request or None, error), called before an answer with an error: returns
    (mimetype, body), or None for the default text; may set error.status, add to error.header
    """

    port = 80  # may be changed before start()
    places = 6  # for connections, if max_connections says nothing
    on_error = None
    on_refuse = None
    patterns = None  # routes with names
    _running = False

    # What both packages have in common is told in app.py and crowd.py.
    __init__ = app.__init__
    route = app.route
    find = app.find
    exchange = app.exchange
    refuse = app.refuse
    admit = crowd.admit
    make_room = crowd.make_room
    absent = crowd.absent

    def start(self):
        """Serve until stop(); OSError if the port is taken, HTTPServerError if it runs already."""
        if self._running:
            raise HTTPServerError("is running")
        from .listener import listen

        listen(self)
        self._running = True
        try:
            self.poller = poll()
            self._failed = False
            self._checked = ticks_ms()
            while self._running:
                try:
                    self._turn()
                except MemoryError:
                    if self._failed:
                        raise  # on_error did
                    sleep_ms(100)
        finally:
            self._running = self._failed = False
            self.waiting = None
            self.listener.close()
            for conn in self.connections:
                if conn.owned:
                    conn.gone = True  # its thread finds out at the next send
                else:
                    conn.shut()
            self.connections = []
            if self.log:
                self.log("stopped")

    def stop(self):
        """Ask start() to return; it does within about a second."""
        self._running = False

    def _turn(self):
        # Wait for something to happen, and deal with it.
        full = len(self.connections) >= self.max_connections
        self.poller.register(self.listener, 0 if full else POLLIN)  # let in if there is a place
        accept = 0
        ready = self.poller.poll(50 if full else 500)
        self._looked = ticks_ms()
        for sock, _ in ready:
            if sock is self.listener:
                accept = 8  # at most, after those who are here already
                continue
            for conn in self.connections:
                if conn.sock is sock:
                    self._attend(conn, False)
                    break
            if full:
                self._adopt(False)  # at once: or all who are here are told to close
        while accept and self._adopt(True):
            accept -= 1
        ticks = ticks_ms()
        if full or ticks_diff(ticks, self._checked) >= 500:
            self._checked = ticks
            for conn in list(self.connections):
                if not conn.owned:
                    if ticks_diff(ticks, conn.since) >= conn.left:
                        self._attend(conn, True)
                    continue
                gone = conn.gone  # its thread has had the time to find out
                if conn.left_by_client() and full or gone:  # in a crowd a reload must not wait
                    conn.shut()
                if conn.sock is None:
                    self.connections.remove(conn)
        if full and len(self.connections) >= self.max_connections:
            conn = self.make_room()
            if conn:
                self._attend(conn, True)

    def _adopt(self, attend):
        # Let a newcomer in, if there is one and a place; in a crowd it waits for its turn.
        if len(self.connections) < self.max_connections:
            try:
                conn = self.admit()
            except (OSError, MemoryError):
                sleep_ms(100)  # it may fail for long: no place, no memory
                return
            if conn:
                conn.since = ticks_ms()
                if attend:
                    self._attend(conn, False)
                try:
                    if not conn.owned and conn.sock is not None:
                        self.poller.register(conn.sock, POLLIN)
                except (OSError, MemoryError):
                    conn.gone = True
                    self._attend(conn, False)  # closes it
            return conn

    def _attend(self, conn, late):
        # Read what has come and answer what is complete; or, if its time is up, close.
        error = None
        try:
            if conn.raw:  # how long has it said nothing?  See crowd.make_room()
                ticks = ticks_ms()
                conn.left -= ticks_diff(ticks, conn.since)
                conn.since = ticks
            if conn.state == LINGERING:
                conn.input = b""
                conn.fill()
                conn.body -= len(conn.input)
                if conn.body > 0 and not late:
                    return
            elif not conn.fill() and not late or self._answer(conn, late):
                return
        except ClientGone:
            pass
        except Exception as e:
            error = e
        finally:
            # What a handler or a handshake took of late is not the other clients' fault.
            self._looked = self.absent(self._looked, 100)
        if not conn.owned and conn in self.connections:
            self.connections.remove(conn)
            self.poller.unregister(conn.sock)
            conn.shut()
        if error:
            if self._failed:
                raise error
            self.report(error)

    def _answer(self, conn, late):
        # Answer the requests that are complete.  True: the connection stays.
        while True:
            error = None
            try:
                if not conn.input or not conn.next():
                    if conn.since is None:  # this part of a request has just begun
                        conn.since = ticks_ms()
                        return True
                    if not late:
                        return True
                    if conn.fill():  # a long head
                        continue
                    # Half a request has an answer, silence just closes; so does who gives way.
                    if not (conn.input or conn.request) or self.waiting is not None:
                        return False
                    error = InvalidRequest("", 408)
            except InvalidRequest as e:
                error = e
            conn.state = SERVED
            keep = self.exchange(conn, error)
            if conn.owned:
                if conn.stream:  # the answer of another may not have begun
                    conn.request = None
                return True
            if not (keep and self._running):
                if conn.gone or not conn.unread():
                    return False
                conn.input = b""
                conn.body = 65536  # so much is read away
                conn.state = LINGERING
                conn.left = 1000
                conn.since = ticks_ms()
                return True
            conn.reset()
            late = False

    def report(self, exception):
        """Tell on_error, or print the exception.  What on_error raises ends start()."""
        self._failed = True
        (self.on_error or print_exception)(exception)
        self._failed = False
