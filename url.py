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

# What a stranger may send at most: bytes, and for MAX_FIELDS a number of header fields.
MAX_LINE = 2048
MAX_HEAD = 4096
MAX_FIELDS = 64
MAX_CHUNK_LINE = 64
MAX_TRAILERS = 1024

_HEX = b"0123456789abcdefABCDEF"
# What has no place in a method or a field's name (RFC 9110 section 5.6.2), and in a target.
_NO_TOKEN = re.compile(b"[^a-zA-Z0-9_!#-'*+.^`|~-]")
_NO_TARGET = re.compile(b"[^!-~]")

_seen = b""  # the last plain request from the blank behind its target to its end


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
        if size > MAX_LINE:
            if end > MAX_LINE:
                raise InvalidRequest("long line", 414)
            if size > MAX_HEAD:
                raise InvalidRequest("long head", 431)
        # Slices only where they are needed: each is an object, and a str is looked up besides.
        get = head.startswith(b"GET ")
        start = 4 if get else head.find(b" ") + 1
        blank = head.find(b" ", start, end)
        if blank < 0:
            raise InvalidRequest("bad line")
        if not (get and head.startswith(b" HTTP/1.1\r\n", blank)):
            self._unlike_most(head[: start - 1], head[blank + 1 : end])
        target = head[start:blank]
        if _NO_TARGET.search(target):
            for c in target:
                if c < 32 or c == 127:
                    raise InvalidRequest("bad target")
                # Bytes above 127 were never seen from a browser: they count as if escaped.
                if c > 127:
                    target = target.replace(bytes([c]), b"%%%02X" % c)
        self.url = path = str(target, "utf-8")
        if head[start] != 47:  # "/"
            path = self._absolute()
        self.parameters = {}
        if "?" in path:
            path, self.query = path.split("?", 1)
            self.parameters = query(self.query)
        self.path = unquote(path) if "%" in path else path
        self._head = head
        # A page that asks every second sends the same fields: they are looked at once.
        if end < size - 2 and not (len(_seen) == size - blank and head.endswith(_seen)):
            self._framing(self._fields(head, end + 2))
            if self.keep_alive and self.length == 0 and size < 1024:
                _seen = head[blank:]

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

    def _absolute(self):
        # RFC 9112 section 3.2: "http://host/path?query" or, for OPTIONS, "*".
        path = self.url
        host = path[7:].split("/", 1)[0].split("?", 1)[0]
        if host and path[:7].lower() == "http://":
            path = path[7 + len(host) :]
            return path if path[:1] == "/" else "/" + path
        if path != "*" or self.method != "OPTIONS":
            raise InvalidRequest("bad target")
        return path

    def _fields(self, head, start):
        # Looks at the names of all fields, and takes the values of those that frame the message.
        framing = b" host expect connection content-length transfer-encoding "
        found = {}
        count = 2  # line ends: the request line's, the fields', the empty line's
        while True:
            end = head.find(b"\r\n", start)
            if end <= start:
                break
            colon = head.find(b":", start, end)
            name = head[start:colon]
            n = colon - start
            # A token before the colon: this refuses blanks there, and folded lines (section 5).
            if n < 1 or _NO_TOKEN.search(name):
                raise InvalidRequest("bad field")
            # The length is a quick first look.
            if n in (4, 6, 10, 14, 17) and b" %s " % name.lower() in framing:
                value = head[colon + 1 : end].strip(b" \t").lower()
                found[n] = found[n] + b"," + value if n in found else value
            count += 1
            start = end + 2
        if count > MAX_FIELDS + 2:
            raise InvalidRequest("fields", 431)
        # Each CR and LF is half of a line end: a lone one is a line end to some programs only.
        if end + 2 != len(head) or head.count(b"\n") != count or head.count(b"\r") != count:
            raise InvalidRequest("bad end")
        if b"\0" in head:
            raise InvalidRequest("NUL")
        return found

    def _framing(self, found):
        # RFC 9112 section 6: where the body ends, and whether another request may follow it.
        # found is keyed by the length of the name: 4 host, 6 expect, 10 connection, 14, 17.
        modern = self.version != "1.0"
        host = found.get(4, b"")
        if b"," in host or modern and not host:
            raise InvalidRequest("bad host")
        if 14 in found:
            length = found[14]
            if 17 in found or not length.isdigit() or len(length) > 10:
                raise InvalidRequest("bad length")
            self.length = int(length)
        elif 17 in found:
            if found[17] != b"chunked" or not modern:
                raise InvalidRequest("bad coding", 501 if modern else 400)
            self.length = None
        if modern and 6 in found:
            if found[6] != b"100-continue":
                raise InvalidRequest("bad expect", 417)
            self.expect = self.length != 0
        if not modern or b"close" in found.get(10, b""):
            self.keep_alive = False

    def __getattr__(self, name):
        # Called for what is not there: .header, until somebody asks for it.  (A property would do,
        # but classes with properties are slower in everything on MicroPython.)
        if name != "header":
            raise AttributeError(name)
        header = {}
        for line in self._head.split(b"\r\n")[1:-2]:
            name, line = line.split(b":", 1)
            name = str(name, "utf-8").lower()
            line = line.strip(b" \t")
            value = _utf8(line) or "".join(map(chr, line))  # Latin-1 is the old rule
            header[name] = header[name] + ", " + value if name in header else value
        self.header = header
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


def chunk_size(line):
    """The size in a chunk's first line (bytes without CR LF, RFC 9112 section 7.1); or 400."""
    size = line.split(b";", 1)[0]
    if size != line:
        size = size.rstrip(b" \t")  # blanks are allowed before an extension, which is ignored
    if size.strip(_HEX) or not 0 < len(size) <= 8:
        raise InvalidRequest("bad chunk")
    return int(size, 16)


def query(string):
    """
    A dict of the decoded names and values in "a=1&b=x+y": a query or an urlencoded form.

    string: str or bytes.  The first value of a name wins.  Raises InvalidRequest 400.
    """
    parameters = {}
    if isinstance(string, str):
        string = string.encode()
    for part in string.replace(b"+", b" ").split(b"&"):
        if part:
            name, *value = part.split(b"=", 1)
            name = unquote(name)
            if name not in parameters:
                parameters[name] = unquote(value[0]) if value else ""
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
        if len(part) < 2 or part[:2].strip(_HEX):
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
