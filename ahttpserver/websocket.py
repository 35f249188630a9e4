# WebSocket: messages in both directions, for as long as both sides like (RFC 6455).
#
# It begins as a request, which asks for another protocol; from the answer on both send frames:
#
#     GET /chat HTTP/1.1                         HTTP/1.1 101 Switching Protocols
#     Upgrade: websocket                         Upgrade: websocket
#     Connection: Upgrade                        Connection: Upgrade
#     Sec-WebSocket-Version: 13                  Sec-WebSocket-Accept: (made from the key)
#     Sec-WebSocket-Key: (16 bytes)
#
#     1 byte     128: the message ends here; 0: goes on, 1: text, 2: bytes, 8: close, 9, 10: ping
#     1          128: masked, as all is that clients send; the length, or
#     2 or 8     behind 126 or 127 a longer one
#     4          the mask: what each byte is combined with, so that no proxy takes it for a request
#     ...        as many bytes
#
# Frames are taken from the connection's input only as a whole: a receive() that is cancelled
# loses nothing.  Who sends never waits for the socket, but tries again every 10 ms: a socket has
# one waiter, which may be in receive().

from binascii import b2a_base64
from hashlib import sha1

from url import InvalidRequest, _utf8

from .loop import ClientGone, sleep_ms
from .response import HTTPResponse
from .sse import take_place

try:
    from _thread import allocate_lock
except ImportError:  # a board without threads has nothing to lock
    from .broadcast import allocate_lock


async def WebSocket(reader, writer, origins=None):
    """
    Begin it, the first thing in a handler for GET; the object returned sends and receives.

    origins: pages of other sites that may connect too, ("https://example.com",); None: no others
    Raises InvalidRequest 403 or 426; with too many streams open answers 503 (ClientGone).
    """
    request = writer.request
    field = request.header.get
    key = field("sec-websocket-key", "")
    header = {"Upgrade": "websocket"}
    if (
        not _names("websocket", field("upgrade", ""))
        or not _names("upgrade", field("connection", ""))
        or request.version == "1.0"
        or field("sec-websocket-version") != "13"
        or key[22:] != "=="  # 16 bytes in base64
        or request.method != "GET"
        or request.length != 0
    ):
        error = InvalidRequest("", 426)
        error.header = header
        header["Connection"] = "Upgrade"
        header["sec-websocket-version"] = "13"
        raise error
    origin = field("origin")
    if origin and origin.split("//")[-1] != field("host") and origin not in (origins or ()):
        raise InvalidRequest("", 403)
    await take_place(writer)
    key = sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    # Some small clients look for these names in just these letters.
    header["Connection"] = "Upgrade"
    header["Sec-WebSocket-Accept"] = b2a_base64(key)[:-1]
    await HTTPResponse(101, None, True, header).send(writer)
    await writer.drain()
    return _WebSocket(writer)


def _names(token, field):
    # Whether a list in a field has this token.
    for name in field.lower().split(","):
        if name.strip() == token:
            return True


class _WebSocket:
    _op = 0  # of a message that has come in part
    _part = None  # that part
    _closed = False  # we have said so
    _lock = allocate_lock()  # one for all: nobody waits who has it

    def __init__(self, writer):
        self.writer = writer

    async def receive(self):
        """The next message, str or bytes; None at the end, whoever made it."""
        conn = self.writer
        try:
            while conn.stream:
                found = self._next()
                if not found:
                    # Only between frames the client may be silent for ever.
                    if not self._closed:
                        conn.left = conn.app.timeout if conn.input else None
                    while not conn.fill(2048):
                        await conn.wait()
                    await sleep_ms(0)  # who never has to wait must not stop everything else
                    continue
                op, data = found
                if op < 3:
                    return data
                if op == 8:
                    await self.close(data)
                    break
                await self.send(data, 10)
        except ClientGone:
            pass
        conn.stream = False

    def _next(self):
        # Take what has come whole: 1 or 2 and a message, 9 and a ping's payload, or 8 and the
        # code to close with, be it the client's own or what is wrong with its frames.
        conn = self.writer
        while True:
            frame = conn.input
            if len(frame) < 2:
                return None
            first = frame[0]
            op = first & 15
            size = frame[1] - 128
            start = 6  # of the payload
            if size > 125:
                start = 8 if size == 126 else 14
                size = int.from_bytes(frame[2 : start - 4], "big")
            # What may come within a message, and what between two.
            good = b"\x00\x80\x88\x89\x8a" if self._op else b"\x01\x02\x81\x82\x88\x89\x8a"
            if first not in good or size < 0 or op > 7 and start > 6:
                code = 1002
                break
            data = op < 8 and self._part or bytearray()
            end = start + size
            size += len(data)
            if size > conn.app.max_body:
                code = 1009
                break
            if len(frame) < end:
                return None
            mask = int.from_bytes(frame[start - 4 : start] * 32, "little")
            for i in range(start, end, 128):  # 128 bytes as one large number
                block = int.from_bytes(frame[i : i + 128], "little") ^ mask
                data += block.to_bytes(128, "little")
            data[size:] = b""
            frame = conn.input = frame[end:]
            if op < 8:
                self._op = op = op or self._op
                if first < 128:
                    self._part = data
                    continue
                self._op = 0
                self._part = None
            data = bytes(data)
            code = 1007  # for what is not UTF-8
            if op == 8:
                conn.body = 0  # nothing follows
                if _utf8(data[2:]) is not None:
                    code = int.from_bytes(data[:2], "big")
                    known = code in range(1000, 1004) or code in range(1007, 1015)
                    if data and not (known or 2999 < code < 5000):
                        code = 1002
                break
            if op == 1:
                data = _utf8(data)
                if data is None:
                    break
            if op < 10:
                return op, data
        return 8, code

    async def send(self, data, _op=2):
        """Send a message, str or bytes; ClientGone when the client has left."""
        conn = self.writer
        if isinstance(data, str):
            data = data.encode()
            _op = 1
        n = len(data)
        long = n > 65535
        frame = bytes([128 | _op, n if n < 126 else 126 + long])
        if n > 125:
            frame += n.to_bytes(8 if long else 2, "big")
        frame += data
        rest = b""
        left = conn.app.timeout
        while frame or rest:
            with self._lock:
                rest = conn.unsent  # of the frame before, by whomever
                if frame and not rest:
                    if self._closed:
                        if _op == 10:  # nobody asks for it any more
                            return
                        raise ClientGone
                    self._closed = _op == 8
                    rest = frame
                    frame = b""
                n = len(rest)
                rest = conn.unsent = conn.transmit(rest)
            left = left - 10 if len(rest) == n else conn.app.timeout
            if left < 0:
                conn.gone = True
            await sleep_ms(10 if rest else 0)  # 0: as in receive()

    def ping(self):
        """Find out about a client that has left without a word: every 15 s or so."""
        return self.send(b"", 9)

    async def close(self, code=1000):
        """Say that this is the end; receive() gives what still comes, then None."""
        if not self._closed:
            await self.send(code.to_bytes(2 if code else 0, "big"), 8)
            self.writer.left = self.writer.app.timeout  # the client is to answer
