# What the tests of event streams share: clients that read, that do not, and that leave.

import json
import socket
import struct
from contextlib import contextmanager

import httpx
from httpx_sse import connect_sse

HEAD = "GET {} HTTP/1.1\r\nHost: board\r\nAccept: text/event-stream\r\n{}\r\n"


@contextmanager
def events(server, target, timeout=10, **headers):
    """The events of a stream as httpx-sse understands them."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    with httpx.Client(timeout=timeout, headers=headers) as client:
        with connect_sse(client, "GET", f"http://{server.host}:{server.port}{target}") as source:
            yield source.iter_sse()


def open_stream(server, target, *fields, buffer=None, timeout=10):
    """A socket behind the head of a stream that was accepted; buffer: bytes it takes unread."""
    stream = socket.socket()
    try:
        if buffer:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        stream.settimeout(timeout)
        stream.connect((server.host, server.port))
        stream.sendall(HEAD.format(target, "".join(f + "\r\n" for f in fields)).encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = stream.recv(1)
            assert byte, f"refused: {head!r}"
            head += byte
        assert head.startswith(b"HTTP/1.1 200 OK\r\n"), head
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
