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
from time import ticks_diff, ticks_ms

from url import InvalidRequest, _utf8

from .response import HTTPResponse
from .sse import take_place
from .wire import ClientGone, sleep_ms

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
    if (
        "websocket" not in field("upgrade", "").lower()
        or "upgrade" not in field("connection", "").lower()
        or field("sec-websocket-version") != "13"
        or key[22:] != "=="  # 16 bytes in base64
        or request.method != "GET"
        or request.length != 0
    ):
        error = InvalidRequest("", 426)
        error.header = {"Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        raise error
    origin = field("origin")
    if origin and origin.split("//")[-1] != field("host") and origin not in (origins or ()):
        raise InvalidRequest("foreign origin", 403)
    await take_place(writer)
    key = sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    header = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": b2a_base64(key)[:-1],
    }
    await HTTPResponse(101, None, True, header).send(writer)
    await writer.drain()
    return _WebSocket(writer)


class _WebSocket:
    _op = 0  # of a message that has come in part
    _message = b""
    _data = None  # the payload of a frame that has begun to come
    _closed = False  # we have said so
    _lock = allocate_lock()  # one for all: nobody waits who has it

    def __init__(self, conn):
        self._conn = conn

    async def receive(self):
        """The next message, str or bytes; None at the end, whoever made it."""
        conn = self._conn
        try:
            try:
                while conn.stream:
                    data = await self._frame()
                    op = self._first & 15
                    if op == 9:
                        await self._send(138, data)
                    elif op == 8:
                        await self._end(data)
                        break
                    elif op < 8:
                        op = op or self._op
                        if self._op:
                            data = self._message + data
                        if self._first > 127:
                            self._op = 0
                            self._message = b""
                            return _text(data) if op == 1 else bytes(data)
                        self._op = op
                        self._message = data
            except InvalidRequest as e:
                await self.close(e.status)
        except ClientGone:
            pass
        conn.stream = False

    def send(self, data):
        """Send a message, str or bytes; ClientGone when the client has left."""
        text = isinstance(data, str)
        return self._send(130 - text, data.encode() if text else data)

    def ping(self):
        """Find out about a client that has left without a word: every 15 s or so."""
        return self._send(137, b"")

    async def close(self, code=1000):
        """Say that this is the end; receive() gives what still comes, then None."""
        if not self._closed:
            await self._send(136, code.to_bytes(2, "big"))
            self._conn.left = self._conn.app.timeout  # the client is to answer

    async def _end(self, data):
        # The client has said that this is the end, or has answered to that.
        code = int.from_bytes(data[:2], "big") if data else 1000
        if not (999 < code < 1004 or 1006 < code < 1015 or 2999 < code < 5000):
            raise InvalidRequest("", 1002)
        _text(data[2:])
        self._conn.body = 0  # nothing follows
        await self._send(136, data[:2])

    async def _frame(self):
        # The payload of a frame; its first byte is in ._first.
        conn = self._conn
        if self._data is None:
            head = await self._take(2)
            first = head[0]
            op = first & 15
            size = head[1] & 127
            if (
                first & 112
                or op & 7 > 2
                or head[1] < 128
                or (first < 128 or size > 125 if op > 7 else (not op) == (not self._op))
            ):
                raise InvalidRequest("", 1002)
            n = 6 if size < 126 else 8 if size == 126 else 14
            head = await self._take(n)
            if n > 6:
                size = int.from_bytes(head[2 : n - 4], "big")
            if op < 8 and len(self._message) + size > conn.app.max_body:
                raise InvalidRequest("", 1009)
            conn.input = head[n:]
            self._first = first
            self._mask = int.from_bytes(head[n - 4 : n] * 32, "little")
            self._data = bytearray(size)
            self._n = 0
        data = self._data
        size = len(data)
        while self._n < size:
            piece = (await self._take(1))[: size - self._n]
            conn.input = conn.input[len(piece) :]
            data[self._n : self._n + len(piece)] = piece
            self._n += len(piece)
        self._data = None
        for i in range(0, size, 128):  # 128 bytes as one large number
            block = int.from_bytes(data[i : i + 128], "little") ^ self._mask
            data[i : i + 128] = block.to_bytes(128, "little")[: size - i]
        return data

    async def _take(self, n):
        # The input, once it has n bytes.  Only between frames the client may be silent for ever.
        conn = self._conn
        conn.left = conn.app.timeout if conn.input or self._data or self._closed else None
        while len(conn.input) < n:
            while not conn.fill(2048):
                await conn.wait()
            await sleep_ms(0)  # who never has to wait must not stop everything else
        return conn.input

    async def _send(self, first, data):
        # Sends a frame, as soon as all of the one before has left.
        conn = self._conn
        n = len(data)
        frame = bytes([first, n if n < 126 else 126 if n < 65536 else 127])
        if n > 125:
            frame += n.to_bytes(2 if n < 65536 else 8, "big")
        frame += data
        n = since = 0
        while True:
            with self._lock:
                rest = conn.unsent
                if rest:
                    rest = conn.unsent = conn.send(rest)
                if frame and not rest:
                    if self._closed:
                        raise ClientGone
                    self._closed = first == 136
                    rest = conn.unsent = conn.send(frame)
                    frame = None
            if not rest:
                break
            if len(rest) != n:
                n = len(rest)
                since = ticks_ms()
            elif ticks_diff(ticks_ms(), since) > conn.app.timeout:
                conn.gone = True
                raise ClientGone
            await sleep_ms(10)
        await sleep_ms(0)  # as in _take()


def _text(data):
    """data as a str."""
    data = _utf8(bytes(data))
    if data is None:
        raise InvalidRequest("", 1007)
    return data
