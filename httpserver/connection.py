# The connection: one client, request after request and response after response.
#
# A handler gets this one object as reader and as writer.  Reading stops where the request's body
# ends: see body.py.  What is written is collected, so that a small response leaves in one piece
# and the head can still be completed: when the handler ends before anything was sent, the length
# of the body is known, Content-Length is added and the connection can carry another request (RFC
# 9112 section 6.3).  Otherwise the end of the connection is the end of the body.

from .body import BUFFER, Body
from .wire import DONE, ClientGone, Wire

# The states of a connection, the least worth keeping first.
LINGERING = 0  # answered; what the client still sends is read away
IDLE = 1  # kept after a response
SILENT = 2  # new, nothing has come yet
HEAD = 3  # a request has begun to come
BODY = 4  # a short body is still to come
SERVED = 5  # a handler is at work


class Connection(Body, Wire):
    """What a handler gets as reader and as writer."""

    # What most connections never set costs them no memory.
    gone = False  # the socket has failed or was closed
    closing = False  # the handler writes nothing more
    owned = False  # handed over by its handler
    stream = False  # the end of input means that the client has gone: see sse.py
    raw = None  # with TLS: the socket below
    since = None  # when it began to wait, in ticks
    state = SILENT
    input = b""  # what has come and was not read yet
    request = None
    error = None  # what was wrong with it, an InvalidRequest
    body = 0  # bytes of the request's body, or of its chunk, that are still to be read
    more = 0  # lines before the next chunk: 1, 2 with the end of the last; -1: nobody can know
    expect = False  # the client waits for 100 Continue
    status = 200  # of the response
    head = None  # its head, held back while Content-Length may still be added; b"" from then on
    room = None  # bytes that its body may still take, None: until the connection closes
    output = b""  # what was collected of it
    mute = None  # the body is not to be sent: so many bytes of it were left out
    keep = False  # another request may follow

    def __init__(self, app, sock, address):
        self.app = app
        self.sock = sock
        self.address = address
        self.left = app.timeout  # ms that the client may still keep the server waiting

    def write_now(self, data):
        """Hand over what the socket takes at once; return the rest of data, or ClientGone."""
        sock = self.sock  # others may take it away from a thread, after saying .gone
        if self.gone or sock is None:
            raise ClientGone("closed")
        try:
            sent = data and sock.write(data) or 0
        except OSError as e:
            self.gone = True
            raise ClientGone(*e.args)
        self.left += sent
        return memoryview(data)[sent:] if sent < len(data) else b""

    def ended(self):
        """Whether the client of an event stream has closed it.  Looks, and never waits."""
        if not self.stream:
            return False
        try:
            if self.read_now(64) == b"":
                self.gone = True
        except ClientGone:
            self.gone = True
        except MemoryError:
            pass
        return self.gone

    def shut(self):
        """Close the socket, once."""
        if self.stream:
            self.gone = True  # first, for its thread
        sock, self.sock = self.sock, None
        if sock:
            close(sock)
            if self.raw:
                close(self.raw)  # a TLS handshake that failed has forgotten it

    def begin(self, status, head, close, room, body):
        """Begin a response, for HTTPResponse.  room: bytes that may follow body, or None."""
        replaced = self.head
        if replaced == b"":
            raise ValueError("a response was sent")
        if self.closing:
            raise ClientGone("closed")
        # What is as always is not said again: an attribute less is less memory, and time.
        if status != 200 or replaced:
            self.status = status
        if not close or replaced:
            self.keep = not close
        request = self.request
        if status == 204 or status == 304 or request is not None and request.method == "HEAD":
            self.mute = len(body or b"")
            body = None
        elif replaced:
            self.mute = None
        self.head = head
        self.room = room
        self.output = b"" + (body or b"")
        return DONE

    def write(self, data):
        """Collect data (bytes or str); ValueError if it is more than the response's length."""
        if self.closing:
            raise ClientGone("closed")
        output = self.output + (data.encode() if isinstance(data, str) else data)
        self.count(len(output) - len(self.output))
        if self.mute is None:
            self.output = output
            if len(output) > BUFFER:
                self.full()
        elif self.mute > 65536:
            self.full()  # or a HEAD of an endless body would never end

    def count(self, n):
        """Book n bytes of the body; ValueError if that is more than its length."""
        if self.room is not None:
            if n > self.room:
                raise ValueError("body longer than its length")
            self.room -= n
        if self.mute is not None:
            self.mute += n

    def drain(self):
        """Send all that is collected; or ClientGone."""
        if self.mute is not None and self.head == b"" and self.room is None:
            raise ClientGone("no body")  # nobody waits for more
        return self.push(self.collected())

    def finish(self):
        """Complete the response, and send it; .keep says whether another may follow."""
        if self.head:
            if self.room is None:
                self.room = 0
        elif self.head is None and not (self.output or self.closing):
            raise ValueError("no response was sent")
        rest = self.write_now(self.collected())
        if self.room and self.mute is None or self.closing:
            self.keep = False
        return self.push(rest) if rest else DONE

    def reset(self):
        """Forget the request and the response, before the next."""
        if self.body:
            self.input = self.input[self.body :]
            self.body = 0
        self.request = self.head = self.room = None
        self.keep = False
        if self.mute is not None or self.status != 200:
            self.mute = None
            self.status = 200

    def collected(self):
        """
        Take what is to be sent; the head too, completed by what only the connection knows.

        Before a large body it is sent here, so that they need not be joined.
        """
        head = self.head
        data = self.output
        self.output = b""
        if head == b"":
            return data
        self.left = self.app.timeout
        if head is None:  # not begun by HTTPResponse
            if data:
                self.head = b""
                self.status = "-"
            return data
        length = self.room
        mute = self.mute
        if mute is not None and self.status in (204, 304):
            length = None
            self.room = 0
        keep = self.keep
        if keep and (
            self.closing
            or self.room is None  # its end is the end of the body
            or self.owned  # by a thread, which closes it
            or not self.request.keep_alive
            or self.body > len(self.input)  # nobody has read the body, nobody will wait for it
            or self.more
            or self.expect
        ):
            keep = self.keep = False
        keep = b"keep-alive" if keep else b"close"
        size = len(data)
        large = size > BUFFER
        body = b"" if large else data
        if length is None:
            head = b"%sConnection: %s\r\n\r\n%s" % (head, keep, body)
        else:  # RFC 9112 section 6.3
            length += size + (mute or 0)
            head = b"%sContent-Length: %d\r\nConnection: %s\r\n\r\n%s" % (head, length, keep, body)
        self.head = b""
        if large:
            if not self.raw:  # TLS has to be offered the very same bytes again
                head = bytes(self.write_now(head))  # mostly b"": adding to it copies nothing
            head += data
        return head

    def get_extra_info(self, name):
        """"peername": the client's (address, port); None for other names."""
        if name == "peername":
            a = self.address
            if not isinstance(a, tuple):  # the unix port gives a struct sockaddr_in
                a = "%d.%d.%d.%d" % tuple(a[4:8]), a[2] << 8 | a[3]
            return a

    def wait_closed(self):
        """Return at once: the server closes the socket."""


def listen(app):
    """A listening socket; OSError if the port is taken."""
    import socket  # here: nobody else needs it

    info = socket.getaddrinfo(app.host, app.port)[0]
    listener = socket.socket(info[0])
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(info[-1])
        listener.listen(app.backlog)
        listener.setblocking(False)
        if app.log:
            app.log("listening on %s:%d" % (app.host, app.port))
    except:  # noqa: E722
        listener.close()
        raise
    return listener


def close(sock):
    """Close a socket.  That may fail, too; nobody can do anything about it."""
    try:
        sock.close()
    except OSError:
        pass
