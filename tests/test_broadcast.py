# Broadcast: one event for all who listen, and nobody holds up the others.

import json
import os
import random
import re
import socket
import time
from contextlib import ExitStack, contextmanager

import pytest

from eventstreams import events, get_json, open_stream, reset, state
from harness import parse_one, receive_all, wait_until

EVENT = re.compile(rb"data: (\d+) (\d+) (x*)\n\n")


@pytest.fixture
def server(start):
    return start("broadcast_app")


def send(server, **arguments):
    """Sends an event; returns how many listen then."""
    response = server.request("POST", "/send", body=json.dumps(arguments).encode())
    assert response.status == 200, response
    return json.loads(response.body)


@contextmanager
def listeners(server, number, target="/events"):
    """So many streams, as httpx-sse understands them; all have joined."""
    with ExitStack() as stack:
        before = state(server)["listeners"]
        streams = [stack.enter_context(events(server, target)) for _ in range(number)]
        wait_until(lambda: state(server)["listeners"] == before + number)
        yield streams


def test_all_get_the_same(server):
    with listeners(server, 5) as streams:
        assert send(server, data="one\ntwo", id=0, event="e", retry=0) == 5
        assert send(server) == 5
        assert send(server, data={"a": None}) == 5
        for stream in streams:
            event = next(stream)
            assert (event.data, event.id, event.event, event.retry) == ("one\ntwo", "0", "e", 0)
            while not (event := next(stream)).data:
                pass  # httpx-sse takes a comment for an event when there was an id before
            assert event.data == "{'a': None}"


@pytest.mark.parametrize(
    "target, name, value",
    [("/foreign", "Access-Control-Allow-Origin", "*"), ("/keyword", "X-Own", "yes")],
)
def test_fields_of_ones_own(server, target, name, value):
    with server.connect() as connection:
        connection.sendall(f"GET {target} HTTP/1.0\r\n\r\n".encode())
        wait_until(lambda: send(server, data="x") == 1)
        data = connection.recv(1000)
    response = parse_one(data[: data.index(b"\r\n\r\n") + 4])
    assert response.header(name) == value
    assert response.header("X-Accel-Buffering") == "no"
    assert response.header("Content-Type") == "text/event-stream"


def test_bytes(server):
    with listeners(server, 1) as [stream]:
        get_json(server, "/bytes")
        assert next(stream).data == "ä\n€"


def test_formatted_once(server):
    with listeners(server, 5) as streams:
        get_json(server, "/value")
        assert [next(stream).data for stream in streams] == ["value"] * 5
    assert state(server)["formatted"] == 1


def test_refuses_what_would_forge_events(server):
    server.expect_traceback("ValueError")
    with listeners(server, 1) as [stream]:
        body = json.dumps({"data": "x", "id": "1\ndata: forged"}).encode()
        assert server.request("POST", "/send", body=body).status == 500
        send(server, data="next")
        assert next(stream).data == "next"


def test_events_of_the_handler_come_first(server):
    get_json(server, "/produce")
    with listeners(server, 1, "/welcome") as [stream]:
        assert next(stream).data == "welcome"
        assert next(stream).data.startswith("0 ")


@pytest.mark.parametrize("leave", [socket.socket.close, reset], ids=["close", "reset"])
def test_who_has_left_is_forgotten(server, leave):
    descriptors = server.descriptors()
    streams = [open_stream(server, "/events") for _ in range(5)]
    with listeners(server, 1) as [stream]:
        assert send(server, data=1) == 6
        for one in streams:
            assert one.recv(1000)  # or the close would be a reset
            leave(one)
        time.sleep(0.05)
        assert send(server, data=2) == 1
        assert [next(stream).data for _ in range(2)] == ["1", "2"]
    wait_until(lambda: send(server) == 0)
    server.wait_descriptors(descriptors)
    wait_until(lambda: state(server)["streams"] == 0)


@pytest.mark.parametrize("package", ["ahttpserver"])
def test_places_are_free_though_nothing_is_sent(server):
    streams = [open_stream(server, "/events") for _ in range(5)]
    wait_until(lambda: state(server)["streams"] == 5)
    for one in streams:
        one.close()
    wait_until(lambda: state(server)["streams"] == 0, 3)


def test_producer_may_sleep_when_nobody_listens(server):
    get_json(server, "/produce")
    assert state(server)["produced"] == 0
    with listeners(server, 1) as [stream]:
        next(stream)
    wait_until(lambda: state(server)["listeners"] == 0)
    produced = state(server)["produced"]
    time.sleep(0.1)
    assert state(server)["produced"] == produced > 0


def test_head_request_does_not_join(server):
    with server.connect() as connection:
        connection.sendall(b"HEAD /events HTTP/1.1\r\nHost: board\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")
        assert connection.recv(1000) == b""
    assert send(server) == 0


class TestLimits:
    def test_max(self, server):
        with ExitStack() as stack:
            streams = [stack.enter_context(events(server, "/few")) for _ in range(2)]
            wait_until(lambda: state(server)["few"] == 2)
            assert server.get("/few").status == 503
            with open_stream(server, "/few?begun") as connection:
                connection.settimeout(5)
                assert not receive_all(connection).endswith(b"0\r\n\r\n")  # it broke off
            send(server, data="x")
            assert [next(stream).data for stream in streams] == ["x"] * 2
        wait_until(lambda: send(server) == 0 and state(server)["few"] == 0)
        with open_stream(server, "/few"):
            wait_until(lambda: state(server)["few"] == 1)

    def test_two_places_are_left(self, server):
        with ExitStack() as stack:
            for _ in range(10):
                stack.enter_context(open_stream(server, "/events"))
            response = server.get("/events")
            assert response.status == 503
            assert send(server) == 10
            with server.connect():  # says nothing
                assert server.get("/").status == 200

    def test_page_recovers(self, server, browser):
        """Of three pages two may listen; the third does when one of them is closed."""
        pages = [browser.new_page() for _ in range(3)]
        try:
            for page in pages[:2]:
                page.goto(f"http://{server.host}:{server.port}/#/few")
            wait_until(lambda: state(server)["few"] == 2)
            pages[2].goto(f"http://{server.host}:{server.port}/#/few")
            pages[2].wait_for_function("created > 1")  # refused, and asks again
            send(server, data="for two")
            pages[0].close()
            wait_until(lambda: send(server, data="x") is not None and heard(pages[2]))
            assert "for two" not in heard(pages[2])
            assert state(server)["few"] == 2
        finally:
            for page in pages:
                page.close()


def heard(page):
    return page.evaluate("seen")


def test_ten_reloads_leave_one_stream(server, page):
    for number in range(11):
        page.goto(f"http://{server.host}:{server.port}/?{number}#/events")
        wait_until(lambda: send(server, data="x") and heard(page))
    wait_until(lambda: send(server) == 1)
    wait_until(lambda: state(server)["streams"] == 1)


def test_reloads_while_nothing_is_sent(server, page):
    """Joining finds out who has left: no place is lost to a page that is gone."""
    for number in range(9):
        page.goto(f"http://{server.host}:{server.port}/?{number}#/events")
        wait_until(lambda: page.evaluate("source.readyState") == 1)
    assert send(server) == 1


def fill(server, kept):
    """Sends events until as much is kept for the listeners; returns the number of events."""
    number = 0
    while state(server)["kept"] < kept:
        assert send(server, data=f"0 {number} " + "x" * 200) == 1, "dropped"
        number += 1
    return number


class TestClientThatStopsReading:
    def test_may_go_on(self, server):
        """What its socket did not take was kept."""
        with open_stream(server, "/events?small=1", buffer=4096) as stream:
            wait_until(lambda: send(server) == 1)
            number = fill(server, 500)
            data = b""
            while (match := EVENT.findall(data)[-1:]) != [(b"0", b"%d" % number, b"")]:
                data += stream.recv(65536)
                send(server, data=f"0 {number} ")
            assert [int(event[1]) for event in EVENT.findall(data)][:number] == [*range(number)]
            assert match and state(server)["kept"] == 0

    def test_is_dropped_when_much_is_kept(self, server):
        descriptors = server.descriptors()
        with open_stream(server, "/events?small=1", buffer=4096):
            wait_until(lambda: send(server) == 1)
            fill(server, 1)
            most = 0
            while send(server, data="x" * 200):
                kept = state(server)["kept"]
                assert kept <= 2048
                most = max(most, kept)
            assert most > 2048 - 2 * 210
            wait_until(lambda: state(server)["streams"] == 0)
            server.wait_descriptors(descriptors)

    def test_is_dropped_after_the_timeout(self, server):
        with open_stream(server, "/events?small=1", buffer=4096):
            wait_until(lambda: send(server) == 1)
            kept, stuck = 0, time.monotonic()
            while send(server):
                before, kept = kept, state(server)["kept"]
                if kept <= before:  # the system has found some room after all
                    fill(server, 1000)
                    kept, stuck = 0, time.monotonic()
                assert time.monotonic() - stuck < 3
                time.sleep(0.05)
            assert time.monotonic() - stuck > 0.7
            wait_until(lambda: state(server)["streams"] == 0)

    def test_is_not_dropped_for_long_silence(self, server):
        """Longer than the time-out nothing was sent: what counts is what its socket takes then."""
        with open_stream(server, "/events?small=1", buffer=4096) as stream:
            wait_until(lambda: send(server) == 1)
            fill(server, 500)
            time.sleep(1.3)
            stream.settimeout(0.2)
            with pytest.raises(TimeoutError):
                while True:
                    stream.recv(65536)
            for _ in range(3):
                assert send(server) == 1
            assert state(server)["kept"] == 0

    def test_delays_no_other(self, server):
        get_json(server, "/produce")
        stalled = [open_stream(server, "/events?small=1", buffer=4096) for _ in range(5)]
        with listeners(server, 1) as [stream]:
            gaps, numbers = [], []
            last = start = time.monotonic()
            while last < start + 1.5:
                numbers.append(int(next(stream).data.split()[1]))
                now = time.monotonic()
                gaps.append(now - last)
                last = now
            assert numbers == [*range(numbers[0], numbers[0] + len(numbers))]
            assert len(numbers) > 50 and max(gaps) < 0.3
            wait_until(lambda: state(server)["listeners"] == 1, 15)
        for one in stalled:
            one.close()


def test_one_loop_feeds_all(server):
    """No thread for each client, and little memory."""
    with open_stream(server, "/events"):
        wait_until(lambda: send(server, data="x") == 1)
        threads = len(os.listdir(f"/proc/{server.pid}/task"))
        heap = state(server)["heap"]
        streams = [open_stream(server, "/events") for _ in range(8)]
        wait_until(lambda: send(server, data="x") == 9)
        assert len(os.listdir(f"/proc/{server.pid}/task")) == threads
        used = state(server)["heap"] - heap
        print("heap per stream:", used / 8)
        assert used < 8 * 1000
        for one in streams:
            one.close()


def test_storm_lets_others_run(server):
    """A producer that does not pause: others are answered, and get their events."""
    with open_stream(server, "/events") as stream, events(server, "/storm") as storm:
        for _ in range(10):
            start = time.monotonic()
            assert server.get("/").status == 200
            assert time.monotonic() - start < 1
            data = stream.recv(1000)
            while b"data: x\n\n" not in data:  # a piece may begin in the middle of an event
                piece = stream.recv(1000)
                assert piece
                data += piece
        assert next(storm).data == "end"


def test_several_producers(start):
    """Each event arrives whole, in the order of its producer, while listeners come and go."""
    server = start("broadcast_app", 64)
    for _ in range(3):
        get_json(server, "/produce")
    rng = random.Random(1)
    with open_stream(server, "/events") as stream:
        others, data = [], b""
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            if len(others) > 5 or others and rng.random() < 0.4:
                rng.choice([socket.socket.close, reset])(others.pop(rng.randrange(len(others))))
            else:
                others.append(open_stream(server, "/events"))
            data += stream.recv(65536)
            time.sleep(0.01)
        for one in others:
            one.close()
    assert re.fullmatch(rb"(data: \d \d+ x*\n\n|:\n\n?)*", data[: data.rfind(b"\n\n") + 2])
    for producer in (b"0", b"1", b"2"):
        numbers = [int(event[1]) for event in EVENT.findall(data) if event[0] == producer]
        assert numbers == [*range(numbers[0], numbers[0] + len(numbers))]
        assert len(numbers) > 50
    wait_until(lambda: send(server) == 0)


def test_server_starts_again(server):
    get_json(server, "/produce")
    for _ in range(3):
        streams = [open_stream(server, "/events") for _ in range(3)]
        get_json(server, "/restart")
        for stream in streams:
            while stream.recv(65536):
                pass
            stream.close()
        server.wait_listening()
        with listeners(server, 1) as [stream]:
            next(stream)
        wait_until(lambda: state(server)["listeners"] == 0)
