# Server-sent events: a response that never ends (WHATWG HTML, section 9.2).
#
#     event: temperature                         its name, optional
#     id: 17                                     what a browser tells when it comes back, optional
#     data: 21.5                                 a line of text
#     data: degrees                              another line of the same event
#                                                an empty line: the event is complete
#
# A page listens with new EventSource("/api/time").onmessage = (event) => show(event.data).  The
# browser comes back by itself when the connection is lost; request.header.get("last-event-id")
# says what it has seen.  A line that begins with a colon is a comment: send() without arguments,
# every 15 s or so, finds out about clients that have left without a word.

from url import InvalidRequest

from .response import HTTPResponse
from .wire import ClientGone


async def EventSource(reader, writer, header=None):
    """
    Begin an event stream and return the object whose send() feeds it.

    header: dict of further fields.  When only two places for connections are left (of two: one):
    answers 503 and raises ClientGone.
    """
    await take_place(writer)
    # Nothing may keep what belongs together: no cache, no proxy such as nginx.
    default = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    default.update(header or ())
    await HTTPResponse(200, "text/event-stream", True, default).send(writer)
    await writer.drain()
    if writer.mute is not None:
        raise ClientGone("no body")
    stream = _EventSource()
    stream.writer = writer
    return stream


async def take_place(writer):
    """Make a connection one of the streams that may stay for long; or 503 and ClientGone."""
    app = writer.app
    count = 0
    for conn in app.connections:
        count += conn.stream and not conn.left_by_client()
    if count >= max(app.max_connections - 2, app.max_connections // 2):
        await app.refuse(writer, InvalidRequest("busy", 503))
        raise ClientGone("busy")
    # A thread and the serving loop both look at these: they must not come into being later.
    writer.gone, writer.ended, writer.owned = writer.gone, writer.ended, writer.owned
    writer.unsent = b""
    writer.stream = True  # before anything waits: the next one has to count it


class _EventSource:
    def send(self, data=None, id=None, event=None, retry=None):
        """
        Send an event, or without arguments a comment; ClientGone when the client has left.

        data: anything, lines end in CR, LF or both; id, event: one line (else ValueError)
        retry: milliseconds after which a browser comes back
        """
        writer = self.writer
        writer.left = writer.app.timeout  # for each event anew
        writer.write(format_event(data, id, event, retry))
        return writer.drain()


def format_event(data, id, event, retry):
    """The text of an event.  ValueError for CR, LF or NUL in id or event."""
    head = ""
    if retry is not None:
        retry = int(retry)
    for name, value in ("event", event), ("id", id), ("retry", retry):
        if value is not None:
            line = "%s: %s" % (name, value)
            if "\r" in line or "\n" in line or "\0" in line:
                raise ValueError("CR, LF or NUL in " + name)
            head += line + "\n"
    if data is None:
        return (head or ":") + "\n"
    data = data.decode() if isinstance(data, bytes) else str(data)
    data = data.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\ndata: ")
    return "".join((head, "data: ", data, "\n\n"))
