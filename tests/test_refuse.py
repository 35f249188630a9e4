# app.on_refuse: the application decides what the server's own errors look like, and cannot break
# them.

import json
import time

import pytest

from eventstreams import open_stream
from harness import parse_one

TEXT = "text/plain; charset=utf-8"


@pytest.fixture
def server(start, tmp_path):
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "ten.txt").write_text("0123456789")
    return start("refuse_app")


def mode(server, word):
    """Chooses what the function does, and forgets its calls."""
    assert server.get("/mode/" + word.replace(" ", "%20")).body == b"set"


def calls(server):
    """(path or None, status, text, names of the fields) of each call."""
    return json.loads(server.get("/calls").body)


def send(server, data, method="GET"):
    return parse_one(server.exchange(data), method)


def head(line, *fields):
    return "\r\n".join((line, "Host: board", *fields)).encode() + b"\r\n\r\n"


# What is refused: the request, its status, the path that the function sees, fields of the answer.
REFUSED = {
    "no request": (b"BAD\r\n\r\n", 400, None, {}),
    "no host": (b"GET /good HTTP/1.1\r\n\r\n", 400, None, {}),
    "nothing there": (head("GET /nowhere HTTP/1.1"), 404, "/nowhere", {}),
    "method": (head("PUT /good HTTP/1.1"), 405, "/good", {"Allow": "GET, HEAD, OPTIONS"}),
    "large body": (head("POST /read HTTP/1.1", "Content-Length: 99999"), 413, "/read", {}),
    "long line": (head("GET /" + "x" * 3000 + " HTTP/1.1"), 414, None, {}),
    "large head": (head("GET / HTTP/1.1", "X: " + "y" * 5000), 431, None, {}),
    "many fields": (head("GET / HTTP/1.1", *["X: y"] * 70), 431, None, {}),
    "expectation": (
        head("POST /read HTTP/1.1", "Content-Length: 1", "Expect: tea") + b"x", 417, None, {},
    ),
    "failure": (head("GET /boom HTTP/1.1"), 500, "/boom", {}),
    "unknown method": (head("BREW /good HTTP/1.1"), 501, None, {}),
    "version": (head("GET /good HTTP/2.0"), 505, None, {}),
    "the handler": (head("GET /refuse HTTP/1.1"), 409, "/refuse", {"X-Handler": "yes"}),
    "password": (
        head("GET /locked HTTP/1.1"), 401, "/locked",
        {"WWW-Authenticate": 'Basic realm="board", charset="UTF-8"'},
    ),
    "range": (
        head("GET /www/ten.txt HTTP/1.1", "Range: bytes=20-"), 416, "/www/ten.txt",
        {"Content-Range": "bytes */10"},
    ),
    "file": (head("GET /www/none.txt HTTP/1.1"), 404, "/www/none.txt", {}),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_body_of_the_application(server, what):
    data, status, path, fields = REFUSED[what]
    if what == "failure":
        server.expect_traceback("ZeroDivisionError")
    mode(server, "json")
    response = send(server, data)
    assert response.status == status
    assert response.header("Content-Type") == "application/json"
    assert response.header("Connection") == "close"
    answer = json.loads(response.body)
    assert answer["error"] == status and set(answer) == {"error", "é"}
    for name, value in fields.items():
        assert response.header(name) == value
    [[seen_path, seen_status, text, names]] = calls(server)
    assert (seen_path, seen_status, text) == (path, status, answer["é"])
    assert set(names) >= set(fields)


@pytest.mark.parametrize("what", REFUSED)
def test_none_is_the_default(server, what):
    data, status, path, fields = REFUSED[what]
    if what == "failure":
        server.expect_traceback("ZeroDivisionError")
    response = send(server, data)
    assert response.status == status and response.header("Content-Type") == TEXT
    assert response.body and response.body.count(b"\n") == 1
    for name, value in fields.items():
        assert response.header(name) == value
    assert [call[:2] for call in calls(server)] == [[path, status]]


def test_time_out(server):
    mode(server, "json")
    response = send(server, b"GET /good HTTP/1.1\r\nHost:")
    assert response.status == 408 and json.loads(response.body)["error"] == 408
    assert [call[:2] for call in calls(server)] == [[None, 408]]


def test_stream_too_many(server):
    mode(server, "json")
    with open_stream(server, "/stream"), open_stream(server, "/stream"):
        response = server.get("/stream")
        assert response.status == 503 and json.loads(response.body)["error"] == 503
        assert [call[:2] for call in calls(server)] == [["/stream", 503]]


def test_own_errors_are_left_alone(server):
    mode(server, "json")
    response = server.get("/own")
    assert (response.status, response.body) == (404, b"own")
    options = server.request("OPTIONS", "/good")
    assert options.status in (200, 204) and options.header("Allow") == "GET, HEAD, OPTIONS"
    assert server.get("/good").body == b"good"
    assert calls(server) == []


def test_behind_the_head_nothing_is_asked(server):
    server.expect_traceback("ZeroDivisionError")
    mode(server, "json")
    with server.connect() as connection:
        connection.sendall(head("GET /late HTTP/1.1"))
        time.sleep(0.05)
    assert calls(server) == []


def test_body_of_bytes(server):
    mode(server, "page")
    response = server.get("/nowhere")
    assert (response.status, response.body.decode()) == (404, "<h1>é</h1>")
    assert response.header("Content-Type") == "text/html; charset=utf-8"
    assert response.header("Content-Length") == "11"


@pytest.mark.parametrize("word, size", [("empty", 0), ("large", 5000)])
def test_bodies_of_any_size(server, word, size):
    mode(server, word)
    response = server.get("/nowhere")
    assert (response.status, response.body) == (404, b"x" * size)
    assert response.header("Content-Length") == str(size)


def test_head_request(server):
    mode(server, "page")
    response = send(server, head("HEAD /nowhere HTTP/1.1"), "HEAD")
    assert response.status == 404 and response.header("Content-Length") == "11"


def test_another_status(server):
    mode(server, "status")
    response = server.get("/nowhere")
    assert (response.status, response.reason) == (410, "Gone")
    assert response.header("Content-Type") == TEXT and response.body
    mode(server, "moved")
    response = server.get("/nowhere")
    assert (response.status, response.reason) == (302, "Found")
    assert (response.header("Location"), response.body) == ("/good", b"moved")


def test_more_fields(server):
    """They are those of one answer: the next one does not inherit them."""
    mode(server, "field")
    for number, target in enumerate(("/nowhere", "/locked", "/locked", "/refuse"), 1):
        response = server.get(target)
        assert response.header("X-Own") == str(number)
    names = [call[3] for call in calls(server)]
    assert names == [[], ["WWW-Authenticate"], ["WWW-Authenticate"], ["X-Handler"]]
    response = server.request("PUT", "/good")
    assert response.header("X-Own") == "5" and response.header("Allow") == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize(
    "word", ["raise", "wrong status", "wrong field", *(f"value{number}" for number in range(9))]
)
def test_what_it_does_wrong_is_reported_and_the_default_leaves(server, word):
    mode(server, word)
    server.expect_traceback("KeyError: hook" if word == "raise" else "", times=3)
    for target, status in (("/nowhere", 404), ("/locked", 401)):
        response = server.get(target)
        assert response.status in ((status, 500) if word == "wrong status" else (status,))
        assert response.header("Content-Type") == TEXT and b"\n" in response.body
        assert response.header("X-Evil") is None and response.header("X-Own") is None
        assert status != 401 or response.header("WWW-Authenticate")
    assert send(server, b"BAD\r\n\r\n").status in (400, 500)
    assert len(calls(server)) == 3
    assert server.get("/good").body == b"good"


def test_failure_and_failing_function(server):
    """Both are reported."""
    mode(server, "raise")
    server.expect_traceback("ZeroDivisionError")
    server.expect_traceback("KeyError: hook")
    response = server.get("/boom")
    assert (response.status, response.header("Content-Type")) == (500, TEXT)


@pytest.mark.parametrize("word", ["none", "json"])
@pytest.mark.parametrize("what", ["status", "field"])
def test_an_error_that_cannot_be_answered(server, word, what):
    """It is a mistake of the handler, as any other exception."""
    mode(server, word)
    server.expect_traceback("ValueError", times=2)
    for _ in range(2):
        response = server.get("/cannot/" + what)
        assert response.status == 500 and response.header("X-Evil") is None
    assert [call[1:3] for call in calls(server)] == [[500, ""]] * 2
    assert server.get("/good").body == b"good"


def test_without_a_function(start):
    server = start("hello")
    response = server.get("/nowhere")
    assert (response.status, response.header("Content-Type")) == (404, TEXT)
