# The response: what a server says before the body (RFC 9110 section 15, RFC 9112 section 4).
#
#     HTTP/1.1 200 OK                            the status line: version, code, reason
#     Content-Type: text/html                    header fields
#     Content-Length: 842                        added by the connection, when it knows it
#     Connection: close                          so is this one
#                                                an empty line; the body follows

# One string, not a dict: that takes a third of the memory.
_REASONS = """
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

    status: 200...599; mimetype: the Content-Type; close: False lets the connection carry another
    request; header: dict of further fields, a value is a str, an int or a list of these.
    send() raises ValueError for what would break the head: CR, LF, NUL, fields of the connection.
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
            head = b"%sContent-Type: %s\r\n" % (head, self.mimetype)
            lines = 2
        for name in self.header or ():
            value = self.header[name]
            low = name.lower()
            if low == "content-length":
                room = int(value) - len(body or "")
                if room < 0:
                    raise ValueError("body longer than its length")
            elif low in ("transfer-encoding", "connection"):
                raise ValueError(name + " in header")
            else:
                for one in value if isinstance(value, (list, tuple)) else (value,):
                    head = b"%s%s: %s\r\n" % (head, name, one)
                    lines += 1
        # Another line end would let a stranger add fields, or a whole response.
        if head.count(b"\n") != lines or head.count(b"\r") != lines or b"\0" in head:
            raise ValueError("CR, LF or NUL in header")
        return writer.begin(status, head, self.close, room, body)


def status_line(status):
    """The code and its reason phrase, such as "404 Not Found"."""
    if not isinstance(status, int) or not 200 <= status < 600:
        raise ValueError("status must be 200...599")
    code = str(status)
    start = _REASONS.find(code)
    return code + " Unknown" if start < 0 else _REASONS[start : _REASONS.find("\n", start)]
