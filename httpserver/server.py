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
from time import sleep_ms, ticks_add, ticks_diff, ticks_ms

from url import InvalidRequest

from .app import App, HTTPServerError
from .connection import BLOCK, BODY, HEAD, IDLE, LINGERING, SERVED, SILENT, Connection
from .wire import ClientGone, close

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
        listener = self.listen()
        self._running = True
        try:
            self._poller = poll()
            self._poller.register(listener, POLLIN)
            self._failed = False
            self._checked = ticks_ms()
            while self._running:
                try:
                    self._turn(listener)
                except MemoryError:
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
            self.tell("stopped")

    def stop(self):
        """Ask start() to return; it does within about a second."""
        self._running = False

    def _turn(self, listener):
        # Wait for something to happen, and deal with it.
        newcomers = False
        for sock, _ in self._poller.poll(500):
            if sock is listener:
                newcomers = True  # after those who are here already
            else:
                for conn in self.connections:
                    if conn.sock is sock:
                        self._readable(conn)
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
                if e.args[:1] != (_EAGAIN,):
                    sleep_ms(100)  # it may fail for long: no place, no memory
                return
            self._admit(sock, address)

    def _admit(self, sock, address):
        try:
            sock.setblocking(False)
            if not self.evict():
                return self.turn_away(sock)
            conn = Connection(self, sock, address)
            if self.ssl:
                conn.raw = sock
                conn.sock = self.ssl.wrap_socket(
                    sock, server_side=True, do_handshake_on_connect=False
                )
            self._poller.register(conn.sock, POLLIN)
            self.connections.append(conn)
        except (OSError, MemoryError):
            self._poller.unregister(sock)
            return close(sock)
        self._await(conn, SILENT, self.timeout)
        self._readable(conn)

    def _readable(self, conn):
        # Read what has come, and answer if a request is complete now.
        try:
            data = conn.read_now(BLOCK)
            if data is None:
                return
            if not data:
                conn.gone = True
            elif conn.state == LINGERING:
                conn.rest -= len(data)
                conn.gone = conn.rest < 0
            else:
                conn.input += data
                self._advance(conn)
        except ClientGone:
            pass
        except Exception as e:
            self.drop(conn)
            if self._failed:
                raise
            self.report(e)
        if conn.gone and not conn.owned:
            self.drop(conn)

    def _advance(self, conn):
        # Answer the requests that are complete.  Afterwards the connection waits, or is gone.
        while self._complete(conn):
            conn.state = SERVED
            sock = conn.sock
            self.exchange(conn)
            if conn.owned:
                conn.request = None
                return self._poller.unregister(sock)
            if not (conn.keep and self._running):
                return self._linger(conn)
            conn.reset()
            self._await(conn, IDLE, self.timeout)

    def _complete(self, conn):
        # Whether a request's head is here, and its body, if that is short enough to wait for.
        try:
            if not conn.request and not (conn.input and conn.next()):
                if conn.input and conn.state != HEAD:
                    self._await(conn, HEAD, self.timeout)
                return False
        except InvalidRequest as e:
            self._refuse(conn, e)
            return False
        if len(conn.input) < conn.body <= BLOCK and not conn.expect:
            if conn.state != BODY:
                self._await(conn, BODY, self.timeout + conn.body)
            return False
        return True

    def _refuse(self, conn, error):
        self.exchange(conn, error)
        self._linger(conn)

    def _linger(self, conn):
        if conn.unread() and not conn.gone:
            conn.input = b""
            conn.rest = 65536
            self._await(conn, LINGERING, 1000)
        else:
            conn.gone = True

    def _await(self, conn, state, ms):
        conn.state = state
        conn.until = ticks_add(ticks_ms(), ms)

    def _watch(self):
        # Ends what takes too long, and forgets what threads have closed.
        now = ticks_ms()
        for conn in list(self.connections):
            if conn.owned:
                if not conn.sock:
                    self.connections.remove(conn)
            elif ticks_diff(now, conn.until) >= 0:
                self._late(conn)

    def _late(self, conn):
        # Silence just closes; half a request has an answer.
        try:
            if conn.state in (HEAD, BODY):
                self._refuse(conn, InvalidRequest("", 408))
            else:
                conn.gone = True
        except Exception as e:
            conn.gone = True
            if self._failed:
                raise
            self.report(e)
        if conn.gone:
            self.drop(conn)

    def prune(self):
        """End what takes too long, and streams whose client has closed."""
        for conn in self.connections:
            if conn.owned and conn.ended():
                conn.shut()  # a reload must not wait until the thread finds out
        self._watch()

    def drop(self, conn):
        """Close a connection that no thread owns."""
        if conn in self.connections:
            self.connections.remove(conn)
            self._poller.unregister(conn.sock)
            conn.shut()

    def report(self, exception):
        """Tell on_error, or print the exception.  What on_error raises ends start()."""
        self._failed = True
        (self.on_error or sys.print_exception)(exception)
        self._failed = False
