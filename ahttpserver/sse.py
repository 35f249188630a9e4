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

from .connection import Connection
from .loop import ClientGone
from .response import HTTPResponse, field


async def EventSource(reader, writer, header=None):
    """
    Begin an event stream; returns the connection, whose send() feeds it.

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
    return writer


async def take_place(writer):
    """Make a connection one of the streams that may stay for long; or 503 and ClientGone."""
    app = writer.app
    count = 0
    for conn in app.connections:
        count += conn.stream and not conn.left_by_client()
    if count >= max(app.max_connections - 2, app.max_connections // 2):
        await app.refuse(writer, InvalidRequest("busy", 503))
        raise ClientGone("busy")
    writer.unsent = b""  # before a thread has it, as in server.exchange()
    writer.stream = True  # before anything waits: the next one has to count it


def send(self, data=None, id=None, event=None, retry=None):
    """
    Send an event, or without arguments a comment; ClientGone when the client has left.

    data: anything, lines end in CR, LF or both; id, event: one line (else ValueError)
    retry: milliseconds after which a browser comes back
    """
    self.left = self.app.timeout  # for each event anew
    self.write(format_event(data, id, event, retry))
    return self.drain()


def left_by_client(self):
    """Whether the client of this stream has closed it.  Looks, and never waits."""
    sock = self.sock
    if not self.gone:
        try:
            if self.status == 101:  # frames are not thrown away; who waits will see for itself
                if self.task and self.since is None and len(self.input) < 1024:
                    self.fill(64)
            elif sock.read(64) == b"":
                self.gone = True
        except OSError:
            self.gone = True
        except MemoryError:
            pass
    return self.gone


# Connections have these when this file is loaded; without it none is a stream.
Connection.send = send
Connection.left_by_client = left_by_client


def format_event(data, id, event, retry):
    """The bytes of an event.  ValueError for CR, LF or NUL in id or event."""
    head = b""
    if retry is not None:
        retry = int(retry)
    for name, value in ("event", event), ("id", id), ("retry", retry):
        if value is not None:
            head += field(name, value) + "\n"
    if data is None:
        return head + ("\n" if head else ":\n")
    data = data.decode() if isinstance(data, bytes) else str(data)
    data = data.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\ndata: ")
    return head + "data: " + data + "\n\n"
