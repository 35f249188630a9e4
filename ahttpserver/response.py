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

from url import CRLF

from .loop import DONE, ClientGone

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


# Most responses of a board begin like the last one: its status, mimetype and these lines.  To make
# them takes a seventh of a small request's time.
_seen = None, 0, None


class HTTPResponse:
    """
    The head of a response.

    status: 200...599, or 101; mimetype: the Content-Type, for text in UTF-8; close: False lets the
    connection carry another request; header: dict of further fields, a value is a str, bytes, an
    int or a list of these.  send() raises ValueError for what would break the head: CR, LF, NUL,
    fields of the connection.
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
        global _seen
        if isinstance(body, str):
            body = body.encode()  # on MicroPython without a copy, which adding it would make
        output = b""
        room = -1
        if body is not None:
            output += body  # a TypeError for what is neither
            room = 0
        status = self.status
        mimetype = self.mimetype
        code, key, head = _seen
        if code != status or key != mimetype:
            head = b"HTTP/1.1 %s\r\n" % status_line(status)
            if mimetype:
                head += field("Content-Type", mimetype) + CRLF
            _seen = status, mimetype, head
        for name in self.header or ():
            value = self.header[name]
            key = name.lower()
            if key == "content-length":
                room = int(value) - len(output)
                if room >= 0:
                    continue
            elif key != "transfer-encoding" and (
                key != "connection" or status == 101 or value == "Upgrade"
            ):
                if key == "content-type":
                    name = "Content-Type"
                for line in value if isinstance(value, (list, tuple)) else (value,):
                    head += field(name, line) + CRLF
                continue
            raise ValueError("bad %s: %s" % (name, value))
        if writer.head == SENT:
            raise ValueError("sent twice")
        if writer.ended is not None:
            raise ClientGone("closed")
        writer.status = status
        writer.keep = not self.close
        writer.mute = None
        request = writer.request
        # After these statuses there is no body, nor a length: see take().
        if status in (204, 304) or request is not None and request.method == "HEAD":
            writer.mute = len(output)
            output = b""
        writer.head = head
        writer.room = room
        writer.output = output
        return DONE


def field(name, value):
    """
    A line of a head, or of an event, in bytes without its end; ValueError if it were several.

    Content-Type: text that says nothing of its letters is UTF-8 (RFC 9110 section 8.3.2).
    """
    line = b"%s: %s" % (name, value)
    if name == "Content-Type":
        text = value.lower()
        # Event streams are always UTF-8.
        if text.startswith("text/") and not ("charset" in text or "event-" in text):
            line += "; charset=utf-8"
    # Another line end would let a stranger add fields, or a whole response.
    if "\r" in line or "\n" in line or "\0" in line:
        raise ValueError("CR, LF or NUL in " + name)
    return line


def status_line(status):
    """The code and its reason phrase, such as "404 Not Found"."""
    if not 200 <= status < 600 and status != 101:
        raise ValueError("bad %s: %s" % ("status", status))  # as above: one text is enough
    code = "%d" % status
    start = _REASONS.find(code)
    return code + " Unknown" if start < 0 else _REASONS[start : _REASONS.find("\n", start)]


# From here on these are methods of Connection.


def write(self, data):
    """Collect data (bytes or str); ValueError if it is more than the response's length."""
    if self.ended is not None:
        raise ClientGone("closed")
    if isinstance(data, str):
        data = data.encode()
    output = self.output + data  # first: there may be no memory for it
    n = len(output)
    count(self, n - len(self.output))  # bytes; data may be an array of larger items
    mute = self.mute
    if mute is None:
        self.output = output
        # With asyncio this drain() is not awaited: it sends what the socket takes now, as long as
        # not much waits already.  TLS has to be offered the very same bytes again.
        if n <= BUFFER or DONE and (self.raw or len(self.unsent) + n >= 4096):
            return
    elif mute <= 65536:  # or a HEAD of an endless body would never end
        return
    self.drain()


def count(self, n):
    """Book n bytes of the body; ValueError if that is more than its length."""
    if 0 <= self.room < n:
        raise ValueError("body longer than its length")
    self.room -= n
    if self.mute is not None:
        self.mute += n


def drain(self, _end=False):
    """Send all that is collected; or ClientGone.  _end: nothing follows; see .keep afterwards."""
    if _end:
        if self.head is NOTHING:
            if not self.output and self.ended is None:
                raise ValueError("no answer")
        elif self.head and self.room < 0 and self.ended is not False:
            self.room = 0
        if self.room > 0 and self.mute is None or self.ended is not None:
            self.keep = False
            _end = self.ended is not False
    data = take(self, _end)
    return _large(self, data, _end) if self.output else self.push(data)


async def _large(self, head, end):
    # Much output is not joined with what goes before and after it: that would copy it.
    data = self.output
    self.output = b""
    try:
        await self.push(head)
        await self.push(data)
        if self.chunked:
            await self.push(CRLF + (b"0\r\n\r\n" if end else b""))
    except BaseException:
        self.gone = True  # nothing may follow a part
        raise


def leave(self):
    """The program ends: what was collected leaves, as far as the socket takes it at once."""
    self.keep = False
    if self.room < 0 and self.request:
        self.request.version = "1.0"  # it claims nothing about its length
    try:
        if not self.unsent:
            self.transmit(take(self, False) + self.output)
    except ClientGone:
        pass


def take(self, end):
    """
    Take what is to be sent: the head, completed, and what was collected, framed.

    Much output stays, with its chunk's size taken: _large() sends it.  end: nothing follows.
    """
    head = self.head
    data = self.output
    n = len(data)
    mute = self.mute
    length = self.room + n + (mute or 0) if self.room >= 0 else None
    if head:  # only now it is known how the body will end, and what comes after it
        self.head = SENT
        self.left = self.app.timeout
        line = b"Connection: close\r\n\r\n"
        if self.status == 101:
            self.room = -1
            length = None
            self.body = 1 << 29  # what follows is not HTTP any more
            self.more = 0
            self.keep = False
            line = CRLF
        elif mute is not None and self.status in (204, 304):
            self.room = 0
            length = None
        elif length is None:
            if mute is None and self.request.version != "1.0":
                self.chunked = True
                head += b"Transfer-Encoding: chunked\r\n"
            else:
                self.keep = False
        if self.keep:
            self.keep = not _ends(self)
            if self.keep:
                line = self.app.kept
    elif head is NOTHING:
        if n:  # not begun by HTTPResponse
            self.status = "-"
            self.head = SENT
    elif mute is not None and length is None and not end:
        raise ClientGone("no body")  # nobody waits for more
    if n >= 4096:
        data = b"%x\r\n" % n if self.chunked else b""
    else:
        self.output = b""
        if self.chunked:
            if n:
                data = b"%x\r\n" % n + data + CRLF
            if end:
                data += b"0\r\n\r\n"
    if not head:
        return data
    if length is None:
        return b"".join((head, line, data))
    return b"%sContent-Length: %d\r\n%s%s" % (head, length, line, data)


def _ends(self):
    # Whether the connection ends with this response: no other request may follow.
    waiting = self.app.waiting
    request = self.request
    ticks = ticks_ms()
    return (
        self.ended is not None
        or waiting  # somebody waits for the place; but a handshake costs a second
        and ticks_diff(ticks, waiting) >= 300
        and (not self.raw or ticks_diff(ticks, self.born) >= 1000)
        or self.owned  # by a thread, which closes it
        or not request.keep_alive
        # Nobody has read the body, nobody will wait for it.
        or self.body > len(self.input)
        or self.more
        or request.expect
    )
