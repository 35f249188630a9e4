# A folder of files, such as a board's web pages, with what saves a browser the next download.
#
#     app.route("GET", "/<path:file>")(StaticFiles("www"))
#
# GET /          sends www/index.html; GET /help redirects to /help/ if www/help is a folder
# www/app.js.gz  is sent for app.js, a third of the bytes, to clients that can unpack it
# ETag           names a state of the file; who has that state already is answered 304 (RFC 9110
#                section 13).  A board without a clock lives the same dates again after each start,
#                so a number drawn at start is part of it.
# Range          asks for a part, to resume a download or to seek: 206 or 416 (section 14)

import os

from url import inside

from . import HTTPResponse, InvalidRequest, sendfile

# One string, not a dict: that takes less memory.
_TYPES = """
html text/html
css text/css
js text/javascript
json application/json
svg image/svg+xml
png image/png
jpg image/jpeg
gif image/gif
webp image/webp
ico image/x-icon
woff2 font/woff2
txt text/plain; charset=utf-8
xml text/xml
csv text/csv; charset=utf-8
"""


def StaticFiles(folder, cache_control="no-cache", mimetypes=None):
    """
    A handler that serves the files of a folder; its route must call their path <path:file>.

    cache_control: "no-cache" lets clients keep a file if they ask each time whether it has changed
    mimetypes: dict of more media types, such as {"wasm": "application/wasm"}
    ValueError for "", "." and "/": a board keeps programs and passwords there.
    """
    if not folder.strip("./"):
        raise ValueError("folder")
    number = int.from_bytes(os.urandom(4), "big")

    def handler(reader, writer, request):
        field = request.header.get
        header = {"Cache-Control": cache_control, "Vary": "accept-encoding"}
        name = inside(folder, request.parameters["file"])
        if name[-1] == "/":
            name += "index.html"
        info = _stat(name)
        if info[0] & 0x4000:  # a folder; "./" since "//name" and "a:b" would be other servers
            url = request.url.split("?", 1)
            url[0] = "./" + url[0].split("/")[-1] + "/"
            header["Location"] = "?".join(url)
            return HTTPResponse(302, None, False, header).send(writer, "")
        kind = name.split(".")[-1].lower()
        found = _TYPES.split("\n" + kind + " ")[1:] or ["application/octet-stream"]
        mimetype = mimetypes and mimetypes.get(kind) or found[0].split("\n")[0]
        codings = field("accept-encoding", "").replace(" ", "")
        if "gzip" in codings and "gzip;q=0" not in codings:
            packed = _stat(name + ".gz")
            if packed[0]:
                info = packed
                name += ".gz"
                header["Content-Encoding"] = "gzip"
        if not info[0]:
            raise InvalidRequest("", 404)
        header["ETag"] = etag = '"%x-%x-%x"' % (number, info[8], info[6])
        known = field("if-none-match", "")
        if etag in known or known == "*":
            return HTTPResponse(304, None, False, header).send(writer)
        part = _part(request, etag, info[6], header)
        HTTPResponse(206 if part else 200, mimetype, False, header).send(writer)
        sendfile(writer, name, *part)

    return handler


def _stat(name):
    # Mode, size and time of a file as os.stat has them, zeros if there is none.
    try:
        return os.stat(name)
    except OSError:
        return (0,) * 10


def _part(request, etag, size, header):
    # The (start, length) that a Range field asks for, () for the whole file.
    field = request.header.get
    try:
        unit, first, last = field("range", "").replace("=", "-").split("-")
        start = max(int(first or size - int(last)), 0)
        stop = min(int(first and last or size - 1) + 1, size)
    except ValueError:
        return ()
    if unit != "bytes" or request.method != "GET" or field("if-range", etag) != etag:
        return ()
    if start >= stop:
        error = InvalidRequest("", 416)
        error.header = {"Content-Range": "bytes */%d" % size}
        raise error
    header["Content-Range"] = "bytes %d-%d/%d" % (start, stop - 1, size)
    return start, stop - start
