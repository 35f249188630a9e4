# The connection: where a request's body ends, and a response's (RFC 9112 section 6).
#
# Bytes that come have no seams: the server has to count.  A body is as long as its Content-Length,
#
#     POST /form HTTP/1.1\r\n ... Content-Length: 5\r\n\r\nhello
#
# or comes in chunks, each with its size in hexadecimal before it, the last one being empty:
#
#     PUT /file HTTP/1.1\r\n ... Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n
#
# A handler gets one object as reader and as writer.  Reading stops where the body ends.  What is
# written is collected, so that a small response leaves in one piece and the head can still be
# completed: when the handler ends before anything was sent, the length of the body is known,
# Content-Length is added and the connection can carry another request.  Otherwise the end of the
# connection is the end of the body.

from url import MAX_CHUNK_LINE, MAX_TRAILERS, HTTPRequest, InvalidRequest, chunk_size, head_end

from .wire import ClientGone, Wire

_CRLF = b"\r\n"
BLOCK = 1024  # bytes read at once
BUFFER = 2048  # bytes that are collected before some are sent

# The states of a connection, the least worth keeping first.
LINGERING = 0  # answered; what the client still sends is read away
IDLE = 1  # kept after a response
SILENT = 2  # new, nothing has come yet
HEAD = 3  # a request has begun to come
BODY = 4  # a short body is still to come
SERVED = 5  # a handler is at work


class Connection(Wire):
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
    body = 0  # bytes of the request's body, or of its chunk, that are still to be read
    more = False  # more chunks follow; None: nobody can know what follows
    seam = False  # a chunk's last CR LF is still to be read
    expect = False  # the client waits for 100 Continue
    status = 200  # of the response
    head = None  # its head, held back while Content-Length may still be added; b"" once it left
    room = None  # bytes that its body may still take, None: until the connection closes
    output = b""  # what was collected of it
    mute = False  # the body is not to be sent
    keep = False  # another request may follow

    def __init__(self, app, sock, address):
        self.app = app
        self.sock = sock
        self.address = address
        self.left = app.timeout

    def read_now(self, n):
        """Up to n bytes, b"" at the end of what the client sends, None for not now."""
        if self.gone or self.sock is None:
            raise ClientGone("closed")
        try:
            return self.sock.read(n)
        except OSError as e:
            self.gone = True
            raise ClientGone(*e.args)

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
        sock = self.sock
        if not self.stream or self.gone:
            return self.stream
        try:
            self.gone = not sock or sock.read(64) == b""
        except OSError:
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

    def next(self):
        """Take the next request; false while its head or its short body has not come whole."""
        request = self.request
        if request is None:
            data = self.input
            if data[0] == 13:  # some clients end a body so (RFC 9112 section 2.2)
                for _ in range(4):
                    if data[:2] == _CRLF:
                        data = data[2:]
            end = head_end(data)
            self.input = data[end:]
            if not end:
                return False
            self.request = request = HTTPRequest(data[:end] if self.input else data)
            if request.chunked or request.length:
                self.body = request.length
                self.more = request.chunked
                self.expect = request.expect
        return not self.body or self.expect or not len(self.input) < self.body <= BLOCK

    async def read(self, n=-1):
        """Up to n bytes of the body, b"" at its end; all of it without n, or 413 over max_body."""
        if n >= 0:
            return self._cut(n) if await self._ready() else b""
        limit = self.app.max_body
        whole = bytearray()  # a list would let chunks of one byte cost forty times as much
        while self.body <= limit - len(whole) and await self._ready():
            whole.extend(self._cut(limit - len(whole)))
        if self.body:
            raise InvalidRequest("too large", 413)
        return bytes(whole)

    async def readexactly(self, n):
        """n bytes of the body; EOFError if it ends before."""
        buf = bytearray(n)
        if await self.readinto(buf) < n:
            raise EOFError
        return bytes(buf)

    async def readinto(self, buf):
        """Fill buf from the body; return the number of bytes, less than len(buf) at its end."""
        done = 0
        while done < len(buf) and await self._ready():
            data = self._cut(len(buf) - done)
            buf[done : done + len(data)] = data
            done += len(data)
        return done

    async def readline(self):
        """A line of the body with its LF, the last one perhaps without; or 413 over max_body."""
        line = b""
        while line[-1:] != b"\n" and await self._ready():
            line += self._cut(self.input.find(b"\n", 0, self.body) + 1 or self.body)
            if len(line) > self.app.max_body:
                raise InvalidRequest("too long", 413)
        return line

    async def _ready(self):
        # True when the input begins with bytes of the body, False at the body's end.
        if self.expect and self.head != b"":
            await self.push(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.expect = False
        if self.more is not False and not self.body:
            await self._chunk()
        if self.body and not self.input:
            await self._fill()
        return self.body > 0

    async def _fill(self):
        data = await self.receive(BUFFER)
        if not data:
            raise ClientGone("cut short")
        self.left += len(data)
        self.input += data

    def _cut(self, n):
        n = min(n, self.body)
        data = self.input
        if n < len(data):
            data = data[:n]
        self.input = self.input[len(data) :]
        self.body -= len(data)
        return data

    async def _chunk(self):
        # The head of the next chunk: its size, or after the last one lines that are dropped.
        line = self.more
        self.more = None  # what an error below leaves behind
        if self.seam:
            await self._line(0)
        self.body = chunk_size(await self._line(MAX_CHUNK_LINE) if line else b"")
        self.seam = self.body > 0
        left = MAX_TRAILERS
        while line and not self.seam:
            line = await self._line(left)
            left -= len(line)
        self.more = self.seam

    async def _line(self, limit):
        # A line of at most limit bytes, without its CR LF.
        end = self.input.find(b"\n")
        while end < 0 and len(self.input) < limit + 2:
            await self._fill()
            end = self.input.find(b"\n")
        line = self.input[: max(end - 1, 0)]
        if end < 1 or end > limit + 1 or self.input[end - 1] != 13 or b"\r" in line:
            raise InvalidRequest("bad chunk")
        self.input = self.input[end + 1 :]
        return line

    def unread(self):
        """Whether the client has sent, or may still send, what nobody has read."""
        if self.expect:  # it sends no body as long as nobody wants it, or has done so already
            return len(self.input) > 0
        if self.request is None or self.more is not False:
            return True
        return len(self.input) != self.body if self.body else self.input != b""

    # The response

    def begin(self, status, head, close, room, body):
        """Begin a response, for HTTPResponse.  room: bytes that may follow body, or None."""
        if self.head == b"":
            raise ValueError("a response was sent")
        if status != self.status:
            self.status = status
        self.head = head
        if close is self.keep:
            self.keep = not close
        request = self.request
        mute = status in (204, 304) or request is not None and request.method == "HEAD"
        if mute or self.mute:  # mostly not: an attribute less is less memory
            self.mute = mute
        self.room = room
        self.output = body or b""

    def announce(self, length):
        """The body will have length bytes, unless something of it was written already."""
        if self.room is None and self.head and not self.output:
            self.room = length

    def write(self, data):
        """Collect data (bytes or str); ValueError if it is more than the response's length."""
        if self.closing:
            raise ClientGone("closed")
        output = self.output + (data.encode() if isinstance(data, str) else data)
        self._count(len(output) - len(self.output))
        self.output = output
        if len(output) > BUFFER:
            self.full()

    def offer(self, data):
        """
        Hand over data (a buffer) without a copy, after drain() has sent the head.

        Return what the socket has not taken: then drain(), before the buffer changes.
        """
        self._count(len(data))
        self.output = self.write_now(data)
        return self.output

    def _count(self, n):
        # Book n bytes of the body.
        if self.room is not None:
            if n > self.room:
                raise ValueError("body longer than its length")
            self.room -= n

    async def drain(self):
        """Send all that is collected; or ClientGone."""
        if self.mute and self.head == b"" and self.room is None:
            raise ClientGone("no body")  # or a HEAD of an endless body would never end
        await self.push(self.collected())

    def finish(self):
        """Complete the response; return what push() has to send.  .keep: another may follow."""
        if self.head:
            if self.room is None:
                self.room = 0
        elif self.head is None and not (self.output or self.closing):
            raise ValueError("no response was sent")
        rest = self.write_now(self.collected())
        if self.room is None or self.room and not self.mute or self.closing:
            self.keep = False
        return rest

    def reset(self):
        """Forget the request and the response, before the next."""
        if self.body:
            self.input = self.input[self.body :]
            self.body = 0
        self.request = self.head = self.room = None
        if self.mute:
            self.mute = False

    def collected(self):
        """Take what is to be sent; the head too, with what only the connection knows."""
        head = self.head
        data = self.output
        self.output = b""
        if head != b"":
            self.left = self.app.timeout
        if not head:
            if data:
                self.head = b""
            return b"" if self.mute else data
        self.head = b""
        size = len(data)
        if self.status in (204, 304):
            self.room = 0
        elif self.room is not None:  # RFC 9112 section 6.3
            head += b"Content-Length: %d\r\n" % (size + self.room)
        if self.keep and (
            self.room is None  # its end is the end of the body
            or not self.request.keep_alive
            or self.body > len(self.input)  # nobody has read the body, nobody will wait for it
            or self.more is not False
            or self.expect
        ):
            self.keep = False
        head += b"Connection: keep-alive\r\n\r\n" if self.keep else b"Connection: close\r\n\r\n"
        if self.mute:
            return head
        if size > BUFFER and not self.raw:
            head = bytes(self.write_now(head))  # mostly empty: a large body is not copied
        return head + data

    def get_extra_info(self, name):
        """"peername": the client's (address, port); None for other names."""
        if name == "peername":
            a = self.address
            if not isinstance(a, tuple):  # the unix port gives a struct sockaddr_in
                a = "%d.%d.%d.%d" % (a[4], a[5], a[6], a[7]), a[2] << 8 | a[3]
            return a

    async def wait_closed(self):
        """Return at once: the server closes the socket."""


def close(sock):
    """Close a socket.  That may fail, too; nobody can do anything about it."""
    try:
        sock.close()
    except OSError:
        pass
