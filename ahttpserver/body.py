# The body of a request: where it ends (RFC 9112 section 6).
#
# Bytes that come have no seams: the server has to count.  A body is as long as its Content-Length,
#
#     POST /form HTTP/1.1\r\n ... Content-Length: 5\r\n\r\nhello
#
# or comes in chunks, each with its size in hexadecimal before it, the last one being empty:
#
#     PUT /file HTTP/1.1\r\n ... Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n
#
# Reading stops where the body ends: what comes then is the next request.

from url import MAX_CHUNK_LINE, MAX_TRAILERS, HTTPRequest, InvalidRequest, chunk_size, head_end

from .wire import ClientGone

BLOCK = 1024  # bytes read at once for a head
BUFFER = 2048  # and for a body; so many are collected before some are sent


class Body:
    """The reading half of a connection.  Its attributes are declared in connection.py."""

    def read_now(self, n):
        """Up to n bytes, b"" at the end of what the client sends, None for not now."""
        sock = self.sock
        if self.gone or sock is None:
            raise ClientGone("closed")
        try:
            return sock.read(n)
        except OSError as e:
            self.gone = True
            raise ClientGone(*e.args)

    def next(self):
        """Take the next request, or .error; false while its head or short body is not complete."""
        request = self.request
        if request is None:
            data = self.input
            if data[0] == 13:  # some clients end a body so (RFC 9112 section 2.2)
                for _ in range(4):
                    if data[:2] == b"\r\n":
                        data = data[2:]
            end = head_end(data)
            rest = self.input = data[end:]
            if not end:
                return False
            try:
                self.request = request = HTTPRequest(data[:end] if rest else data)
            except InvalidRequest as e:
                self.error = e
                return True
            if request.length == 0:
                return True
            if request.length is None:
                self.more = 1
            else:
                self.body = request.length
            self.expect = request.expect
        return self.expect or not len(self.input) < self.body <= BLOCK

    def unread(self):
        """Whether the client has sent, or may still send, what nobody has read."""
        if self.request is None:
            return True
        if self.request.length == 0 or self.expect:  # without 100 Continue many send no body
            return self.input != b""
        return self.more != 0 or len(self.input) != self.body

    async def read(self, n=-1, _line=False):
        """Up to n bytes of the body, b"" at its end; all of it without n, or 413 over max_body."""
        if n < 0:  # in pieces; _line: to the end of a line
            data = True
            whole = bytearray()  # a list would let chunks of one byte cost forty times as much
            while True:
                if len(whole) + (0 if _line else self.body) > self.app.max_body:
                    raise InvalidRequest("too large", 413)
                if not data or _line and whole[-1:] == b"\n":
                    return bytes(whole)
                data = await self.read(BUFFER, _line)
                whole.extend(data)
        if self.expect and self.head != b"":
            await self.push(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.expect = False
        if self.more and not self.body:
            await self._chunk()
        if self.body and not self.input:
            await self._fill()
        n = min(n, self.body)
        data = self.input
        if _line:
            n = data.find(b"\n", 0, n) + 1 or n
        if n < len(data):
            data = data[:n]
        self.input = self.input[len(data) :]
        self.body -= len(data)
        return data

    async def readexactly(self, n):
        """n bytes of the body; EOFError if it ends before."""
        buf = bytearray(n)
        if await self.readinto(buf) < n:
            raise EOFError
        return bytes(buf)

    async def readinto(self, buf):
        """Fill buf from the body; return the number of bytes, less than len(buf) at its end."""
        done = 0
        while done < len(buf):
            data = await self.read(len(buf) - done)
            if not data:
                break
            buf[done : done + len(data)] = data
            done += len(data)
        return done

    def readline(self):
        """A line of the body with its LF, the last one perhaps without; or 413 over max_body."""
        return self.read(-1, True)

    async def _fill(self):
        data = await self.receive(BUFFER)
        if not data:
            raise ClientGone("cut short")
        self.left += len(data)
        self.input += data

    async def _chunk(self):
        # The head of the next chunk: its size, or after the last one lines that are dropped.
        lines = self.more
        self.more = -1  # what an error below leaves behind
        if lines > 1:
            await self._line(0)
        self.body = chunk_size(await self._line(MAX_CHUNK_LINE) if lines > 0 else b"")
        left = MAX_TRAILERS
        line = not self.body
        while line:
            line = await self._line(left)
            left -= len(line)
        self.more = 2 if self.body else 0

    async def _line(self, limit):
        # A line of at most limit bytes, without its CR LF.
        while b"\n" not in self.input and len(self.input) < limit + 2:
            await self._fill()
        end = self.input.find(b"\n")
        if not 0 <= self.input.find(b"\r") == end - 1 <= limit:
            raise InvalidRequest("bad chunk")
        line = self.input[: end - 1]
        self.input = self.input[end + 1 :]
        return line
