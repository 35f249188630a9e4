# The tests rest on the harness: it has to see a dead server, a traceback and a malformed response.

import socket

import pytest

from client import Client
from harness import Chunks, Process, Unfinished, parse, parse_all, parse_broken, parse_one

PROGRAM = """
import socket, sys, time
listener = socket.socket()
listener.bind(socket.getaddrinfo("127.0.0.1", int(sys.argv[1]))[0][-1])
listener.listen(1)
listener.accept()
{}
time.sleep(60)
"""


@pytest.fixture
def program(tmp_path):
    """program(code) runs a server that executes the code at the first connection, and does so."""
    processes = []

    def run(code):
        path = tmp_path / "program.py"
        path.write_text(PROGRAM.format(code))
        processes.append(Process(path, tmp_path))
        processes[-1].wait_listening()
        processes[-1].connect().close()
        return processes[-1]

    yield run
    for process in processes:
        process.kill()


RAISE = "try:\n    int('x')\nexcept ValueError as e:\n    sys.print_exception(e)"


def test_silent_program(program):
    program("pass").finish()


def test_sees_a_traceback(program):
    with pytest.raises(AssertionError, match="^traceback of .ValueError"):
        program(RAISE).finish()


def test_announced_traceback(program):
    process = program(RAISE)
    process.expect_traceback("ValueError")
    process.finish()


def test_sees_that_a_traceback_is_missing(program):
    process = program("pass")
    process.expect_traceback("ValueError")
    with pytest.raises(AssertionError, match="0 tracebacks of 'ValueError'"):
        process.finish()


def test_sees_a_dead_program(program):
    process = program("sys.exit(0)")
    process.process.wait(5)
    with pytest.raises(AssertionError, match="ended: 0"):
        process.finish()


def test_announced_exit(program):
    process = program("sys.exit(0)")
    process.expect_exit()
    process.finish()


def test_counts_descriptors(program):
    process = program("sockets = [socket.socket() for _ in range(3)]\nprint('done')")
    while "done" not in process.output:
        assert process.process.poll() is None
    opened = process.descriptors()
    process.wait_descriptors(opened, 0.1)
    with pytest.raises(AssertionError):
        process.wait_descriptors(opened - 1, 0.1)
    process.finish()


def test_hello(start):
    server = start("hello")
    before = server.descriptors()
    response = server.get("/")
    assert (response.status, response.reason, response.body) == (200, "OK", b"hello")
    assert response.header("content-type").startswith("text/plain")
    server.wait_descriptors(before)


def test_error(start):
    server = start("hello")
    server.expect_traceback("ValueError: on purpose")
    assert server.get("/error").status == 500
    assert server.get("/").status == 200


WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: \r\nY: a\tb\r\n\r\nhi"


def test_parse():
    response = parse_one(WHOLE)
    assert response.headers == [("Content-Length", "2"), ("X", ""), ("Y", "a\tb")]
    assert response.body == b"hi"
    assert [r.body for r in parse_all(WHOLE + WHOLE)] == [b"hi", b"hi"]
    head = WHOLE[:-2]
    assert parse(head + WHOLE, "HEAD")[1] == WHOLE
    assert parse_one(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nrest").body == b"rest"


CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n"
    b"2\r\nhi\r\n00c\r\n0\r\n\r\n there\n\r\n0\r\n\r\n"
)


def test_parse_chunks():
    assert parse_one(CHUNKED).body == b"hi0\r\n\r\n there\n"
    assert [r.body for r in parse_all(CHUNKED + WHOLE)][1] == b"hi"
    empty = CHUNKED[: CHUNKED.index(b"\r\n\r\n") + 4]
    assert parse_one(empty + b"0\r\n\r\n").body == b""
    assert parse(empty + WHOLE, "HEAD")[1] == WHOLE
    # unfinished at each byte, never another failure
    for end in range(len(empty), len(CHUNKED)):
        broken = parse_broken(CHUNKED[:end])
        assert b"hi0\r\n\r\n there\n".startswith(broken.body)
        with pytest.raises(Unfinished):
            parse_one(CHUNKED[:end])
    with pytest.raises(AssertionError, match="not broken off"):
        parse_broken(CHUNKED)


def test_chunks_in_pieces():
    body = CHUNKED.partition(b"\r\n\r\n")[2]
    for size in (1, 2, 3, 7):
        chunks, found = Chunks(), b""
        for start in range(0, len(body), size):
            assert not chunks.finished
            found += chunks.feed(body[start : start + size])
        assert chunks.finished and found == b"hi0\r\n\r\n there\n"


def test_client_takes_chunks():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        client = Client(ours)
        theirs.sendall(CHUNKED + CHUNKED[:-1])
        assert client.answer().body == b"hi0\r\n\r\n there\n"
        theirs.close()
        with pytest.raises(Unfinished):
            client.answer()


@pytest.mark.parametrize(
    "data",
    [
        CHUNKED + b"x",
        CHUNKED.replace(b"2\r\n", b"2\n", 1),
        CHUNKED.replace(b"2\r\n", b"0x2\r\n", 1),
        CHUNKED.replace(b"2\r\n", b"+2\r\n", 1),
        CHUNKED.replace(b"2\r\n", b"2 \r\n", 1),
        CHUNKED.replace(b"2\r\n", b"2;a=b\r\n", 1),
        CHUNKED.replace(b"2\r\n", b"1\r\n", 1),
        CHUNKED.replace(b"2\r\n", b"3\r\n", 1),
        CHUNKED.replace(b"2\r\n", b"000000002\r\n", 1),
        CHUNKED.replace(b"2\r\n", b"\r\n", 1),
        CHUNKED[:-2] + b"X: y\r\n\r\n",
        CHUNKED[:-2] + b"\n",
        CHUNKED.replace(b"chunked", b"gzip, chunked"),
        CHUNKED.replace(b"chunked", b"Chunked, chunked"),
        CHUNKED.replace(b"Connection", b"Transfer-Encoding"),
        CHUNKED.replace(b"Connection: keep-alive", b"Content-Length: 2"),
        CHUNKED.replace(b"200 OK", b"204 No Content"),
        CHUNKED.replace(b"200 OK", b"304 Not Modified"),
        b"",
        WHOLE[:-1],
        WHOLE + b"x",
        WHOLE.replace(b"\r\n", b"\n"),
        WHOLE.replace(b"\r\n\r\n", b"\r\n"),
        WHOLE.replace(b"HTTP/1.1", b"HTTP/1.0"),
        WHOLE.replace(b"200 OK", b"200"),
        WHOLE.replace(b"200", b"2000"),
        WHOLE.replace(b"X:", b"X :"),
        WHOLE.replace(b"X:", b" X:"),
        WHOLE.replace(b"X: ", b"X:"),
        WHOLE.replace(b"a\tb", b"a\0b"),
        WHOLE.replace(b"a\tb", b"a\rb"),
        WHOLE.replace(b"a\tb", b"a "),
        WHOLE.replace(b": 2", b": +2"),
        WHOLE.replace(b"Y: a\tb", b"Content-Length: 2"),
        WHOLE.replace(b"Content-Length: 2\r\n", b""),
    ],
)
def test_parse_refuses(data):
    with pytest.raises(AssertionError) as failure:
        parse_one(data)
    assert failure.type is AssertionError  # not Unfinished: no form is wrong in that
