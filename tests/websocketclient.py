# The client's side of a WebSocket, frame by frame: also such frames as no good client sends.

import base64
import os
import struct

from harness import parse

KEY = base64.b64encode(b"sixteen bytes ok").decode()
TEXT, BYTES, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def handshake(path="/echo", *fields, leave_out=""):
    """A request for a WebSocket; with further fields, and without one."""
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: board",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {KEY}",
    ]
    lines = [line for line in lines if not leave_out or not line.startswith(leave_out + ":")]
    return "\r\n".join([*lines, *fields]).encode() + b"\r\n\r\n"


def frame(op, data=b"", fin=True, mask=True, rsv=0, length=None):
    """A frame; length: what it says of its length, if that is not so."""
    data = data.encode() if isinstance(data, str) else data
    size = len(data) if length is None else length
    head = bytes([fin << 7 | rsv << 4 | op])
    if size < 126:
        head += bytes([mask << 7 | size])
    elif size < 65536:
        head += struct.pack(">BH", mask << 7 | 126, size)
    else:
        head += struct.pack(">BQ", mask << 7 | 127, size)
    if not mask:
        return head + data
    key = os.urandom(4)
    repeated = key * (len(data) // 4 + 1)
    return head + key + bytes(a ^ b for a, b in zip(data, repeated, strict=False))


def closing(code, reason=b""):
    return frame(CLOSE, struct.pack(">H", code) + reason)


class Socket:
    """A WebSocket on a connected socket; strict about what the server sends."""

    def __init__(self, connection, path="/echo", early=b"", timeout=10):
        self.connection = connection
        connection.settimeout(timeout)
        connection.sendall(handshake(path) + early)
        self.data = b""
        while b"\r\n\r\n" not in self.data:
            piece = connection.recv(65536)
            assert piece, self.data
            self.data += piece
        self.response, self.data = parse(self.data)
        assert self.response.status == 101, self.response

    def send(self, *frames):
        self.connection.sendall(b"".join(frames))

    def take(self, n):
        while len(self.data) < n:
            piece = self.connection.recv(65536)
            if not piece:
                raise EOFError(self.data)
            self.data += piece
        data, self.data = self.data[:n], self.data[n:]
        return data

    def frame(self):
        """The next frame, (op, payload); EOFError at the end."""
        first, size = self.take(2)
        op = first & 15
        assert first & 0xF0 == 0x80, "the server sends whole messages"
        assert size < 128, "the server masks nothing"
        if size == 126:
            [size] = struct.unpack(">H", self.take(2))
            assert size >= 126
        elif size == 127:
            [size] = struct.unpack(">Q", self.take(8))
            assert size >= 65536
        assert op in (TEXT, BYTES, CLOSE, PING, PONG) and (op < 8 or size < 126)
        data = self.take(size)
        if op == TEXT:
            data = data.decode()
        return op, data

    def frames(self):
        """All frames up to a Close, which is given as (8, code), or up to the end."""
        found = []
        while True:
            try:
                op, data = self.frame()
            except (EOFError, ConnectionResetError):
                return found
            if op == CLOSE:
                assert len(data) != 1
                data = struct.unpack(">H", data[:2])[0] if data else None
            found.append((op, data))
            if op == CLOSE:
                return found
