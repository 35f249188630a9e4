# A response whose length is not known when its head leaves: in chunks (RFC 9112 section 7.1), or
# for HTTP/1.0 up to the close.  A good end has a last chunk.  What broke off has none, so that
# nobody takes it for whole.

import json
import os
import re
import time
from contextlib import ExitStack, suppress

import pytest

from client import Client
from eventstreams import open_stream
from harness import (
    Unfinished,
    parse,
    parse_all,
    parse_broken,
    parse_one,
    receive_all,
    wait_until,
)
from test_profiles import Board

LARGE = b"".join(b"%9d\n" % i for i in range(0, 100000, 10))
SMALL = LARGE[:700]
PART = LARGE[50:5050]


@pytest.fixture
def server(start):
    return start("chunks_app")


def request(target, version="1.1", *fields, method="GET"):
    lines = (f"{method} {target} HTTP/{version}", "Host: board", *fields)
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def until_end(server, data):
    """All that comes for the data; a reset is an end, too."""
    received = bytearray()
    with server.connect() as connection, suppress(ConnectionResetError):
        connection.sendall(data)
        while piece := connection.recv(65536):
            received += piece
    return bytes(received)


def one(server, target, version="1.1"):
    """The one answer; with HTTP/1.0 it ends by the close, and has no chunks."""
    response = parse_one(server.exchange(request(target, version, "Connection: close")))
    assert response.status == 200 and response.header("Connection") == "close"
    expected = "chunked" if version == "1.1" else None
    assert response.header("Transfer-Encoding") == expected
    assert response.header("Content-Length") is None
    return response.body


# Good ends ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize(
    "target, body",
    [
        ("/return", b"one two three"),
        ("/close", b"one two three"),
        ("/nothing", b""),
        ("/empty", b"one two three"),
        ("/events/3", b"data: event 0\n\ndata: event 1\n\ndata: event 2\n\n"),
        ("/events/0", b""),
    ],
)
def test_good_end(server, target, body, version):
    assert one(server, target, version) == body


def test_pieces_arrive_when_they_are_drained(server):
    with server.connect() as connection:
        connection.sendall(request("/endless"))
        seen = b""
        for number in range(1, 20):
            while seen.count(b"data: ") < number:
                seen += connection.recv(100)
            assert seen.count(b"data: ") < number + 5
    with pytest.raises(Unfinished):
        parse_one(seen)


def test_connection_is_kept(server):
    with server.connect() as connection:
        client = Client(connection)
        for target, body in (
            ("/return", b"one two three"),
            ("/nothing", b""),
            ("/keep", b"kept"),
            ("/empty", b"one two three"),
            ("/files?order=d,large.txt", LARGE),
            ("/keep", b"kept"),
        ):
            connection.sendall(request(target))
            answer = client.answer()
            assert answer.body == body and answer.header("Connection") == "keep-alive", target
        connection.sendall(request("/return") * 3 + request("/close"))
        assert [client.answer().body for _ in range(4)] == [b"one two three"] * 4
        assert client.rest() == b""


def test_known_length_is_not_chunked(server):
    response = server.get("/known")
    assert response.body == b"one two " and response.header("Content-Length") == "8"
    assert response.header("Transfer-Encoding") is None


def test_own_answer_of_who_stops_the_server(server):
    assert one(server, "/stopping") == b"one two three"
    wait_until(lambda: server.output.count("listening") == 2)


def test_head_requests(server):
    for target in ("/return", "/close", "/nothing", "/files?order=d,large.txt", "/events/3"):
        data = server.exchange(request(target, "1.1", "Connection: close", method="HEAD"))
        response, rest = parse(data, "HEAD")
        assert (response.status, rest) == (200, b""), target


FILES = {
    "large.txt": LARGE,
    "small.txt": SMALL,
    "empty.txt": b"",
    "part": PART,
    "d": b"",
}


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize(
    "order",
    [
        "d,large.txt",
        "d,small.txt",
        "d,empty.txt",
        "before,d,large.txt,after",
        "before,d,small.txt,after",
        "before,large.txt,after",
        "before,small.txt,d,after,d",
        "d,part,between,part,d",
        "d,small.txt,small.txt,large.txt,large.txt",
        "d,large.txt,empty.txt,small.txt",
    ],
)
def test_files_as_parts_of_the_body(server, order, version):
    expected = b"".join(FILES.get(word, word.encode()) for word in order.split(","))
    data = server.exchange(request("/files?order=" + order, version, "Connection: close"))
    assert parse_one(data).body == expected


@pytest.mark.parametrize("package", ["httpserver"])
@pytest.mark.parametrize("target", ["/thread", "/stream"])
def test_thread_tells_how_it_ended(start, target):
    server = start("chunks_threads")
    before = server.descriptors()
    good = parse_one(server.exchange(request(target + "/good")))
    bad = parse_broken(server.exchange(request(target + "/bad")))
    assert good.body == bad.body and good.body.rstrip().endswith(b"three")
    if target == "/thread":
        assert one(server, target + "/good", "1.0") == good.body
    server.wait_descriptors(before)


# Broken off --------------------------------------------------------------------------------------


def broken(server, target):
    """The body of an answer that breaks off; HTTP/1.0 can show it only by the close."""
    bodies = []
    for version in ("1.1", "1.0"):
        data = until_end(server, request(target, version) + request("/keep"))
        response = parse_broken(data) if version == "1.1" else parse_one(data)
        assert response.status == 200
        bodies.append(response.body)
    assert bodies[0] == bodies[1]
    return bodies[0]


@pytest.mark.parametrize(
    "target, traceback",
    [("/raise", "ValueError: on purpose"), ("/refuse", None), ("/os", "ENOENT")],
)
def test_exception(server, target, traceback):
    if traceback:
        server.expect_traceback(traceback, times=2)
    assert broken(server, target) == b"one "


def test_close_that_says_so(server):
    assert broken(server, "/failed") == b"one "


@pytest.mark.parametrize("package", ["ahttpserver"])
def test_cancelled(start):
    server = start("chunks_tasks")
    with server.connect() as connection:
        connection.sendall(request("/cancelled"))
        assert connection.recv(1)
        assert server.get("/cancel").body == b"done"
        data = b"H" + receive_all(connection)
    assert parse_broken(data).body == b"one "
    server.expect_traceback("TimeoutError")
    assert parse_broken(server.exchange(request("/timed-out"))).body == b"one "


def test_time_out_of_the_client(server):
    """It does not send its own body to the end."""
    head = request("/late", "1.1", "Content-Length: 5000", method="POST")
    with server.connect() as connection:
        connection.sendall(head + b"half")
        assert parse_broken(receive_all(connection)).body == b"one "


@pytest.mark.parametrize("target", ["/unread", "/endless?small"])
def test_client_that_stops_reading(server, target):
    before = server.descriptors()
    with open_stream(server, target, buffer=4096) as stream:
        server.wait_descriptors(before, 15)
        body = stream.rest()
        assert body and not stream.finished


def test_broadcast_that_drops_a_client(server):
    with open_stream(server, "/joined?small", buffer=4096) as stream:
        wait_until(lambda: send(server, b"x" * 1000) == 1)
        wait_until(lambda: send(server, b"x" * 1000) == 0, 20, 0)
        body = stream.rest()
        assert body.startswith(b"data: xxx") and not stream.finished
        assert set(body) == set(b"data: x\n")


def send(server, data):
    """Sends an event; returns how many listen then."""
    return json.loads(server.request("POST", "/send", body=data).body)


def test_server_that_stops(server):
    streams = [open_stream(server, target) for target in ("/endless", "/joined", "/joined")]
    wait_until(lambda: send(server, b"word") == 2)
    for stream in streams:
        assert stream.recv(1000)
    assert server.get("/restart").body == b"true"
    wait_until(lambda: server.output.count("listening") == 2)
    assert send(server, b"nobody is left") == 0
    for stream in streams:
        stream.rest()
        assert not stream.finished
        stream.close()


def test_client_that_leaves(server):
    """Nobody misses the last chunk; the place is free and nothing is reported."""
    before = server.descriptors()
    for target in ("/endless", "/joined"):
        for _ in range(2):
            open_stream(server, target).close()
    wait_until(lambda: send(server, b"x") == 0)
    server.wait_descriptors(before)


def test_file_that_ends_early(server, tmp_path):
    (tmp_path / "cut.bin").write_bytes(b"old!" * 2_000_000)
    with open_stream(server, "/files?order=before,d,cut.bin,behind") as stream:
        time.sleep(0.2)  # until all buffers are full
        os.truncate(tmp_path / "cut.bin", 1000)
        body = stream.rest()
        assert not stream.finished and body.startswith(b"beforeold!") and b"behind" not in body
        assert len(body) < 8_000_000


# One for all -------------------------------------------------------------------------------------


def without_comments(data):
    return re.sub(rb"^:\n", b"", data, flags=re.M)


def test_broadcast_to_both_versions(server):
    """Framed once: HTTP/1.0 clients get the same event without its frame."""
    words = ["one", "two\nlines", "x" * 300, "é", "17" * 600]
    expected = "".join("data: " + word.replace("\n", "\ndata: ") + "\n\n" for word in words)
    streams = [open_stream(server, "/joined", version=version) for version in ("1.0", "1.1")] + [
        open_stream(server, "/joined") for _ in range(2)
    ]
    wait_until(lambda: send(server, words[0].encode()) == 4)
    for word in words[1:]:
        assert send(server, word.encode()) == 4
    for stream in streams:
        data = b""
        while not data.endswith(expected.encode()[-1000:]):
            piece = stream.recv(1000)
            assert piece, data
            data += piece
        # the first has come again and again, while the others joined
        assert without_comments(data).endswith(expected.encode())
        assert (stream.chunks is None) == (stream is streams[0])
        stream.close()


# Sockets that take little at a time --------------------------------------------------------------


@pytest.fixture(scope="module")
def boards(tmp_path_factory):
    """boards(profile, package): the application on such sockets, one for the whole module."""
    started = {}

    def board(*which):
        if which not in started:
            folder = tmp_path_factory.mktemp("-".join(which))
            started[which] = stack.enter_context(Board(*which, "chunks_app", folder))
        return started[which]

    with ExitStack() as stack:
        yield board


@pytest.fixture(params=["narrow", "hostile"])  # one byte; from one to all, and sometimes none
def board(request, boards, package):
    return boards(request.param, package)


PIECES = {
    "/return": b"one two three",
    "/close": b"one two three",
    "/empty": b"one two three",
    "/events/3": b"data: event 0\n\ndata: event 1\n\ndata: event 2\n\n",
    "/files?order=before,d,small.txt,after": b"before" + SMALL + b"after",
    "/files?order=before,d,part,after": b"before" + PART + b"after",
}


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("target", PIECES)
def test_in_pieces(board, target, version):
    assert one(board, target, version) == PIECES[target]


def test_kept_in_pieces(board):
    with board.connect() as connection:
        connection.sendall(request("/return") * 3 + request("/keep") + request("/close"))
        answers = parse_all(receive_all(connection))
    bodies = [b"one two three"] * 3 + [b"kept", b"one two three"]
    assert [answer.body for answer in answers] == bodies


def test_broken_off_in_pieces(board):
    assert broken(board, "/failed") == b"one "


def test_broadcast_in_pieces(boards, package):
    """What a socket does not take is kept, and goes out with the next event."""
    board = boards("hostile", package)
    streams = [open_stream(board, "/joined", version=version) for version in ("1.1", "1.0")]
    wait_until(lambda: send(board, b"0") == 2)
    for i in range(1, 100):
        assert send(board, b"%d" % i) == 2
    for stream in streams:
        stream.settimeout(0.1)
        data = b""
        while not data.endswith(b"data: 99\n\n"):
            assert send(board, b"99") == 2
            with suppress(TimeoutError):  # of such an event perhaps nothing has left
                data += stream.recv(1000)
        numbers = [int(word) for word in without_comments(data).split() if word != b"data:"]
        assert numbers == sorted(numbers) and set(numbers) == set(range(100))
    for stream in streams:
        stream.close()
    wait_until(lambda: send(board, b"x") == 0)
