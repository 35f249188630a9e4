# ahttpserver alone: what it gives to be awaited may go to wait_for(), create_task() and gather().

import pytest

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
