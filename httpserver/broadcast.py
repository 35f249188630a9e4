# Broadcast: event streams that all tell the same, fed from one place.
#
#     events = Broadcast()
#
#     @app.route("GET", "/api/events")
#     def api_events(reader, writer, request):
#         return events.join(reader, writer)
#
# and wherever there is something to tell:
#
#     events.send("21.5", event="temperature")
#
# An event is formatted once, and handed to each socket without waiting for any.  What a socket
# does not take stays in its connection's .unsent, for the next time, as long as that is little.
# There is no timer: whoever sends should do so, if only send(), every 15 seconds.

from time import ticks_diff, ticks_ms

from url import InvalidRequest

from .loop import sleep_ms
from .server import CONNECTION_KEEP_ALIVE
from .sse import EventSource, format_event


class _NoLock:
    __enter__ = __exit__ = lambda *_: None


try:
    from _thread import allocate_lock
except ImportError:  # a board without threads has nothing to lock
    allocate_lock = _NoLock


class Broadcast:
    """
    Sends events to all who have joined; len() tells how many these are.

    max: so many may listen at once, if that is to be fewer than the server's places for streams
    """

    _time = 0  # of the last event, in ticks

    def __init__(self, max=None):
        self._max = max
        self._joined = []  # connections; the list is never changed, but replaced
        self._lock = allocate_lock()  # handlers and those who send may be threads

    def __len__(self):
        with self._lock:
            for conn in self._joined:
                if conn.left_by_client():
                    self._drop(conn)
            return len(self._joined)

    def _drop(self, conn):
        conn.gone = True
        conn.close(False)
        self._joined = [other for other in self._joined if other is not conn]

    def join(self, reader, writer, header=None):
        """
        Feed this client, too; the last thing in a handler: return events.join(...)

        header: dict of further fields.  A handler that has something to send first begins the
        stream itself (EventSource).
        """
        if not writer.stream:
            self.send()  # finds those who have left
        if self._max and len(self) >= self._max:
            raise InvalidRequest("busy", 503)  # a stream that has begun breaks off
        if not writer.stream:
            EventSource(reader, writer, header)
        with self._lock:
            self._joined = self._joined + [writer]
        return CONNECTION_KEEP_ALIVE

    def send(self, data=None, id=None, event=None, retry=None):
        """Send an event, or without arguments a comment, as EventSource's send(); never waits."""
        data = format_event(data, id, event, retry)
        frame = b"%x\r\n%s\r\n" % (len(data), data)  # HTTP/1.0 gets what is inside
        data = memoryview(frame)[frame.find(b"\n") + 1 : -2]
        with self._lock:
            now = ticks_ms()
            passed = ticks_diff(now, self._time)
            self._time = now
            for conn in self._joined:
                rest = frame if conn.chunked else data
                if conn.unsent:
                    conn.left -= passed
                    rest = bytes(conn.unsent) + rest
                try:
                    if not conn.left_by_client():
                        conn.unsent = bytes(conn.transmit(rest))
                        if len(conn.unsent) < len(rest):
                            conn.left = conn.app.timeout
                except (OSError, MemoryError):
                    conn.gone = True
                # Little may wait; with TLS nothing, as that wants the very same bytes again.
                if conn.gone or conn.left <= 0 or len(conn.unsent) > (0 if conn.raw else 2048):
                    self._drop(conn)
        sleep_ms(0)  # who sends without a pause must not stop everything else
