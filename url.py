# What a request is: the bytes that a browser sends, taken apart.
#
#     GET /led%20strip?color=red&on HTTP/1.1     the request line: method, target, version
#     Host: 192.168.1.7                          header fields, one a line: name, colon, value
#     User-Agent: curl/8.5.0
#                                                an empty line ends the head; a body may follow
#
# Each line ends in CR LF ("\r\n", RFC 9112 section 2.1).  HTTPRequest takes such a head and makes
# an object of it with .method, .path, .parameters, .header and so on; whatever is not well formed
# raises InvalidRequest with the status code of the answer.  It is strict on purpose: two programs
# that read the same bytes differently can be played off against each other (request smuggling,
# RFC 9112 section 11.2), and a strict reader is also the shorter one.
#
# Nothing here waits for a network, so all of it can be tried on any Python.  Both servers share
# this file; it keeps to the MicroPython 1.11 of Pycom boards.  Run it to see what a request is:
#
#     micropython url.py

import re

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")

# What a stranger may send at most: bytes, and for MAX_FIELDS a number of header fields.  They are
# looked up when they are used, so a program may set them: url.MAX_HEAD = 16384
MAX_LINE = 2048
MAX_HEAD = 4096
MAX_FIELDS = 64
MAX_CHUNK_LINE = 64
MAX_TRAILERS = 1024

CRLF = b"\r\n"  # for the packages: a constant of bytes takes 64 bytes of memory in each file
HEX = b"0123456789abcdefABCDEF"
# What a method and a field's name, in lower case, are made of (RFC 9110 section 5.6.2).
_TOKEN = b"-abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+.^_`|~"
# What no line of a head contains: control characters, but for the tab.
_CONTROL = re.compile(b"[^\t -~\x80-\xff]")

# Pages that ask every second send the same fields each time: these are looked at once.  The last
# two plain requests, each from a blank in its first line, behind the target of a GET, to its end.
_seen = ()


class InvalidRequest(Exception):
    """A request that is answered with an error, the code .status.  Handlers may raise it too."""

    header = None  # more fields for the answer, a dict

    def __init__(self, message, status=400):
        super().__init__(message)
        self.status = status


class HTTPRequest:
    """
    A checked request.  head: bytes, a request line alone or a whole head with its empty line.

    .method .url (as sent) .path (decoded) .query (raw) .version "1.1": str
    .parameters: dict of str, the decoded query (later also what a route's <name> matched)
    .header: dict of str, names in lower case, values trimmed, repeated ones joined with ", "
    (Cookie with "; ")
    For the server: .length of the body, None: it is chunked; .expect (100-continue), .keep_alive.
    Raises InvalidRequest 400, 414, 417, 431, 501 or 505 (RFC 9112 sections 3, 5 and 6).
    """

    method = "GET"
    version = "1.1"
    query = ""
    length = 0
    expect = False
    keep_alive = True  # HTTP/1.0 and "Connection: close" say otherwise

    def __init__(self, head):
        global _seen
        n = len(head)
        end = head.find(b"\r\n")
        if end < 0:
            end = n
        if end > MAX_LINE:
            raise InvalidRequest("long line", 414)
        if n > MAX_HEAD:
            raise InvalidRequest("long head: cookies too large?", 431)
        # Slices only where they are needed: each is an object, and a str is looked up besides.
        stop = head.find(b" ", 4)  # a line end before it is a control character in the target
        if head.startswith(b"GET ") and head.startswith(b" HTTP/1.1\r\n", stop):
            target = head[4:stop]
        else:
            target = self._unlike_most(head[:end])
        # Bytes above 127 were never seen from a browser: they count as if escaped.
        self.url = path = _utf8(target)  # None: not UTF-8
        if not path or "\t" in path or _CONTROL.search(target):
            raise InvalidRequest("bad target")
        self.parameters = {}
        if "?" in path:
            path, self.query = path.split("?", 1)
            self.parameters = query(self.query)
        if target[0] != 47:  # "/"; RFC 9112 section 3.2: "http://host/path" or, for OPTIONS, "*"
            if path[:7].lower() == "http://" and path[7:8] not in "/":
                path = "/" + "".join(path.split("/", 3)[3:])
            elif self.url != "*" or self.method != "OPTIONS":
                raise InvalidRequest("bad target")
        self.path = unquote(path) if "%" in path else path
        self._head = head
        if end < n - 2:
            for data in _seen:
                if len(data) == n - stop and head.endswith(data):
                    return
            _framing(self, head)
            if self.keep_alive and self.length == 0 and n < 1024:
                _seen = _seen[-1:] + (head[stop:],)

    def _unlike_most(self, line):
        # The target of a line that is not "GET ... HTTP/1.1".
        if line.count(b" ") != 2 or not re.match(b" HTTP/[0-9][.][0-9]", line[-9:]):
            raise InvalidRequest("bad line")
        method, target, version = line.split(b" ")
        if version[5] != 49:  # "1"
            raise InvalidRequest("HTTP/1.x", 505)
        self.method = _utf8(method)
        if self.method not in METHODS:
            raise InvalidRequest(
                "bad method", 400 if not method or method.lower().strip(_TOKEN) else 501
            )
        self.version = version[5:].decode()
        return target

    def _fields(self, names):
        # A dict of the header; of these names, if there are any, and perhaps some others.
        header = {}
        for line in self._head.split(b"\r\n")[1:-2]:
            end = line.find(b":")
            name = line[:end].lower()
            # A token before the colon: this refuses blanks there, and folded lines (section 5).
            if end < 1 or name.strip(_TOKEN):
                raise InvalidRequest("bad field")
            if not names or name in names:
                name = name.decode()
                line = line[end + 1 :].strip()
                value = _utf8(line) or "".join(map(chr, line))  # Latin-1 is the old rule
                if name in header:  # RFC 9110 section 5.3, for cookies RFC 9113 section 8.2.3
                    value = header[name] + ("; " if name == "cookie" else ", ") + value
                header[name] = value
        return header

    def __getattr__(self, name):
        # Called for what is not there: .header, until somebody asks for it.  (A property would do,
        # but classes with properties are slower in everything on MicroPython.)
        if name != "header":
            raise AttributeError(name)
        self.header = header = self._fields(b"")
        self._head = None
        return header


def _framing(request, head):
    # RFC 9112 section 6: where the body ends, and whether another request may follow it.
    if head.count(b"\r\n") > MAX_FIELDS + 2:
        raise InvalidRequest("over %d fields" % MAX_FIELDS, 431)
    # Each CR and LF is half of a line end: a lone one is a line end to some programs only.
    if head[-4:] != b"\r\n\r\n" or _CONTROL.search(head.replace(b"\r\n", b"")):
        raise InvalidRequest("bad field")
    header = request._fields(b"host expect connection content-length transfer-encoding")
    if request.version == "1.0":
        request.keep_alive = False  # up to the last line of this function it means HTTP/1.1
    host = header.get("host", "")
    if "," in host or request.keep_alive and not host:
        raise InvalidRequest("bad host")
    if "transfer-encoding" in header:
        if "content-length" in header or not request.keep_alive:
            raise InvalidRequest("bad length")
        if header["transfer-encoding"].lower() != "chunked":
            raise InvalidRequest("bad coding", 501)
        request.length = None
    elif "content-length" in header:
        length = header["content-length"]
        # Of bytes, as isdigit() of a str knows other digits in Python.
        if not length.encode().isdigit() or len(length) > 10:
            raise InvalidRequest("bad length")
        request.length = int(length)
    if "expect" in header and request.keep_alive:
        if header["expect"].lower() != "100-continue":
            raise InvalidRequest("bad expect", 417)
        request.expect = request.length != 0
    if "close" in header.get("connection", "").lower():
        request.keep_alive = False


def head_end(data):
    """
    The length of the head that data (bytes) begins with, 0 while its end has not come.

    Data that no more bytes could mend are taken for a head at once: HTTPRequest will refuse it.
    """
    end = data.find(b"\r\n\r\n") + 4
    if end > 3:
        return end
    n = len(data)
    if n > (MAX_HEAD if data.find(b"\r\n", 0, MAX_LINE + 2) >= 0 else MAX_LINE + 1):
        return n
    # A lone CR or LF shows as soon as it comes; the last byte may be the CR of a line end.
    count = data.count(CRLF[1:]) + data.count(CRLF[:1], 0, -1) - 2 * data.count(CRLF)
    return n if count else 0


def query(string, all=False):
    """
    A dict of the decoded names and values in "a=1&b=x+y": a query or an urlencoded form.

    string: str or bytes.  The first value of a name wins; all: every one, in a list.  Raises
    InvalidRequest 400.
    """
    parameters = {}
    if not isinstance(string, str):
        string = _utf8(string)
        if string is None:
            raise InvalidRequest("not UTF-8")
    for text in string.replace("+", " ").split("&"):
        if text:
            name, *value = text.split("=", 1)
            value = unquote("".join(value))
            values = parameters.setdefault(unquote(name), [] if all else value)
            if all:
                values.append(value)
    return parameters


def unquote(string):
    """
    string (str or bytes) with each %XX replaced by its byte, as UTF-8 (RFC 3986 section 2.1).

    An incomplete escape stays as it is.  Raises InvalidRequest 400 for NUL and invalid UTF-8.
    """
    if isinstance(string, str):
        if "%" not in string and "\0" not in string:
            return string
        string = string.encode()
    if b"%" in string:
        text, *values = string.split(b"%")
        buf = bytearray(text)
        for text in values:
            code = text[:2]
            if len(code) < 2 or code.strip(HEX):
                buf.append(37)  # "%"
            else:
                buf.append(int(code, 16))
                text = text[2:]
            buf += text
        string = bytes(buf)
    string = _utf8(string)
    if string is None or "\0" in string:
        raise InvalidRequest("not UTF-8")
    return string


def _utf8(data):
    # data as a str, None if it is not UTF-8.
    try:
        string = data.decode()
    except ValueError:
        return None
    # MicroPython lets overlong forms, surrogates and more than U+10FFFF pass (RFC 3629 section 3).
    # No loop over the characters: it would leave each of them in memory, as a name, for ever.
    if len(string) == len(data) or not re.search(
        b"[\xc0\xc1\xf5-\xff]|\xe0[\x80-\x9f]|\xed[\xa0-\xbf]|\xf0[\x80-\x8f]|\xf4[\x90-\xbf]",
        data,
    ):
        return string


def inside(folder, path):
    """
    The name of the file that path (a decoded str from a request) means below folder.

    Raises InvalidRequest 404 for what could leave the folder or is hidden: "..", a backslash, NUL,
    an absolute path, "//", a name with a leading dot.  For downloads and for uploads.
    """
    text = "/" + path
    if "\\" in text or "\0" in text or "//" in text or "/." in text:
        raise InvalidRequest("no file", 404)
    return folder.rstrip("/") + "/" + path if folder else path


# A demonstration.  It is a remark, so that a board need not keep it.

if __name__ == "__main__":
    with open(globals().get("__file__", "url.py")) as file:
        exec("\n".join(file.read().split("\n#: ")[1:]))

#: for head in (
#:     b"GET / HTTP/1.1",
#:     b"GET /led?color=red&level=50%25&text=caf%C3%A9+noir&on HTTP/1.1",
#:     b"GET /my%20files/%2e%2e/x?y HTTP/1.1",
#:     b"GET http://esp32/absolute?form HTTP/1.1",
#:     b"OPTIONS * HTTP/1.1",
#:     b"GET / HTTP/1.1\r\nHost: esp32\r\nACCEPT: text/html\r\nAccept: */*\r\n\r\n",
#:     b"POST /form HTTP/1.1\r\nHost: esp32\r\nContent-Length: 11\r\n\r\n",
#:     b"BREW /coffee HTTP/1.1",
#:     b"GET /two words HTTP/1.1",
#:     b"GET /caf%E9 HTTP/1.1",
#:     b"GET / HTTP/1.1\r\nAccept: */*\r\n\r\n",
#:     b"GET / HTTP/1.1\r\nHost: esp32\r\nAccept : */*\r\n\r\n",
#:     b"GET / HTTP/1.1\r\nHost: esp32\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
#: ):
#:     print(head)
#:     try:
#:         request = HTTPRequest(head)
#:         for name in "method url path query version parameters header length".split():
#:             print("   .%s %r" % (name, getattr(request, name)))
#:     except InvalidRequest as e:
#:         print("    refused:", e.status, e)
