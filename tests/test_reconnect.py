# Chromium comes back by itself when a server has gone, with Last-Event-ID: nothing is lost then,
# nothing comes twice, if the application replays what was missed from a ring of its last events.

import json
import random
import statistics
import time
from unittest import mock

import pytest

from eventstreams import events
from harness import Process, translate

PACE = 0.02
TARGETS = ["/log", "/plain"]


@pytest.fixture
def launch(package, tmp_path):
    """launch(port=None) runs the application; the one before is killed first."""
    folder = tmp_path / "apps"
    folder.mkdir()
    program = translate("broadcast_ring", package, folder)
    processes = []

    def launch(port=None):
        for process in processes:
            process.kill()
        with mock.patch("harness.free_port", return_value=port) if port else mock.MagicMock():
            processes.append(Process(program, tmp_path, PACE))
        processes[-1].wait_listening()
        return processes[-1]

    yield launch
    try:
        for process in processes[-1:]:
            process.finish()
    finally:
        for process in processes:
            process.kill()


def heard(page):
    return [int(data) for data in page.evaluate("seen")]


def wait_heard(page, number):
    """Returns when the page has heard the event of this number, or a later one."""
    page.wait_for_function("number => seen.at(-1) >= number", arg=number, timeout=15_000)


def check(page):
    """Nothing is lost, nothing came twice."""
    numbers = heard(page)
    assert numbers == [*range(numbers[0], numbers[0] + len(numbers))]
    return numbers[-1]


@pytest.mark.parametrize("target", TARGETS)
def test_server_starts_again(launch, page, target):
    """In the same program: what was told meanwhile is in the ring."""
    server = launch()
    page.goto(f"http://{server.host}:{server.port}/#{target}")
    wait_heard(page, 5)
    for _ in range(2):
        before = check(page)
        assert server.get("/restart").status == 200
        wait_heard(page, before + 0.5 / PACE)
    check(page)
    assert page.evaluate("times.length") >= 3
    assert page.evaluate("created") == 1  # it was the browser that came back, not the page


@pytest.mark.parametrize("target", TARGETS)
def test_program_is_killed(launch, page, target, tmp_path):
    """At moments drawn by lot; the ring is in a file."""
    rng = random.Random(target)
    server = launch()
    page.goto(f"http://{server.host}:{server.port}/#{target}")
    wait_heard(page, 5)
    for _ in range(2):
        time.sleep(rng.uniform(0, 0.2))
        server.kill()
        time.sleep(rng.uniform(0, 0.3))
        server = launch(server.port)
        with open(tmp_path / "ring.json") as file:
            wait_heard(page, json.load(file)[-1][1] + 10)
        check(page)
    assert page.evaluate("created") == 1


@pytest.mark.parametrize("target", TARGETS)
def test_connection_is_lost(launch, target):
    """The same without a browser, many times."""
    server = launch()
    numbers, last = [], {}
    rng = random.Random(2)
    for _ in range(9):
        with events(server, target, **last) as stream:
            for event in stream:
                if event.data:
                    numbers.append(int(event.data))
                    last = {"last_event_id": event.id}
                    if rng.random() < 0.3:
                        break
        time.sleep(rng.uniform(0, 0.1))
    assert numbers == [*range(numbers[0], numbers[0] + len(numbers))]


def test_unknown_ids(launch):
    """Whatever a client claims to have seen, it gets what is there."""
    server = launch()
    for last in ("", "x", "-1", "999999", "1" * 500):
        with events(server, "/log", last_event_id=last) as stream:
            some = [event.data for event, _ in zip(stream, range(5), strict=False)]
        data = [int(one) for one in some if one]
        assert len(data) > 2 and data == [*range(data[0], data[0] + len(data))]


@pytest.mark.parametrize("retry", [0, 250])
def test_retry(start, page, retry):
    """Chromium waits as long as it was told before it comes back."""
    server = start("sse_app")
    page.goto(f"http://{server.host}:{server.port}/#/brief?retry={retry}")
    page.wait_for_function("times.length > 2")
    times = page.evaluate("times")
    gaps = [after - before for before, after in zip(times, times[1:], strict=False)]
    assert retry * 0.9 < min(gaps) and statistics.median(gaps) < retry + 300
