# httpserver alone: what threads, the log and on_error may do to it.

import time

import pytest

from client import Client
from harness import Unfinished, wait_until

pytestmark = pytest.mark.parametrize("package", ["httpserver"])


@pytest.fixture
def server(start):
    return start("threads_app")


@pytest.mark.parametrize("target", ["/thread", "/logged"])
def test_answer_from_a_thread(server, target):
    """A thread answers, and closes; even if the log fails when the handler has returned."""
    before = server.descriptors()
    for _ in range(3):
        answer = server.get(target)
        assert (answer.status, answer.body) == (200, b"from a thread")
        assert answer.header("connection") == "close"  # whatever close=False says: it is the truth
    server.wait_descriptors(before)
    assert server.output.count("on_error ValueError") == (3 if target == "/logged" else 0)


@pytest.mark.parametrize("target", ["/pieces", "/quick"])
def test_answer_of_unknown_length_from_a_thread(server, target):
    """Its end is marked, even if the thread has ended before the handler."""
    before = server.descriptors()
    assert server.get(target).body == b"from a thread"
    answer = server.request("HEAD", target)
    assert (answer.status, answer.body) == (200, b"")
    server.wait_descriptors(before)


@pytest.mark.parametrize("target", [b"/thread", b"/quick"])
@pytest.mark.parametrize(
    "field, begin, piece, times, pause",
    [
        (b"Transfer-Encoding: chunked", b"9c40\r\n", 5000, 8, 0.1),
        (b"Content-Length: 40000", b"", 5000, 8, 0.1),
        (b"Content-Length: 5000", b"", 50, 100, 0.004),
    ],
    ids=["chunked", "sized", "in many pieces"],
)
def test_answer_to_an_upload_that_is_not_read(server, target, field, begin, piece, times, pause):
    """It arrives, although the client is still sending: closing at once would destroy it."""
    with server.connect() as connection:
        head = b"POST %s HTTP/1.1\r\nHost: board\r\n%s\r\n\r\n"
        connection.sendall(head % (target, field) + begin)
        for _ in range(times):
            connection.sendall(b"x" * piece)
            time.sleep(pause)
        client = Client(connection)
        assert client.answer().body == b"from a thread"
        assert client.rest() == b"" and not client.reset


def test_threads_and_handlers_end_at_any_time(server):
    """The thread and the serving loop look at one connection, and nothing orders them."""
    before = server.descriptors()
    for _ in range(600):
        assert server.get("/any-time").body == b"abc"
    server.wait_descriptors(before)


def test_broken_off_by_a_thread_that_is_quick(server):
    with pytest.raises(Unfinished):
        server.get("/quick?broken")


def test_no_memory_when_a_thread_closes(server):
    before = server.descriptors()
    with server.connect() as connection:
        connection.sendall(b"GET /no-memory HTTP/1.1\r\nHost: board\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
        server.wait_descriptors(before)


def test_head_of_an_endless_body_ends(server):
    answer = server.request("HEAD", "/endless")
    assert answer.status == 200 and answer.header("content-length") is None
    assert server.get("/thread").status == 200


def test_memory_error_of_on_error_ends_the_server(server):
    server.expect_exit()
    assert server.get("/end").status == 500
    wait_until(lambda: server.process.poll() is not None)
    assert "ended by a MemoryError" in server.output
