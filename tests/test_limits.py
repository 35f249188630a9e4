# The limits of url.py are looked up when they are used: a program that needs more, or less, sets
# them before it starts (url.MAX_HEAD = 16384).

import json

import pytest

from harness import parse_one


def head(*fields, target="/", method="GET"):
    return "\r\n".join((f"{method} {target} HTTP/1.1", "Host: board", *fields, "\r\n")).encode()


def line(size):
    """A request whose line has so many bytes."""
    return head(target="/" + "x" * (size - len("GET / HTTP/1.1")))


def large(size):
    """A request whose head has so many bytes."""
    return head("Connection: close", "X: " + "y" * (size - len(head("Connection: close", "X: "))))


def fields(number):
    return head(*["X: y"] * (number - 1))


def chunk_line(size):
    body = b"5;%s\r\nhello\r\n0\r\n\r\n" % (b"x" * (size - 2))
    return head("Transfer-Encoding: chunked", method="POST") + body


def trailers(size):
    """The limit counts a trailer without its CR LF."""
    body = b"5\r\nhello\r\n0\r\nX: %s\r\n\r\n" % (b"y" * (size - 3))
    return head("Transfer-Encoding: chunked", method="POST") + body


LIMITS = [
    ("MAX_LINE", line, 2048, 414),
    ("MAX_HEAD", large, 4096, 431),
    ("MAX_FIELDS", fields, 64, 431),
    ("MAX_CHUNK_LINE", chunk_line, 64, 400),
    ("MAX_TRAILERS", trailers, 1024, 400),
]


def ask(server, data):
    return parse_one(server.exchange(data, half_close=True))


@pytest.mark.parametrize("name, request_of, size, status", LIMITS)
def test_default(start, name, request_of, size, status):
    server = start("limits_app")
    assert ask(server, request_of(size)).status == 200
    assert ask(server, request_of(size + 1)).status == status


@pytest.mark.parametrize("name, request_of, size, status", LIMITS)
def test_more(start, name, request_of, size, status):
    """Four times the default; a line may only be long in a head that may be large."""
    larger = size * 4
    settings = [f"{name}={larger}"]
    if name in ("MAX_LINE", "MAX_FIELDS", "MAX_CHUNK_LINE"):
        settings.append("MAX_HEAD=20000")
    server = start("limits_app", *settings)
    for length in (size + 1, larger - 1, larger):
        response = ask(server, request_of(length))
        assert response.status == 200, length
        assert json.loads(response.body)["header"]["host"] == "board"
    assert ask(server, request_of(larger + 1)).status == status


@pytest.mark.parametrize("name, request_of, size, status", LIMITS)
def test_less(start, name, request_of, size, status):
    smaller = {"MAX_HEAD": 3000, "MAX_FIELDS": 8, "MAX_CHUNK_LINE": 16}.get(name, 500)
    server = start("limits_app", f"{name}={smaller}")
    assert ask(server, request_of(smaller)).status == 200
    assert ask(server, request_of(smaller + 1)).status == status


def test_many_cookies(start):
    """What 431 is mostly for, and its way out."""
    cookie = "Cookie: " + "; ".join(f"name{i}=" + "v" * 200 for i in range(40))
    response = ask(start("limits_app"), head(cookie))
    assert response.status == 431 and b"cookies too large?" in response.body
    response = ask(start("limits_app", "MAX_HEAD=16384"), head(cookie))
    assert response.status == 200
    assert json.loads(response.body)["header"]["cookie"] == cookie.removeprefix("Cookie: ")
