# ahttpserver alone: what it gives to be awaited may go to wait_for(), create_task() and gather().

import http.client

import pytest

from harness import receive_all, wait_until

pytestmark = pytest.mark.parametrize("package", ["ahttpserver"])


@pytest.fixture
def server(start):
    return start("tasks_app")


@pytest.mark.parametrize("target", ["/wait_for", "/task", "/gather", "/returned"])
def test_awaited_by_others(server, target):
    for _ in range(2):
        answer = server.get(target)
        assert (answer.status, answer.body) == (200, b"hello")


def test_events_to_several(server):
    body = server.get("/events").body
    assert body == b"".join(b"data: %d\n\n" % i for i in range(20))


def ask(connection, target):
    connection.sendall(b"GET %s HTTP/1.1\r\nHost: board\r\n\r\n" % target)


def test_a_stream_that_a_task_feeds(server):
    """Its client stops reading: it is dropped, and others go on being watched."""
    before = server.descriptors()
    with server.connect() as stalled:
        ask(stalled, b"/fed")
        wait_until(lambda: "gone" in server.output, 20)
        with server.connect() as silent:
            assert receive_all(silent) == b""
        server.wait_descriptors(before)


def test_interrupted_drains_lose_nothing(server):
    with server.connect() as connection:
        ask(connection, b"/interrupted")
        wait_until(lambda: "late" in server.output, 20)
        answer = http.client.HTTPResponse(connection)  # quicker with megabytes than harness.parse
        answer.begin()
        body = answer.read()
    assert body == b"0123456789" * (len(body) // 10) + b"end"
