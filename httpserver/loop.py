# The loop: all that waits, and so who is served when.  One poll over the door and all connections.
# Of all files only this one differs between the packages.
#
#     _turn() -> server.admit()        a newcomer gets a place
#     _attend()                        reads what has come, until a request is complete
#     server.exchange()                finds the handler and calls it
#     handler -> response.py           the answer is collected, completed, and leaves
#     _answer()                        the next request, or away
#
# A connection is read whenever it has something to say, never waited for: a browser opens spare
# connections and is silent on them, and nobody else must wait for that.  A handler is called when
# the request's head is complete, and its body too if that is short.  Meanwhile all others wait.
#
# A socket that does not block answers at once: with bytes, with b"" when the other side has ended,
# or with None for "not now".  So it is asked first, by fill() and transmit() of connection.py.
# Only after a None wait() waits, for this one socket: so what waits there is a handler, in its own
# time or in a thread of its own.
#
# Nobody may keep us waiting for ever.  A connection has .left, the milliseconds of waiting that
# remain.
#
# A connection that was handed over to a thread is that thread's alone (.owned): the serving loop
# looks whether its socket is still there, says .gone, and takes the socket of a stream away whose
# client has left: at the next look, or at once when it needs the place.  No lock is needed: what
# the thread may set is there before it begins, and close() decides which of the two closes.
#
# The functions are methods of HTTPServer and, from wait() on, of Connection.

from select import POLLIN, POLLOUT, poll
from sys import print_exception
from time import sleep_ms, ticks_diff, ticks_ms

from url import InvalidRequest

DONE = None  # with asyncio: what is to be awaited if there is nothing to wait for


class HTTPServerError(Exception):
    """The server was used wrongly: a route or start() at the wrong time."""


class ClientGone(OSError):
    """The connection has failed, timed out or been closed.  Nobody is there to be answered."""


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
                _turn(self)
            except MemoryError:
                if self._failed:
                    raise  # on_error did
                sleep_ms(100)
    finally:
        self._running = self._failed = False
        self.sock.close()
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
    self.poller.register(self.sock, 0 if full else POLLIN)  # let in if there is a place
    accept = 0
    ready = self.poller.poll(50 if full else 500)
    self._looked = ticks_ms()
    for sock, _ in ready:
        if sock is self.sock:
            accept = 8  # at most, after those who are here already
            continue
        for conn in self.connections:
            if conn.sock is sock:
                _attend(self, conn, False)
                break
        if full:
            _adopt(self, False)  # at once: or all who are here are told to close
    while accept and _adopt(self, True):
        accept -= 1
    ticks = ticks_ms()
    if full or ticks_diff(ticks, self._checked) >= 500:
        self._checked = ticks
        for conn in list(self.connections):
            if not conn.owned:
                if ticks_diff(ticks, conn.since) >= conn.left:
                    _attend(self, conn, True)
                continue
            gone = conn.gone  # its thread has had the time to find out
            if conn.stream and conn.left_by_client() and full or gone:
                conn.shut()  # in a crowd a reload must not wait
            if conn.sock is None:
                self.connections.remove(conn)
    if full and len(self.connections) >= self.max_connections:
        conn = self.make_room()
        if conn:
            _attend(self, conn, True)


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
                _attend(self, conn, False)
            try:
                if not conn.owned and conn.sock is not None:
                    self.poller.register(conn.sock, POLLIN)
            except (OSError, MemoryError):
                conn.gone = True
                _attend(self, conn, False)  # closes it
        return conn


def _attend(self, conn, late):
    # Read what has come and answer what is complete; or, if its time is up, close.
    error = None
    try:
        if conn.raw:  # how long has it said nothing?  See crowd.make_room()
            ticks = ticks_ms()
            conn.left -= ticks_diff(ticks, conn.since)
            conn.since = ticks
        if not conn.fill() and not late or _answer(self, conn, late):
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
        # As in server.exchange(): a thread may get it.
        conn.gone = conn.owned = False
        conn.ended = conn.closes = None
        conn.born, conn.body, conn.more = conn.born, conn.body, conn.more
        keep = self.exchange(conn, error)
        if conn.owned:
            if conn.stream:  # the answer of another may not have begun
                conn.request = None
            return True
        if not (keep and self._running):
            conn.since = ticks_ms()
            return not conn.gone and conn.linger()
        conn.reset()
        conn.since = None
        late = False


def report(self, exception):
    """Tell on_error, or print the exception.  What on_error raises ends start()."""
    self._failed = True
    (self.on_error or print_exception)(exception)
    self._failed = False


def wait(self, write=False):
    """Wait until there is something to read, or room to write; ClientGone if the time is up."""
    poller = poll()
    poller.register(self.sock, POLLOUT if write else POLLIN)
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
    if self.stream and self.left_by_client():
        self.close(False)  # a thread that forgets to close it leaks nothing
    data = self.transmit(data)
    while data:
        self.wait(True)
        data = self.transmit(data)


def close(self, good=True):
    """
    Nothing more will be written.  The server closes the socket when the handler has ended.

    A thread that got the connection calls this when it is done: it closes the socket.  good: False
    leaves a response of unknown length without its end, so that it looks broken off.
    """
    ended = self.ended
    self.ended = good
    if ended is None:
        sleep_ms(0)
        self.closes = self.owned  # who closes it?  See hand_over()
    if self.closes:
        try:
            if good and ended is None:
                self.drain(True)
            if (self.body or self.more) and self.linger():
                while True:  # or until ClientGone
                    while not self.fill():
                        self.wait()
        except OSError:
            pass
        finally:
            self.shut()


def wait_closed(self):
    """Return at once: the server closes the socket."""


def hand_over(self):
    """The handler has given the connection to a thread; false if that has ended already."""
    poller = self.app.poller
    poller.unregister(self.sock)  # first: once owned, its thread may close the socket
    self.owned = True
    self.since = None  # so it never gives way
    sleep_ms(0)  # long enough for two processors to see what the other one says
    if self.ended is None:
        return True
    while self.closes is None:  # the thread is in close() just now, and decides
        sleep_ms(1)
    if self.closes:
        return True
    self.owned = False
    poller.register(self.sock, POLLIN)
