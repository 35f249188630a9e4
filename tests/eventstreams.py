# What the tests of event streams share: clients that read, that do not, and that leave.

import json
import socket
import struct
from contextlib import contextmanager

import httpx
from httpx_sse import connect_sse

from harness import Chunks

HEAD = "GET {} HTTP/{}\r\nHost: board\r\nAccept: text/event-stream\r\n{}\r\n"


@contextmanager
def events(server, target, timeout=10, **headers):
    """The events of a stream as httpx-sse understands them."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    with httpx.Client(timeout=timeout, headers=headers) as client:
        with connect_sse(client, "GET", f"http://{server.host}:{server.port}{target}") as source:
            yield source.iter_sse()


class Stream(socket.socket):
    """The socket of a stream whose head was read; recv() gives what is in its chunks."""

    chunks = None  # of an HTTP/1.1 stream

    def recv(self, size):
        """Some of the body, b"" at its end: .finished tells whether that was a good end."""
        if self.chunks is None:
            return super().recv(size)
        while not self.chunks.finished:
            data = super().recv(size)
            body = self.chunks.feed(data)
            if body or not data:
                return body
        assert not self.chunks.rest + super().recv(size), "more behind the last chunk"
        return b""

    @property
    def finished(self):
        """Whether the last chunk has come."""
        return self.chunks is not None and self.chunks.finished

    def rest(self):
        """All that still comes; a reset is an end, too."""
        data = b""
        try:
            while piece := self.recv(65536):
                data += piece
        except ConnectionResetError:
            pass
        return data


def open_stream(server, target, *fields, buffer=None, timeout=10, version="1.1"):
    """A socket behind the head of a stream that was accepted; buffer: bytes it takes unread."""
    stream = Stream(fileno=server.socket().detach())
    try:
        if buffer:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        stream.settimeout(timeout)
        stream.connect((server.host, server.port))
        fields = "".join(f + "\r\n" for f in fields)
        stream.sendall(HEAD.format(target, version, fields).encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = stream.recv(1)
            assert byte, f"refused: {head!r}"
            head += byte
        assert head.startswith(b"HTTP/1.1 200 OK\r\n"), head
        if b"\r\nTransfer-Encoding: chunked\r\n" in head:
            assert version == "1.1", "HTTP/1.0 knows no chunks"
            stream.chunks = Chunks()
    except BaseException:
        stream.close()
        raise
    return stream


def reset(stream):
    """Closes a connection so that the other side gets a reset."""
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.close()


def get_json(server, target):
    response = server.get(target)
    assert response.status == 200, response
    return json.loads(response.body)


def state(server):
    """What the application says of itself; the heap is that after a collection."""
    return get_json(server, "/state")
