# A folder of files, such as a board's web pages, with what saves a browser the next download.
#
#     app.route("GET", "/<path:file>")(StaticFiles("www"))
#
# GET /          sends www/index.html; GET /help redirects to /help/ if www/help is a folder
# ETag           names a file's content; a client that still has it is told so by a 304 (RFC 9110
#                section 13).  Boards without a clock live through the same dates again and again,
#                so a number drawn at start is part of it.
# Range          asks for a part, to resume a download or to seek: 206 or 416 (RFC 9110 section 14)
# www/app.js.gz  is sent for app.js, with a third of the bytes, to clients that unpack it

from os import stat, urandom

from url import InvalidRequest, inside

from .response import HTTPResponse
from .sendfile import sendfile

# One string, not a dict: that takes less memory.
_TYPES = """
html text/html
htm text/html
css text/css
js text/javascript
json application/json
svg image/svg+xml
png image/png
jpg image/jpeg
jpeg image/jpeg
gif image/gif
webp image/webp
ico image/x-icon
woff2 font/woff2
txt text/plain
xml text/xml
csv text/csv
"""
_FOLDER = 0x4000
_FILE = 0x8000


class StaticFiles:
    """
    A handler that serves the files of a folder.  Its route must call their path <path:file>.

    cache_control: "no-cache" has browsers keep a file, but ask each time whether it has changed
    mimetypes: dict of more media types, such as {"wasm": "application/wasm"}
    ValueError for "", "." and "/": programs and passwords are in there.
    """

    def __init__(self, folder, cache_control="no-cache", mimetypes=None):
        if not folder.strip("./"):
            raise ValueError("the files need a folder of their own")
        self.folder = folder
        self.cache_control = cache_control
        self.mimetypes = mimetypes or {}
        self.number = int.from_bytes(urandom(4), "big")

    def __call__(self, reader, writer, request):
        name = inside(self.folder, request.parameters["file"])
        if name[-1] == "/":
            name += "index.html"
        elif _stat(name)[0] & _FOLDER:
            # Relative, and with "./" because "//a" and "a:b" would lead elsewhere.
            last = request.url.split("?", 1)[0].rsplit("/", 1)[-1]
            header = {"Location": "./%s/%s" % (last, request.query and "?" + request.query)}
            return HTTPResponse(302, None, False, header).send(writer, "")
        self._answer(writer, request, name)

    def _answer(self, writer, request, name):
        mimetype = self._mimetype(name)
        header = {"Cache-Control": self.cache_control}
        info = _stat(name)
        packed = _stat(name + ".gz")
        if packed[0] & _FILE:
            header["Vary"] = "Accept-Encoding"
            if _unpacks(request.header.get("accept-encoding", "")):
                header["Content-Encoding"] = "gzip"
                name += ".gz"
                info = packed
        if not info[0] & _FILE:
            raise InvalidRequest("no such file", 404)
        size = info[6]
        header["ETag"] = etag = '"%x-%x-%x"' % (self.number, info[8], size)
        known = request.header.get("if-none-match", "")
        if etag in known or known == "*":
            return HTTPResponse(304, None, False, header).send(writer)
        status = 200
        start, stop = 0, size
        if request.method == "GET" and request.header.get("if-range", etag) == etag:
            part = _part(request.header.get("range", ""), size)
            if part:
                start, stop = part
                status = 206
                header["Content-Range"] = "bytes %d-%d/%d" % (start, stop - 1, size)
        HTTPResponse(status, mimetype, False, header).send(writer)
        sendfile(writer, name, start, stop - start)

    def _mimetype(self, name):
        kind = name.rsplit(".", 1)[-1]
        if kind in self.mimetypes:
            return self.mimetypes[kind]
        start = _TYPES.find("\n" + kind.lower() + " ") + len(kind) + 2
        if start == len(kind) + 1:
            return "application/octet-stream"
        mimetype = _TYPES[start : _TYPES.find("\n", start)]
        return mimetype + "; charset=utf-8" if mimetype[0] == "t" else mimetype


def _stat(name):
    # What is known about a file; zeros if there is none.
    try:
        return stat(name)
    except OSError:
        return (0,) * 10


def _unpacks(accepted):
    # Whether a client that accepts these codings wants gzip (RFC 9110 section 12.5.3).
    for coding in accepted.replace(" ", "").split(","):
        coding = coding.split(";q=")
        if coding[0] == "gzip" and coding[-1].strip("0."):
            return True


def _part(wanted, size):
    # The (start, stop) that a Range field means, None for the whole file.
    ends = wanted[6:].split("-")
    if wanted[:6] == "bytes=" and len(ends) == 2 and "".join(ends).isdigit():
        first, last = ends
        start = int(first) if first else max(size - int(last), 0)
        stop = min(int(last) + 1, size) if first and last else size
        if start >= stop:
            error = InvalidRequest("", 416)
            error.header = {"Content-Range": "bytes */%d" % size}
            raise error
        return start, stop
