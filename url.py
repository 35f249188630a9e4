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

HEX = b"0123456789abcdefABCDEF"
# What has no place in a method or a field's name (RFC 9110 section 5.6.2), and in a target.
_NO_TOKEN = re.compile(b"[^a-zA-Z0-9_!#-'*+.^`|~-]")
_NO_TARGET = re.compile(b"[^!-~\x80-\xff]")
# Control characters, but for tab, CR and LF, and NUL (which a pattern here cannot hold).
_CONTROL = re.compile(b"[\x01-\x08\x0b-\x0c\x0e-\x1f\x7f]")

# Pages that ask every second send the same fields each time: these are looked at once.  The last
# two plain requests, each from the blank behind its target to its end.
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
        size = len(head)
        end = head.find(b"\r\n")
        if end < 0:
            end = size
        if end > MAX_LINE:
            raise InvalidRequest("long line", 414)
        if size > MAX_HEAD:
            raise InvalidRequest("long head: cookies too large?", 431)
        # Slices only where they are needed: each is an object, and a str is looked up besides.
        get = head.startswith(b"GET ")
        start = 4 if get else head.find(b" ") + 1
        blank = head.find(b" ", start, end)
        if blank < 0:
            raise InvalidRequest("bad line")
        if not (get and head.startswith(b" HTTP/1.1\r\n", blank)):
            self._unlike_most(head[: start - 1], head[blank + 1 : end])
        target = head[start:blank]
        # Bytes above 127 were never seen from a browser: they count as if escaped.
        if _NO_TARGET.search(target):
            raise InvalidRequest("bad target")
        try:
            self.url = path = str(target, "utf-8")
        except ValueError:
            raise InvalidRequest("not UTF-8")
        if head[start] != 47:  # "/"
            path = self._absolute(path)
        self.parameters = {}
        if "?" in path:
            path, self.query = path.split("?", 1)
            self.parameters = query(self.query)
        self.path = unquote(path) if "%" in path or len(self.url) != len(target) else path
        self._head = head
        if end < size - 2:
            for fields in _seen:
                if len(fields) == size - blank and head.endswith(fields):
                    return
            self._framing(head)
            if self.keep_alive and self.length == 0 and size < 1024:
                _seen = _seen[-1:] + (head[blank:],)

    def _unlike_most(self, method, version):
        # Not "GET ... HTTP/1.1".
        if len(version) != 8 or not re.match(b"HTTP/[0-9][.][0-9]", version):
            raise InvalidRequest("bad line")
        if version[5] != 49:  # "1"
            raise InvalidRequest("HTTP/1.x", 505)
        if not method or _NO_TOKEN.search(method):
            raise InvalidRequest("bad method")
        self.version = str(version[5:], "utf-8")
        self.method = str(method, "utf-8")
        if self.method not in METHODS:
            raise InvalidRequest("bad method", 501)

    def _absolute(self, path):
        # RFC 9112 section 3.2: "http://host/path?query" or, for OPTIONS, "*".
        host = path[7:].split("/", 1)[0].split("?", 1)[0]
        if host and path[:7].lower() == "http://":
            path = path[7 + len(host) :]
            return path if path[:1] == "/" else "/" + path
        if path != "*" or self.method != "OPTIONS":
            raise InvalidRequest("bad target")
        return path

    def _framing(self, head):
        # RFC 9112 section 6: where the body ends, and whether another request may follow it.
        count = head.count(b"\r\n")
        if count > MAX_FIELDS + 2:
            raise InvalidRequest("too many fields", 431)
        # Each CR and LF is half of a line end: a lone one is a line end to some programs only.
        if head.count(b"\n") != count or head.count(b"\r") != count or head[-4:] != b"\r\n\r\n":
            raise InvalidRequest("bad end")
        if b"\0" in head or _CONTROL.search(head):
            raise InvalidRequest("control character")
        get = self._fields(b"host expect connection content-length transfer-encoding").get
        modern = self.version != "1.0"
        host = get("host", "")
        if "," in host or modern and not host:
            raise InvalidRequest("bad host")
        length = get("content-length")
        coding = get("transfer-encoding")
        if length is not None:
            # Not isdigit(): Python knows other digits, too.
            if coding is not None or length.strip("0123456789") or not 0 < len(length) <= 10:
                raise InvalidRequest("bad length")
            self.length = int(length)
        if coding is not None:
            if coding.lower() != "chunked" or not modern:
                raise InvalidRequest("bad coding", 501 if modern else 400)
            self.length = None
        expect = get("expect")
        if expect is not None and modern:
            if expect.lower() != "100-continue":
                raise InvalidRequest("bad expect", 417)
            self.expect = self.length != 0
        if not modern or "close" in get("connection", "").lower():
            self.keep_alive = False

    def _fields(self, names=b""):
        # A dict of the header; of these names, if there are any, and perhaps some others.
        header = {}
        for line in self._head.split(b"\r\n")[1:-2]:
            name, *value = line.split(b":", 1)
            # A token before the colon: this refuses blanks there, and folded lines (section 5).
            if not value or not name or _NO_TOKEN.search(name):
                raise InvalidRequest("bad field")
            name = name.lower()
            if not names or name in names:
                name = str(name, "utf-8")
                line = value[0].strip(b" \t")
                value = _utf8(line)
                if value is None:
                    value = "".join(map(chr, line))  # Latin-1 is the old rule
                if name in header:  # RFC 9110 section 5.3, for cookies RFC 9113 section 8.2.3
                    value = header[name] + ("; " if name == "cookie" else ", ") + value
                header[name] = value
        return header

    def __getattr__(self, name):
        # Called for what is not there: .header, until somebody asks for it.  (A property would do,
        # but classes with properties are slower in everything on MicroPython.)
        if name != "header":
            raise AttributeError(name)
        self.header = header = self._fields()
        self._head = None
        return header


def head_end(data):
    """
    The length of the head that data (bytes) begins with, 0 while its end has not come.

    Data that no more bytes could mend are taken for a head at once: HTTPRequest will refuse it.
    """
    end = data.find(b"\r\n\r\n") + 4
    if end > 3:
        return end
    size = len(data)
    limit = MAX_HEAD if data.find(b"\r\n", 0, MAX_LINE + 2) >= 0 else MAX_LINE + 1
    # A lone CR or LF shows as soon as it comes; the last byte may be the CR of a line end.
    ends = data.count(b"\r\n")
    lone = data.count(b"\n") != ends or data.count(b"\r", 0, size - 1) != ends
    return size if lone or size > limit else 0


def query(string, all=False):
    """
    A dict of the decoded names and values in "a=1&b=x+y": a query or an urlencoded form.

    string: str or bytes.  The first value of a name wins; all: every one, in a list.  Raises
    InvalidRequest 400.
    """
    parameters = {}
    if isinstance(string, str):
        string = string.encode()
    for part in string.replace(b"+", b" ").split(b"&"):
        if part:
            name, *value = part.split(b"=", 1)
            name = unquote(name)
            value = unquote(value[0]) if value else ""
            if all:
                parameters.setdefault(name, []).append(value)
            else:
                parameters.setdefault(name, value)
    return parameters


def unquote(string):
    """
    string (str or bytes) with each %XX replaced by its byte, as UTF-8 (RFC 3986 section 2.1).

    An incomplete escape stays as it is.  Raises InvalidRequest 400 for NUL and invalid UTF-8.
    """
    if isinstance(string, str):
        string = string.encode()
    parts = string.split(b"%")
    for i in range(1, len(parts)):
        part = parts[i]
        if len(part) < 2 or part[:2].strip(HEX):
            parts[i] = b"%" + part
        else:
            parts[i] = bytes([int(part[:2], 16)]) + part[2:]
    string = _utf8(b"".join(parts))
    if string is None or "\0" in string:
        raise InvalidRequest("not UTF-8")
    return string


def _utf8(data):
    # data as a str, None if it is not UTF-8.
    try:
        string = str(data, "utf-8")
    except ValueError:
        return None
    # MicroPython lets overlong forms, surrogates and more than U+10FFFF pass (RFC 3629 section 3).
    # No loop over the characters: it would leave each of them in memory, as a name, for ever.
    wrong = b"[\xc0\xc1\xf5-\xff]|\xe0[\x80-\x9f]|\xed[\xa0-\xbf]|\xf0[\x80-\x8f]|\xf4[\x90-\xbf]"
    if len(string) == len(data) or not re.search(wrong, data):
        return string


def inside(folder, path):
    """
    The name of the file that path (a decoded str from a request) means below folder.

    Raises InvalidRequest 404 for what could leave the folder or is hidden: "..", a backslash, NUL,
    an absolute path, a name with a leading dot.  For downloads and for uploads.
    """
    if "\\" in path or "\0" in path or path[:1] == "/" or "/." in "/" + path:
        raise InvalidRequest("no file", 404)
    return folder.rstrip("/") + "/" + path if folder else path


# Requests to try, "|" for each line end.  They are remarks, so that a board need not keep them.
#
#: GET / HTTP/1.1
#: GET /led?color=red&level=50%25&text=caf%C3%A9+noir&on HTTP/1.1
#: GET /my%20files/%2e%2e/x?y HTTP/1.1
#: GET http://esp32/absolute?form HTTP/1.1
#: OPTIONS * HTTP/1.1
#: GET / HTTP/1.1|Host: esp32|ACCEPT: text/html|Accept: */*||
#: POST /form HTTP/1.1|Host: esp32|Content-Length: 11||
#: BREW /coffee HTTP/1.1
#: GET /two words HTTP/1.1
#: GET /caf%E9 HTTP/1.1
#: GET / HTTP/1.1|Accept: */*||
#: GET / HTTP/1.1|Host: esp32|Accept : */*||
#: GET / HTTP/1.1|Host: esp32|Content-Length: 5|Transfer-Encoding: chunked||

if __name__ == "__main__":
    for head in open(globals().get("__file__", "url.py")):
        if head[:3] != "#: ":
            continue
        head = head[3:].strip().replace("|", "\r\n").encode()
        print(head)
        try:
            request = HTTPRequest(head)
            for name in "method url path query version parameters header length".split():
                print("   ." + name, repr(getattr(request, name)))
        except InvalidRequest as e:
            print("    refused:", e.status, e)
