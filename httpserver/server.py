# The server: who is served when.  One loop, one poll over the listener and all connections.
#
# A connection is read whenever it has something to say, never waited for: a browser opens spare
# connections and is silent on them, and nobody else must wait for that.  A handler is called when
# the request's head is complete, and its body too if that is short.  Meanwhile all others wait.
#
# A board has ten sockets, so connections are few and each has a state.  When all places are taken,
# a newcomer gets the place of the connection that is least worth keeping: the lowest state first,
# in it the one whose time is up first.  Those that were handed over to a thread are left alone.

import sys
from select import POLLIN, poll
from time import sleep_ms, ticks_diff, ticks_ms

from url import InvalidRequest

from .app import App
from .body import BLOCK
from .connection import BODY, HEAD, IDLE, LINGERING, SERVED, close, listen
from .routes import HTTPServerError
from .wire import ClientGone

_EAGAIN = 11


class HTTPServer(App):
    """
    An HTTP/1.1 server on plain sockets; its arguments: see app.py.

    .on_error: function of an exception that a handler did not catch; it may call stop() or raise
    """

    on_error = None
    _running = _failed = False

    def start(self):
        """Serve until stop(); OSError if the port is taken, HTTPServerError if it runs already."""
        if self._running:
            raise HTTPServerError("started already")
        listener = listen(self)
        self._running = True
        try:
            self.poller = poll()
            self.poller.register(listener, POLLIN)
            self._failed = False
            self._checked = ticks_ms()
            while self._running:
                try:
                    self._turn(listener)
                except MemoryError:
                    if self._failed:
                        raise  # on_error did
                    sleep_ms(100)
        finally:
            self._running = False
            close(listener)
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

    def _turn(self, listener):
        # Wait for something to happen, and deal with it.
        newcomers = False
        for sock, _ in self.poller.poll(500):
            if sock is listener:
                newcomers = True  # after those who are here already
            else:
                for conn in self.connections:
                    if conn.sock is sock:
                        self._attend(conn)
                        break
        if newcomers:
            self._accept(listener)
        if ticks_diff(ticks_ms(), self._checked) >= 500:
            self._checked = ticks_ms()
            self._watch()

    def _accept(self, listener):
        for _ in range(8):
            try:
                sock, address = listener.accept()
            except (OSError, MemoryError) as e:
                if _EAGAIN not in e.args:
                    sleep_ms(100)  # it may fail for long: no place, no memory
                return
            conn = self.admit(sock, address)
            if conn is not None:
                self._attend(conn)
                try:
                    if not conn.owned and conn.sock is not None:
                        self.poller.register(conn.sock, POLLIN)
                except (OSError, MemoryError):
                    self.drop(conn)

    def _attend(self, conn, late=False):
        # Read what has come and answer what is complete, or late; or close the connection.
        try:
            if late:
                # Silence just closes; half a request has an answer.
                if conn.state in (HEAD, BODY):
                    conn.error = InvalidRequest("", 408)
                    if self._answer(conn):
                        return
            else:
                data = conn.read_now(BLOCK)
                if data is None:
                    if conn.since is None:
                        self._waits(conn)
                    return
                if conn.state == LINGERING:
                    conn.body -= len(data)
                    if data and conn.body > 0:
                        return
                elif data:
                    conn.input += data
                    if self._answer(conn):
                        return
        except ClientGone:
            pass
        except Exception as e:
            self.drop(conn)
            if self._failed:
                raise
            self.report(e)
        self.drop(conn)

    def _answer(self, conn):
        # Answer the requests that are complete, or the error.  True: the connection stays.
        while True:
            if conn.error is None and not (conn.input and conn.next()):
                return self._waits(conn)
            conn.state = SERVED
            keep = self.exchange(conn)
            if conn.owned:
                conn.request = None
                return True
            if not (keep and self._running):
                if conn.gone or not conn.unread():
                    return False
                conn.input = b""
                conn.body = 65536  # so much is read away
                self._await(conn, LINGERING, 1000)
                return True
            conn.reset()
            self._await(conn, IDLE, self.timeout)

    def _waits(self, conn):
        # For the rest of a request; for each part of it a client has the whole time.
        state = BODY if conn.request else HEAD if conn.input else conn.state
        if conn.state != state or conn.since is None:
            self._await(conn, state, self.timeout + conn.body)
        return True

    def _await(self, conn, state, ms):
        conn.state = state
        conn.since = ticks_ms()
        conn.left = ms

    def _watch(self):
        # Ends what takes too long, and forgets what threads have closed.
        now = ticks_ms()
        for conn in list(self.connections):
            if conn.owned:
                if conn.sock is None:
                    self.connections.remove(conn)
            elif ticks_diff(now, conn.since) >= conn.left:
                self._attend(conn, True)

    def prune(self):
        """End what takes too long, and streams whose client has closed."""
        for conn in self.connections:
            if conn.owned and conn.ended():
                conn.shut()  # a reload must not wait until the thread finds out
        self._watch()

    def drop(self, conn):
        """Close a connection, if no thread owns it."""
        if conn.owned:
            return
        try:
            self.connections.remove(conn)
        except ValueError:
            return
        self.poller.unregister(conn.sock)
        conn.shut()

    def report(self, exception):
        """Tell on_error, or print the exception.  What on_error raises ends start()."""
        self._failed = True
        (self.on_error or sys.print_exception)(exception)
        self._failed = False
