# What hardly anybody does, and calls that hardly ever fail.

import contextlib
import re
import time

import pytest

from client import Client
from harness import Unfinished, receive_all, wait_until

HELLO = b"GET /hello HTTP/1.1\r\nHost: board\r\n\r\n"


@pytest.fixture
def server(start):
    return start("corners_app")


def get(connection, target):
    connection.sendall(b"GET %s HTTP/1.1\r\nHost: board\r\n\r\n" % target)


def test_close_after_the_head_has_left(server):
    """Whatever the head said, it is closed, after the last chunk."""
    with server.connect() as connection:
        get(connection, b"/closed")
        client = Client(connection)
        assert client.answer().body == b"hello"
        assert client.rest(0.8) == b""


def test_what_happens_before_the_first_request_is_forgotten(server):
    """And loaded again for a route that is added later."""
    assert server.get("/late").body == b"forgotten"
    assert server.get("/new").status == 404
    server.get("/late?new")
    assert server.get("/new").body == b"hello"
    assert server.get("/twice").body == b"is running"
    assert server.get("/hello").body == b"hello"


@pytest.mark.parametrize("by", ["send", "write"])
@pytest.mark.parametrize("type", ["str", "bytes"])
def test_a_large_answer_is_not_copied(server, type, by):
    """A board has no room for it twice."""
    server.get("/hello")
    assert server.get(f"/large?type={type}&by={by}").body == b"x" * 20000
    (took,) = re.findall(r"^took (-?\d+)$", server.output, re.M)
    assert int(took) < 2000


def test_each_answer_begins_as_it_was_told_to(server):
    """The first lines are kept for the next answer: not for one of another kind."""
    kinds = [
        (200, "text/css", "text/css; charset=utf-8"),
        (200, "image/png", "image/png"),
        (404, "image/png", "image/png"),
        (404, None, None),
        (200, None, None),
        (200, "image/png", "image/png"),
        (99, "image/png", ValueError),
        (200, "image/png%0d%0aX:", ValueError),
    ]
    server.expect_traceback("ValueError", times=2 * 2 * 2)
    for status, mimetype, sent in [kind for kind in kinds for _ in range(2)] + kinds[::-1] * 2:
        target = f"/begin?status={status}" + (f"&type={mimetype}" if mimetype else "")
        answer = server.get(target)
        if sent is ValueError:
            assert (answer.status, answer.body) == (500, b"500 Internal Server Error\n")
        else:
            assert (answer.status, answer.header("Content-Type")) == (status, sent)
            assert answer.header("X-Bytes") == "caf\xe9"


def test_an_answer_without_a_status(server):
    server.expect_traceback("TypeError")
    assert server.get("/begin").status == 500


@pytest.mark.parametrize("type", ["list", "dict", "int"])
def test_a_body_of_a_wrong_type(server, type):
    server.expect_traceback("TypeError")
    assert server.get("/wrong-body?" + type).status == 500


def test_settings_that_cannot_be(server):
    assert server.get("/settings").body.decode().split("\n") == [
        "TypeError: ssl has the wrong type",
        "TypeError: host has the wrong type",
        "TypeError: log has the wrong type",
        "TypeError: port has the wrong type",
        "ValueError: port must be 0...65535",
        "ValueError: timeout must be 0.01...86400",
        "ValueError: max_connections must be 1...9999",
    ]


def test_after_another_protocol_no_request_follows(server):
    with server.connect() as connection:
        get(connection, b"/switch")
        data = connection.recv(1000)
        assert data.startswith(b"HTTP/1.1 101 ") and data.endswith(b"\r\n\r\nwelcome ")
        connection.sendall(b"hello")
        time.sleep(0.1)
        connection.sendall(HELLO)
        assert receive_all(connection) == b"echo hello"


def test_a_long_head_for_a_socket_that_is_full(server):
    """It leaves much unsent, as a handler does that never awaits, and is not taken for one."""
    for _ in range(3):
        assert server.get("/long-head").body == b"x" * 4000


def test_a_file_for_a_client_that_takes_no_more(server, tmp_path):
    """sendfile() must not return as if all had been sent."""
    with open(tmp_path / "large.bin", "wb") as file:
        file.truncate(20 << 20)
    with server.connect() as connection:
        get(connection, b"/file")
        wait_until(lambda: "sendfile:" in server.output, 20)
    assert "sendfile: ClientGone" in server.output


@pytest.mark.parametrize("chunked", [True, False])
def test_a_refused_upload_whose_body_comes_late(server, chunked):
    """It waited to be told to, and then did not: closing at once would destroy the answer."""
    head = b"PUT /refuses HTTP/1.1\r\nHost: board\r\nExpect: 100-continue\r\n"
    body = b"x" * 20000
    if chunked:
        head += b"Transfer-Encoding: chunked\r\n"
        body = b"4e20\r\n" + body + b"\r\n0\r\n\r\n"
    else:
        head += b"Content-Length: 20000\r\n"
    with server.connect() as connection:
        connection.sendall(head + b"\r\n")
        time.sleep(0.3)
        connection.sendall(body)
        client = Client(connection)
        assert client.answer().status == 403
        assert client.rest() == b"" and not client.reset


def test_broken_off(server):
    """A handler that says so leaves an answer without its end, even a short one."""
    with pytest.raises(Unfinished):
        server.get("/broken-off")


def test_the_connection_is_the_servers(server):
    server.expect_traceback("ValueError: bad Connection")
    assert server.get("/connection").status == 500


def test_a_long_head_that_came_while_a_handler_blocked(server):
    """It is longer than what is read at once, and the time of its connection is nearly up."""
    with server.connect() as late, server.connect() as blocking:
        time.sleep(0.8)
        get(blocking, b"/block")
        time.sleep(0.1)
        late.sendall(HELLO[:-2] + b"Cookie: " + b"x" * 3500 + b"\r\n\r\n")
        assert Client(late).answer().status == 200


def test_accept_fails_when_all_are_being_served(server):
    """So that those at the door cannot even be told."""
    with server.connect() as first, server.connect() as second, server.connect():
        get(first, b"/hold")
        get(second, b"/hold?accept=fails")
        assert Client(first).answer(timeout=9).body == b"held"
        assert Client(second).answer(timeout=9).body == b"held"
    assert server.get("/hello").body == b"hello"


@pytest.mark.parametrize("package", ["ahttpserver"])  # the other asks for its own turn first
def test_no_memory_for_a_newcomer(server):
    """It costs that one its connection, and neither the server nor a place."""
    before = server.descriptors()
    for _ in range(3):
        with server.connect() as first, server.connect() as connection:
            wait_until(lambda: server.descriptors() >= before + 2, 3)  # both have been let in
            first.sendall(HELLO.replace(b"/hello", b"/no-memory"))
            time.sleep(0.1)
            with server.connect() as newcomer:  # while the handler blocks the server
                newcomer.sendall(HELLO)
                with contextlib.suppress(ConnectionError):
                    assert not newcomer.recv(1)
            connection.sendall(HELLO)
            assert b"200 OK" in first.recv(1000) and b"200 OK" in connection.recv(1000)
    wait_until(lambda: server.descriptors() <= before, 3)
    assert server.get("/hello").body == b"hello"


def test_samples(server):
    """What is written counts in bytes, also if it is an array of larger items."""
    response = server.get("/samples")
    assert response.header("Content-Length") == "200"
    assert response.body == b"".join(number.to_bytes(2, "little") for number in range(100))


def test_exact_before_pattern(server):
    """Also where the exact route is for GET, and the pattern for HEAD."""
    assert server.request("HEAD", "/both/exact").header("X-Route") == "exact route"
    assert server.request("HEAD", "/both/other").header("X-Route") == "pattern"
    assert server.get("/both/exact").header("X-Route") == "exact route"
    assert server.get("/both/other").status == 405
