# The response: what a server says before the body (RFC 9110 section 15, RFC 9112 section 4).
#
#     HTTP/1.1 200 OK                            the status line: version, code, reason
#     Content-Type: text/html; charset=utf-8     header fields
#     Content-Length: 842                        added by the connection, when it knows it, or
#     Transfer-Encoding: chunked                 this one, when it does not
#     Connection: close                          so is this one
#                                                an empty line; the body follows
#
# What a handler writes is collected, so that a small response leaves in one piece and its head can
# still be completed: when the handler ends before anything was sent, the length of the body is
# known.  When it is not known as the head leaves, the body goes in chunks (RFC 9112 section 7.1):
#
#     5\r\nhello\r\n                             a chunk: its size in hexadecimal, its bytes
#     0\r\n\r\n                                  the last one: the body is complete
#
# HTTP/1.0 knows no chunks: there the end of the connection is the end of the body.

from time import ticks_diff, ticks_ms

from .wire import DONE, ClientGone

BUFFER = 2048  # bytes; when more was collected, it is sent

# What .head says of a response, if it is not just the head that is held back: see connection.py.
NOTHING = None
SENT = b""

# One string, not a dict: that takes a third of the memory.
_REASONS = """
101 Switching Protocols
200 OK
201 Created
202 Accepted
204 No Content
206 Partial Content
301 Moved Permanently
302 Found
303 See Other
304 Not Modified
307 Temporary Redirect
308 Permanent Redirect
400 Bad Request
401 Unauthorized
403 Forbidden
404 Not Found
405 Method Not Allowed
408 Request Timeout
409 Conflict
410 Gone
412 Precondition Failed
413 Content Too Large
414 URI Too Long
415 Unsupported Media Type
416 Range Not Satisfiable
417 Expectation Failed
422 Unprocessable Content
426 Upgrade Required
429 Too Many Requests
431 Request Header Fields Too Large
500 Internal Server Error
501 Not Implemented
503 Service Unavailable
505 HTTP Version Not Supported
507 Insufficient Storage
"""


class HTTPResponse:
    """
    The head of a response.

    status: 200...599, or 101; mimetype: the Content-Type, for text in UTF-8; close: False lets the
    connection carry another request; header: dict of further fields, a value is a str, an int or
    a list of these.  send() raises ValueError for what would break the head: CR, LF, NUL, fields
    of the connection.
    """

    def __init__(self, status=200, mimetype=None, close=True, header=None):
        self.status = status
        self.mimetype = mimetype
        self.close = close
        self.header = header

    def send(self, writer, body=None):
        """
        Begin the response; with body (bytes or str) its length is sent too.

        Without body the handler writes it.  Nothing leaves before writer.drain() or the end of
        the handler; until then another send() replaces this one.
        """
        if isinstance(body, str):
            body = body.encode()
        room = None if body is None else 0
        status = self.status
        head = b"HTTP/1.1 200 OK\r\n"
        if status != 200:
            head = b"HTTP/1.1 %s\r\n" % status_line(status)
        lines = 1
        if self.mimetype:
            head = b"%sContent-Type: %s\r\n" % (head, charset(self.mimetype))
            lines = 2
        for name in self.header or ():
            value = self.header[name]
            key = name.lower()
            if key == "content-length":
                room = int(value) - len(body or "")
                if room < 0:
                    raise ValueError("body longer than its length")
            elif key == "transfer-encoding" or key == "connection" and status != 101:
                raise ValueError(name + " in header")
            else:
                if key == "content-type":
                    value = charset(value)
                for one in value if isinstance(value, (list, tuple)) else (value,):
                    head = b"%s%s: %s\r\n" % (head, name, one)
                    lines += 1
        # Another line end would let a stranger add fields, or a whole response.
        if head.count(b"\n") != lines or head.count(b"\r") != lines or b"\0" in head:
            raise ValueError("CR, LF or NUL in header")
        return writer.begin(status, head, self.close, room, body)


def charset(mimetype):
    """mimetype with "; charset=utf-8", if it is text and says nothing else (RFC 9110 8.3.2)."""
    low = mimetype.lower()
    # Event streams are always UTF-8.
    if low.startswith("text/") and "charset" not in low and "event-stream" not in low:
        return mimetype + "; charset=utf-8"
    return mimetype


def status_line(status):
    """The code and its reason phrase, such as "404 Not Found"."""
    if not isinstance(status, int) or not (200 <= status < 600 or status == 101):
        raise ValueError("status must be 101 or 200...599")
    code = str(status)
    start = _REASONS.find(code)
    return code + " Unknown" if start < 0 else _REASONS[start : _REASONS.find("\n", start)]


# From here on these are methods of Connection.


def begin(self, status, head, close, room, body):
    """Begin a response, for HTTPResponse.  room: bytes that may follow body, or None."""
    replaced = self.head
    if replaced == SENT:
        raise ValueError("a response was sent")
    if self.ended is not None:
        raise ClientGone("closed")
    # What is as always is not said again: an attribute less is less memory, and time.
    if status != 200 or replaced:
        self.status = status
    if not close or replaced:
        self.keep = not close
    request = self.request
    if status in (101, 204, 304) or request is not None and request.method == "HEAD":
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
    if self.ended is not None:
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


def drain(self, _last=False):
    """Send all that is collected; or ClientGone."""
    if self.mute is not None and self.head == SENT and self.room is None and not _last:
        raise ClientGone("no body")  # nobody waits for more
    data = self.take(_last)
    return _large(self, data, _last) if self.output else self.push(data)


def finish(self):
    """Complete the response, and send it; .keep says whether another may follow."""
    if self.head is NOTHING:
        if not self.output and self.ended is None:
            raise ValueError("no response was sent")
    elif self.room is None and self.head:
        self.room = 0
    if self.room and self.mute is None or self.ended is not None:
        self.keep = False
    return self.drain(self.ended is not False)


async def _large(self, head, last):
    # Much output is not joined with what goes before and after it: that would copy it.
    data = self.output
    self.output = b""
    try:
        await self.push(head)
        await self.push(data)
        if self.chunked:
            await self.push(b"\r\n0\r\n\r\n" if last else b"\r\n")
    except BaseException:
        self.gone = True  # nothing may follow a part
        raise


def take(self, last=False):
    """
    Take what is to be sent: the head, completed, and what was collected, framed.

    Large output stays, with its chunk's size taken: _large() sends it.  last: nothing follows.
    """
    data = self.output
    head = self.head
    if not head:
        if head is NOTHING:  # not begun by HTTPResponse
            if not data:
                return data
            self.status = "-"
            self.head = SENT
        return _frame(self, b"", last)
    # Only now it is known how the body will end, and what comes after it.
    self.head = SENT
    app = self.app
    waiting = app.waiting
    self.left = app.timeout
    length = self.room
    mute = self.mute
    keep = self.keep
    if mute is not None and self.status in (101, 204, 304):
        self.room = 0
        length = None
        if self.status == 101:
            self.body = 1 << 30  # what follows is not HTTP any more
            self.more = 0
            self.keep = False
            return head + b"\r\n"
    elif length is not None:
        length += len(data) + (mute or 0)
    elif mute is None and self.request.version != "1.0":
        self.chunked = True
        head += b"Transfer-Encoding: chunked\r\n"
    else:
        keep = False
    if keep and (
        self.ended is not None
        or waiting is not None  # somebody waits for the place; but a handshake costs a second
        and ticks_diff(ticks_ms(), waiting) >= 300
        and (not self.raw or ticks_diff(ticks_ms(), self.born) >= 1000)
        or self.owned  # by a thread, which closes it
        or not self.request.keep_alive
        or self.body > len(self.input)  # nobody has read the body, nobody will wait for it
        or self.more
        or self.expect
    ):
        keep = False
    if keep:
        keep = app.kept
    else:
        keep = b"close\r\n\r\n"
        if self.keep:
            self.keep = False
    if length is None or len(data) >= 4096:
        if length is not None:
            head = b"%sContent-Length: %d\r\n" % (head, length)
        return _frame(self, b"%sConnection: %s" % (head, keep), last)
    self.output = b""
    return b"%sContent-Length: %d\r\nConnection: %s%s" % (head, length, keep, data)


def _frame(self, head, last):
    # What was collected, as a chunk if the body goes in chunks, behind the head.
    data = self.output
    size = len(data)
    if size >= 4096:  # stays: see _large()
        return b"%s%x\r\n" % (head, size) if self.chunked else head
    if size:
        self.output = b""
    if self.chunked:
        if size:
            data = b"%x\r\n%s\r\n" % (size, data)
        if last:
            data += b"0\r\n\r\n"
    return head + data


def leave(self):
    """The program ends: what was collected leaves, as far as the socket takes it at once."""
    self.keep = False
    if self.room is None and self.request:
        self.request.version = "1.0"  # it claims nothing about its length
    try:
        if not self.unsent:
            self.send(self.take() + self.output)
    except ClientGone:
        pass
