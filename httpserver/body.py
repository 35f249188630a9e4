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
# Reading stops where the body ends: what comes then is the next request.  These functions are
# methods of Connection.

import url

from .response import BUFFER, SENT


def read(self, n=-1, _line=False):
    """Up to n bytes of the body, b"" at its end; all of it without n, or 413 over max_body."""
    if n < 0:  # in pieces; _line: to the end of a line
        data = True
        buf = bytearray()  # a list would let chunks of one byte cost forty times as much
        while True:
            if len(buf) + (0 if _line else self.body) > self.app.max_body:
                raise url.InvalidRequest("body over %d bytes" % self.app.max_body, 413)
            if not data or _line and buf[-1:] == b"\n":
                return bytes(buf)
            data = self.read(BUFFER, _line)
            buf.extend(data)
    request = self.request
    if request and request.expect:
        request.expect = False
        if self.head != SENT:
            self.push(b"HTTP/1.1 100 Continue\r\n\r\n")
    if self.more and not self.body:
        _chunk(self)
    if self.body and not self.input:
        _fill(self)
    n = min(n, self.body)
    data = self.input
    if _line:
        n = data.find(b"\n", 0, n) + 1 or n
    if n < len(data):
        data = data[:n]
    self.input = self.input[len(data) :]
    self.body -= len(data)
    return data


def readexactly(self, n):
    """n bytes of the body; EOFError if it ends before."""
    buf = bytearray(n)
    if self.readinto(buf) < n:
        raise EOFError
    return bytes(buf)


def readinto(self, buf):
    """Fill buf from the body; return the number of bytes, less than len(buf) at its end."""
    n = 0
    while n < len(buf):
        data = self.read(len(buf) - n)
        if not data:
            break
        buf[n : n + len(data)] = data
        n += len(data)
    return n


def readline(self):
    """A line of the body with its LF, the last one perhaps without; or 413 over max_body."""
    return self.read(-1, True)


def _fill(self):
    # Waits for more of the body; each byte buys the client a millisecond.
    size = len(self.input)
    while not self.fill(BUFFER):
        self.wait()
    self.push(b"")  # the others have a turn
    self.left += len(self.input) - size


def _chunk(self):
    # The head of the next chunk: its size, or after the last one lines that are dropped.  Each
    # chunk is taken as if the end of a line stood before it.
    more = self.more
    self.more = -1  # what an error below leaves behind
    _line(self, 0 if more > 0 else more)
    line = _line(self, url.MAX_CHUNK_LINE)
    size = line.split(b";", 1)[0]
    if size != line:
        size = size.rstrip(b" \t")  # blanks are allowed before an extension, which is ignored
    if size.strip(url.HEX) or not 0 < len(size) <= 8:
        raise url.InvalidRequest("bad chunk")
    self.body = int(size, 16)
    left = url.MAX_TRAILERS
    while line and not self.body:
        line = _line(self, left)
        left -= len(line)
    self.more = 1 if self.body else 0


def _line(self, limit):
    # A line of at most limit bytes, without its CR LF.
    while b"\n" not in self.input and len(self.input) < limit + 2:
        _fill(self)
    end = self.input.find(b"\n")
    if not 0 <= self.input.find(b"\r") == end - 1 <= limit:
        raise url.InvalidRequest("bad chunk")
    line = self.input[: end - 1]
    self.input = self.input[end + 1 :]
    return line
