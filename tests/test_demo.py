# Both demos from the first request to the last, as processes of their own and in a REPL.

import json
import re
import time
from contextlib import contextmanager

import httpx
import pytest
from httpx_sse import SSEError, connect_sse

from demos import STOPS, Repl, running, stop
from harness import DEMO, ROOT, listening, wait_until

CROSS_SITE = "Sec-Fetch-Site: cross-site"


@pytest.fixture
def demo(package, tmp_path):
    with running(package, tmp_path) as demo:
        yield demo


@contextmanager
def stream(demo, path):
    """The data of the events of one stream; of /api/events those without a name."""
    name = "time" if path == "/api/time" else "message"
    with httpx.Client(timeout=5) as client:
        with connect_sse(client, "GET", f"http://{demo.host}:{demo.port}{path}") as source:
            yield (event.data for event in source.iter_sse() if event.event == name)


@contextmanager
def two_pages(demo):
    """The streams of two open pages, each after its first event."""
    with (
        stream(demo, "/api/time") as time1,
        stream(demo, "/api/time") as time2,
        stream(demo, "/api/events") as events1,
        stream(demo, "/api/events") as events2,
    ):
        for events in (time1, time2):
            next(events)
        for events in (events1, events2):
            while state(events)["listeners"] < 2:  # told before the other one came
                pass
        yield events1, events2


def state(events):
    return json.loads(next(events))


def set_switch(demo, body):
    return demo.request("POST", "/api/switch", "Sec-Fetch-Site: same-origin", body=body)


@pytest.mark.parametrize(
    "target, name, mimetype",
    [
        ("/", "index.html", "text/html; charset=utf-8"),
        ("/favicon.ico", "favicon.ico", "image/x-icon"),
    ],
)
def test_file(demo, target, name, mimetype):
    response = demo.get(target)
    assert response.status == 200
    assert response.header("Content-Type") == mimetype
    assert response.body == (ROOT / name).read_bytes()
    assert re.search(rf"^127\.0\.0\.1 GET {target} 200$", demo.output, re.M)


def test_exception_caught_in_the_handler(demo):
    for _ in range(3):
        assert demo.get("/").status == 200
    wait_until(lambda: demo.output.count("caught: divide by zero") == 3)


def test_clock(demo):
    start, times = time.time(), []
    with stream(demo, "/api/time") as clock:
        for text in clock:
            times.append((text, time.strftime("%H:%M:%S")))
            if len(times) == 4:
                break
    assert 1.8 < time.time() - start < 20
    assert len({text for text, _ in times}) >= 3
    assert sum(shown == real for shown, real in times) >= 3  # a second may end in between


def test_names_of_the_events(demo):
    for path, names in (("/api/time", {"time"}), ("/api/events", {"time", "message"})):
        with httpx.Client(timeout=5) as client:
            with connect_sse(client, "GET", f"http://{demo.host}:{demo.port}{path}") as source:
                found = {event.event for event, _ in zip(source.iter_sse(), "1234", strict=False)}
        assert found == names


def test_state_of_the_board(demo):
    with stream(demo, "/api/events") as events:
        first = state(events)
        start = time.monotonic()
        others = [state(events) for _ in range(3)]
    assert 1.8 < time.monotonic() - start < 20
    for one in (first, *others):
        assert set(one) == {"free", "alloc", "switch", "listeners"}
        assert 150_000 < one["free"] + one["alloc"] < 224 * 1024
        assert one["switch"] is False and one["listeners"] == 1
    assert len({one["free"] for one in (first, *others)}) > 1


def test_switch_reaches_all_pages_at_once(demo):
    with two_pages(demo) as pages:
        for body, expected in ((b"on", True), (b"off", False), (b"on", True)):
            start = time.monotonic()
            assert set_switch(demo, body).body == body
            for events in pages:
                while (one := state(events))["switch"] != expected:
                    assert one["listeners"] == 2
            assert time.monotonic() - start < 0.5


def test_switch_refuses(demo):
    for body in (b"", b"ON", b"1", b"on\n", b"x" * 2000):
        assert set_switch(demo, body).status == 400
    assert set_switch(demo, b"x" * 20_000).status == 413
    for foreign in (CROSS_SITE, "Origin: http://evil.example"):
        assert demo.request("POST", "/api/switch", foreign, body=b"on").status == 403
    assert demo.get("/api/switch").status == 405
    with stream(demo, "/api/events") as events:
        assert state(events)["switch"] is False


def test_refuses_pages_of_other_sites(demo):
    for target in ("/api/date", "/api/stop"):
        assert demo.get(target, CROSS_SITE).status == 403
    assert demo.get("/").status == 200


def test_two_places_are_left(demo):
    with two_pages(demo):
        for target in ("/api/time", "/api/events"):
            assert demo.get(target).status == 503
        assert demo.get("/").status == 200
    wait_until(lambda: open_again(demo), interval=0.5)  # the two pages have left


def open_again(demo):
    """Whether there is a place for one more stream."""
    try:
        with stream(demo, "/api/time") as clock:
            return next(clock)
    except SSEError:
        return False


def test_date(demo):
    demo.expect_exit()
    demo.expect_traceback("ZeroDivisionError: divide by zero")
    day = time.strftime("%d %m %Y").split()
    response = demo.get("/api/date", "Sec-Fetch-Site: none")
    assert response.status == 200 and response.header("Content-Type") == "application/json"
    assert json.loads(response.body) == dict(zip(("day", "month", "year"), day, strict=True))


@pytest.mark.parametrize("kind", STOPS)
def test_stop_and_start_again(package, tmp_path, kind):
    with running(package, tmp_path) as demo, two_pages(demo):
        demo.expect_exit()
        if kind == "date":
            demo.expect_traceback("ZeroDivisionError")
        stop(demo, kind)
        assert demo.process.wait(3) == 0
        with running(package, tmp_path / "again", demo.port) as again, two_pages(again):
            assert again.get("/").status == 200


def test_stop_and_start_again_in_the_repl(package, tmp_path):
    name = DEMO[package]
    with Repl(tmp_path) as repl:
        repl.type(f"import {name}\r")
        repl.wait_prompt()
        threads, descriptors = repl.threads(), repl.descriptors()
        for kind in (*STOPS, *STOPS):
            repl.type(f"{name}.run({repl.port})\r")
            wait_until(lambda: listening(repl.port))
            with two_pages(repl):
                assert repl.get("/").status == 200
                if kind == "Ctrl-C":
                    repl.type("\x03")
                else:
                    stop(repl, kind)
                output = repl.wait_prompt(3)
            assert output.count("Traceback") == (kind == "date"), output
            assert output.count("ZeroDivisionError") == (kind == "date"), output
            assert not listening(repl.port)
        repl.wait_threads(threads)
        repl.wait_descriptors(descriptors)
