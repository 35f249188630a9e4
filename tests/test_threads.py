# httpserver alone: what threads, the log and on_error may do to it.

import pytest

from harness import wait_until

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


def test_head_of_an_endless_body_ends(server):
    answer = server.request("HEAD", "/endless")
    assert answer.status == 200 and answer.header("content-length") is None
    assert server.get("/thread").status == 200


def test_memory_error_of_on_error_ends_the_server(server):
    server.expect_exit()
    assert server.get("/end").status == 500
    wait_until(lambda: server.process.poll() is not None)
    assert "ended by a MemoryError" in server.output
