# Forms with files in them (RFC 7578), in constant memory: what a browser sends for
# <form method="post" enctype="multipart/form-data">.
#
#     --a-long-random-word\r\n                   announced in Content-Type: the boundary
#     Content-Disposition: form-data; name="where"\r\n
#     \r\n
#     kitchen                                    the value of the field
#     \r\n--a-long-random-word\r\n
#     Content-Disposition: form-data; name="file"; filename="plan.png"\r\n
#     Content-Type: image/png\r\n
#     \r\n
#     ...                                        the bytes of the file, of any length
#     \r\n--a-long-random-word--\r\n             the end
#
# No length is told: a part ends where the boundary stands on a line of its own.  It may come in
# two pieces, so what could be the beginning of one is held back until more has come.

import url
from url import HTTPRequest, InvalidRequest

BUFFER = 2048  # bytes


class Multipart:
    """The parts of a request's body, one after the other; InvalidRequest 415 for other bodies."""

    def __init__(self, reader, request):
        found = _parameters(request.header.get("content-type", ""))
        boundary = found.get("boundary", "").encode()
        if "multipart/form-data" not in found or not 0 < len(boundary) <= 70:
            raise InvalidRequest("multipart/form-data", 415)
        self._reader = reader
        self._data = b"\r\n"  # as if there were a line before the first boundary
        self._mark = b"\r\n--" + boundary
        self._part = None

    async def next(self):
        """
        The next part, None after the last.  What is unread of the part before is skipped.

        .name: str, .filename: str, None for a field without a file; .header: as a request's
        """
        while await self._take(BUFFER):
            pass
        start = len(self._mark)
        end = -1
        while end < 0:
            data = self._data
            if data[start : start + 2] == b"--":
                while await self._reader.read(BUFFER):
                    pass
                return None
            end = data.find(b"\r\n\r\n", start)
            if end < 0:
                if len(data) > url.MAX_HEAD:
                    raise InvalidRequest("long head", 431)
                await self._more()
        # The head of a part has the form of a request's, which knows how to check it.
        head = data[start : end + 4].lstrip(b" \t")  # blanks may stand after the boundary
        header = HTTPRequest(b"GET / HTTP/1.0" + head).header
        found = _parameters(header.get("content-disposition", ""))
        if "form-data" not in found or "name" not in found:
            raise InvalidRequest("bad part")
        self._data = data[end + 4 :]
        self._part = _Part(self, header, found["name"], found.get("filename") or None)
        return self._part

    async def _take(self, n):
        # Up to n bytes of this part, b"" at its end.
        data = self._data
        end = data.find(self._mark)
        while end < 0:
            end = len(data) - len(self._mark) + 1
            if end > 0:
                break
            await self._more()
            data = self._data
            end = data.find(self._mark)
        n = min(n, end)
        self._data = data[n:]
        return data[:n]

    async def _more(self):
        data = await self._reader.read(BUFFER)
        if not data:
            raise InvalidRequest("cut short")
        self._data += data


class _Part:
    body = 0  # its length is not known

    def __init__(self, form, header, name, filename):
        self.request = self  # receivefile looks for a .header, and at .body
        self._form = form
        self.header = header
        self.name = name
        self.filename = filename

    async def read(self, n=-1):
        """Up to n bytes, b"" at the end; all of it without n, or 413 over max_body."""
        form = self._form
        if n >= 0:
            return await form._take(n) if form._part is self else b""
        whole = bytearray()
        while True:
            data = await self.read(BUFFER)
            if not data:
                return bytes(whole)
            whole.extend(data)
            if len(whole) > form._reader.app.max_body:
                raise InvalidRequest("too large", 413)


def _parameters(value):
    """What a field such as 'form-data; name="a"; filename=b' says, a dict; names in lower case."""
    found = {}
    name = ""
    # Browsers write a quote in a name as %22 and nothing else so, others as \".
    quoted = False
    for piece in value.replace('\\"', "%22").split('"'):
        if quoted:
            found[name] = piece.replace("%22", '"')
        else:
            for word in piece.split(";"):
                name, *rest = word.strip().split("=", 1)
                name = name.lower()
                found[name] = rest[0] if rest else ""
        quoted = not quoted
    return found
