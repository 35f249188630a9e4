# The tests rest on the harness: it has to see a dead server, a traceback and a malformed response.

import pytest

from harness import Process, parse, parse_all, parse_one

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


@pytest.mark.parametrize(
    "data",
    [
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
    with pytest.raises(AssertionError):
        parse_one(data)
