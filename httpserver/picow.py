# For boards whose sockets are lwIP's own, such as the Pico W (the module lwip exists there).
#
# Such a board has five connections in all, and 8 kB for what all of them have sent and nobody has
# acknowledged yet.  A phone that leaves the Wi-Fi acknowledges nothing, and says nothing either:
#
# - A write takes at most 800 bytes, so that it fits beside what others are waiting for.
# - A write that does not fit blocks for ten seconds, although the socket does not, and then claims
#   that all was sent.  So whoever took so long has lost bytes: ClientGone.
# - A write that was slow means that this memory is full.  Whose own answer is stuck has to go, or
#   else the oldest stream, one for each such write.
# - An event stream has an age.  Whether its client still lives cannot be known, so the server ends
#   it, and the browser of one that lives comes back after a second.
#
# __init__.py imports this where there is such a stack; elsewhere it costs nothing.

from time import ticks_diff, ticks_ms

from .connection import Connection
from .loop import ClientGone

AGE = 20000  # ms of an event stream

_transmit = Connection.transmit


def transmit(self, data):
    """Hand over what the socket takes at once; return the rest of data, or ClientGone."""
    start = ticks_ms()
    rest = _transmit(self, memoryview(data)[:800])
    now = ticks_ms()
    if ticks_diff(now, start) > 300:
        _relieve(self)
    if ticks_diff(now, start) > 9000:
        self.gone = True
        raise ClientGone("lost")
    if self.stream and not rest and len(data) <= 800 and self.status == 200:
        if self.born is None:
            self.born = now
        elif ticks_diff(now, self.born) > AGE:
            end = b"retry: 1000\n\n"
            _transmit(self, b"d\r\n%s\r\n0\r\n\r\n" % end if self.chunked else end)
            self.gone = True  # a good end
    sent = min(len(data), 800) - len(rest)
    return memoryview(data)[sent:] if sent < len(data) else b""


def _relieve(conn):
    oldest = None
    for other in conn.app.connections:  # as they came
        if other is not conn and not other.gone:
            if other.unsent:
                oldest = other
                break
            if other.stream and oldest is None:
                oldest = other
    if oldest:
        oldest.gone = True
        oldest.left = 0  # who looks at the time, in loop.py, sees to the rest


Connection.transmit = transmit
