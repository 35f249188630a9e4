# What a request is: the bytes that a browser sends, taken apart.
#
#     GET /led%20strip?color=red&on HTTP/1.1     the request line: method, target, version
#     Host: 192.168.1.7                          header fields, one a line: name, colon, value
#     User-Agent: curl/8.5.0
#                                                an empty line ends the head; a body may follow
#
# Each line ends in CR LF ("\r\n", RFC 9112 section 2.1).  HTTPRequest takes such a head and becomes
# an object with .method, .path, .parameters, .header and so on; whatever is not well formed raises
# InvalidRequest with the status code of the answer.  It is strict on purpose: two programs that read
# the same bytes differently can be played off against each other (request smuggling, RFC 9112
# section 11.2), and a strict reader is also the shorter one.
#
# Nothing here waits for a network, so all of it can be tried on any Python.  Both servers share this
# file.  It keeps to the MicroPython 1.11 of Pycom boards.  Run it to see what requests contain:
#
#     micropython url.py

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")

# What a stranger may send at most: bytes, and for MAX_FIELDS a number of header fields.
MAX_LINE = 2048
MAX_HEAD = 4096
MAX_FIELDS = 64
MAX_CHUNK_LINE = 64
MAX_TRAILERS = 1024

_HEX = b"0123456789abcdefABCDEF"
# The characters of a method and of a field's name (RFC 9110 section 5.6.2).
_TOKEN = b"etaoinsrcdhlpugm-fykwvxqzjb0123456789ACHUSDETRIOLPMNBFGJKQVWXYZ_!#$%&'*+.^`|~"
# The fields that decide where a message ends, by the length of their names: a quick first look.
_FRAMING = {4: b"host", 6: b"expect", 10: b"connection", 14: b"content-length",
            17: b"transfer-encoding"}  # fmt: skip


class InvalidRequest(Exception):
    """A request that is answered with an error: .status is its code.  Handlers may raise it too."""

    header = None  # more fields for the answer, a dict

    def __init__(self, message, status=400):
        super().__init__(message)
        self.status = status


class HTTPRequest:
    """
    A checked request.  head: bytes, a request line alone or a whole head with its empty line.

    .method .url (as sent) .path (decoded) .query (raw) .version "1.1": str
    .parameters: dict of str, the decoded query (later also what a route's <name> matched)
    .header: dict of str, names in lower case; built when first asked for
    For the server: .length of the body, .chunked, .expect (100-continue), .keep_alive.
    Raises InvalidRequest 400, 414, 417, 431, 501 or 505 (RFC 9112 sections 3, 5 and 6).
    """

    version = "1.1"
    query = ""
    length = 0
    chunked = expect = keep_alive = False

    def __init__(self, head):
        end = head.find(b"\r\n")
        line = head[:end] if end >= 0 else head
        if len(line) > MAX_LINE:
            raise InvalidRequest("request line too long", 414)
        if len(head) > MAX_HEAD:
            raise InvalidRequest("head too long", 431)
        self._request_line(line)
        self._head = head
        if end >= 0 and end + 2 < len(head):
            self._fields(head, end + 2)

    def _request_line(self, line):
        if not line or min(line) < 32 or b"\x7f" in line:
            raise InvalidRequest("not a request line")
        if max(line) > 127:  # never seen from a browser: it counts as if it were escaped
            line = b"".join([b"%%%02X" % c if c > 127 else bytes([c]) for c in line])
        parts = str(line, "utf-8").split(" ")
        if len(parts) != 3 or not parts[1]:
            raise InvalidRequest("not a request line")
        self.method, self.url, version = parts
        if version != "HTTP/1.1":
            if len(version) != 8 or version[:5] != "HTTP/" or version[6] != ".":
                raise InvalidRequest("not a request line")
            self.version = version[5:]
            if (version[5] + version[7]).strip("0123456789"):
                raise InvalidRequest("not a request line")
            if version[5] != "1":
                raise InvalidRequest("HTTP/1.x only", 505)
        if self.method not in METHODS:
            if not self.method or self.method.encode().strip(_TOKEN):
                raise InvalidRequest("not a request line")
            raise InvalidRequest("method not implemented", 501)
        self._target(self.url)

    def _target(self, path):
        # RFC 9112 section 3.2: "/path?query", "http://host/path?query" or, for OPTIONS, "*".
        if path[0] != "/":
            if path[:7].lower() == "http://":
                host = path[7:].split("/", 1)[0].split("?", 1)[0]
                path = path[7 + len(host) :]
                if path[:1] != "/":
                    path = "/" + path
            else:
                host = self.method == "OPTIONS" and path == "*"
            if not host:
                raise InvalidRequest("invalid target")
        mark = path.find("?")
        if mark >= 0:
            self.query = path[mark + 1 :]
            path = path[:mark]
        self.path = unquote(path)
        self.parameters = query(self.query)

    def _fields(self, head, start):
        # Only looks: at the names of all fields, at the values of those that frame the message.
        found = {}
        count = 0
        end = head.find(b"\r\n", start)
        while end > start:
            colon = head.find(b":", start, end)
            name = head[start:colon]
            # A token before the colon: this refuses blanks there, and folded lines (section 5).
            if colon <= start or name.strip(_TOKEN):
                raise InvalidRequest("malformed header field")
            known = _FRAMING.get(colon - start)
            if known and known[0] == head[start] | 32 and name.lower() == known:
                value = head[colon + 1 : end].strip(b" \t")
                found[known] = found[known] + b"," + value if known in found else value
            count += 1
            start = end + 2
            end = head.find(b"\r\n", start)
        if end != start or end + 2 != len(head):
            raise InvalidRequest("head without an end")
        if count > MAX_FIELDS:
            raise InvalidRequest("too many header fields", 431)
        # Each CR and LF is half of a line end: a lone one is a line end to some programs only.
        if head.count(b"\n") != count + 2 or head.count(b"\r") != count + 2 or b"\0" in head:
            raise InvalidRequest("bare CR, bare LF or NUL")
        self._framing(found)

    def _framing(self, found):
        # RFC 9112 section 6: where the body ends, and whether another request may follow it.
        modern = self.version != "1.0"
        host = found.get(b"host", b"")
        if b"," in host or modern and not host:
            raise InvalidRequest("not exactly one Host field")
        if b"content-length" in found:
            length = found[b"content-length"]
            if length.strip(b"0123456789") or not 0 < len(length) <= 10:
                raise InvalidRequest("invalid Content-Length")
            self.length = int(length)
        if b"transfer-encoding" in found:
            if b"content-length" in found or not modern:
                raise InvalidRequest("Transfer-Encoding beside Content-Length or in HTTP/1.0")
            if found[b"transfer-encoding"].lower() != b"chunked":
                raise InvalidRequest("transfer coding not implemented", 501)
            self.chunked = True
        if b"expect" in found and modern:
            if found[b"expect"].lower() != b"100-continue":
                raise InvalidRequest("unknown expectation", 417)
            self.expect = self.chunked or self.length > 0
        self.keep_alive = modern and b"close" not in found.get(b"connection", b"").lower()

    @property
    def header(self):
        """All header fields: lower-case names, trimmed values, a repeated field joined with ", "."""
        if isinstance(self._head, dict):
            return self._head
        header = {}
        for line in self._head.split(b"\r\n")[1:-2]:
            i = line.find(b":")
            name = str(line[:i], "utf-8").lower()
            value = line[i + 1 :].strip(b" \t")
            try:
                value = _utf8(value)
            except ValueError:
                value = "".join([chr(c) for c in value])  # Latin-1, the old rule
            header[name] = header[name] + ", " + value if name in header else value
        self._head = header
        return header


def head_end(data):
    """
    The length of the head that data (bytes) begins with, 0 while its end has not come.

    Raises InvalidRequest 400, 414 or 431 as soon as more bytes could not mend it.
    """
    end = data.find(b"\r\n\r\n") + 4
    if end > 3:
        return end
    if data.find(b"\r\n", 0, MAX_LINE + 2) < 0 and len(data) > MAX_LINE + 1:
        raise InvalidRequest("request line too long", 414)
    if len(data) >= MAX_HEAD:
        raise InvalidRequest("head too long", 431)
    if data.count(b"\n") != data.count(b"\r\n"):
        raise InvalidRequest("bare LF")
    return 0


def chunk_size(line):
    """The size in a chunk's first line (bytes without CR LF, RFC 9112 section 7.1); or 400."""
    size = line.split(b";", 1)[0]
    if len(size) < len(line):
        size = size.rstrip(b" \t")  # blanks are allowed before an extension, which is ignored
    if size.strip(_HEX) or not 0 < len(size) <= 8:
        raise InvalidRequest("invalid chunk")
    return int(size, 16)


def query(string):
    """
    A dict of the decoded names and values in "a=1&b=x+y": a query or an urlencoded form.

    string: str or bytes.  The first value of a name wins.  Raises InvalidRequest 400.
    """
    if not isinstance(string, str):
        string = unquote(string.replace(b"%", b"%25"))
    parameters = {}
    for part in string.replace("+", " ").split("&"):
        if part:
            pair = part.split("=", 1)
            name = unquote(pair[0])
            if name not in parameters:
                parameters[name] = unquote(pair[1]) if len(pair) > 1 else ""
    return parameters


def unquote(string):
    """
    string (str or bytes) with each %XX replaced by its byte, as UTF-8 (RFC 3986 section 2.1).

    An incomplete escape stays as it is.  Raises InvalidRequest 400 for NUL and invalid UTF-8.
    """
    if isinstance(string, str):
        if "%" not in string:
            return string
        string = string.encode()
    parts = string.split(b"%")
    done = [parts.pop(0)]
    for part in parts:
        if len(part) < 2 or part[:2].strip(_HEX):
            done.append(b"%" + part)
        else:
            done.append(bytes([int(part[:2], 16)]) + part[2:])
    string = b"".join(done)
    if 0 in string:
        raise InvalidRequest("NUL")
    try:
        return _utf8(string)
    except ValueError:
        raise InvalidRequest("not UTF-8")


def _utf8(data):
    """data (bytes) as a str; ValueError if it is not UTF-8 (RFC 3629)."""
    string = str(data, "utf-8")
    if len(string) < len(data):  # MicroPython lets overlong and surrogate sequences pass
        for c in string:
            if 0xD800 <= ord(c) < 0xE000:
                raise ValueError
        if "".join([chr(ord(c)) for c in string]).encode() != data:
            raise ValueError
    return string


def inside(folder, path):
    """
    The name of the file that path (a decoded str from a request) means below folder.

    Raises InvalidRequest 404 for what could leave the folder or is hidden: "..", a backslash, NUL,
    an absolute path, a name with a leading dot.  For downloads and for uploads.
    """
    if "\\" in path or "\0" in path or path[:1] in ("/", ".") or "/." in path:
        raise InvalidRequest("no such file", 404)
    return folder.rstrip("/") + "/" + path if folder else path


def _demonstration():
    whole = b"GET / HTTP/1.1\r\nHost: esp32.local\r\n"
    for head in (
        b"GET / HTTP/1.1",
        b"GET /led?color=red&level=50%25&text=caf%C3%A9+noir&on HTTP/1.1",
        b"GET /my%20files/%2e%2e/notes.txt?x HTTP/1.0",
        b"GET http://esp32.local/absolute?form HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
        whole + b"ACCEPT: text/html\r\nAccept: text/plain\r\n\r\n",
        b"POST /form HTTP/1.1\r\nHost: esp32.local\r\nContent-Length: 11\r\nConnection: close\r\n\r\n",
        b"PUT /file HTTP/1.1\r\nHost: esp32.local\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"BREW /coffee HTTP/1.1",
        b"GET /two words HTTP/1.1",
        b"GET /caf%E9 HTTP/1.1",
        b"GET / HTTP/2.0",
        b"GET / HTTP/1.1\r\nAccept: */*\r\n\r\n",
        whole + b"Accept : */*\r\n\r\n",
        whole + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    ):
        print(head)
        try:
            request = HTTPRequest(head)
        except InvalidRequest as e:
            print("    refused with", e.status, e)
            continue
        for name in ("method", "url", "path", "query", "version", "parameters", "header"):
            print("    ." + name, repr(getattr(request, name)))
        if request.length or request.chunked:
            print("    a body follows:", "chunks" if request.chunked else request.length)


if __name__ == "__main__":
    _demonstration()
