# Event streams over lwIP: who has left is noticed, whatever way he went, and nothing of him stays.

import re
import socket

import pytest
from board import NETWORKS, lost

from eventstreams import open_stream, reset, state
from harness import wait_until

LEAVE = {
    "FIN": lambda stream: stream.close(),
    "RST": reset,
    "half a FIN": lambda stream: stream.shutdown(socket.SHUT_WR),
}


@pytest.fixture(params=NETWORKS, ids=["qemu", "tap"][: len(NETWORKS)])
def program(request, start):
    return start("board_app", 4, tap=request.param)


def first_event(stream):
    data = b""
    while b"\n\n" not in data:
        piece = stream.recv(4096)
        assert piece, f"the stream has ended: {data!r}"
        data += piece
    return data


@pytest.mark.parametrize("target", ["/tick", "/events"])
@pytest.mark.parametrize("how", LEAVE)
def test_who_leaves_is_noticed(program, target, how):
    heaps = []
    for _ in range(3):
        stream = open_stream(program, target)
        first_event(stream)
        LEAVE[how](stream)
        what = "ticking" if target == "/tick" else "listeners"
        wait_until(lambda: state(program)[what] == 0, 5, 0.2)  # noqa: B023
        stream.close()
        heaps.append(wait_until(lambda: settled(program), 15, 0.5)["heap"])
    assert lost(heaps) < 500, heaps


def settled(program):
    """The state, when only the connection that asks for it is left."""
    facts = state(program)
    return facts if facts["connections"] == 1 else None


def test_who_leaves_with_events_unread(program):
    """His system resets the connection."""
    stream = open_stream(program, "/tick")
    wait_until(lambda: state(program)["ticking"] == 1, 5, 0.2)
    stream.close()
    wait_until(lambda: state(program)["ticking"] == 0, 5, 0.2)


def test_no_more_streams_than_places_for_them(program):
    """Of four places two; others are still served."""
    with open_stream(program, "/events") as one, open_stream(program, "/events") as two:
        for _ in range(3):
            assert program.get("/events").status == 503
            assert program.get("/hello").body == b"hello"
        assert first_event(one) and first_event(two)
    wait_until(lambda: state(program)["listeners"] == 0, 5, 0.2)
    with open_stream(program, "/events") as again:
        assert first_event(again)


def test_all_listeners_get_the_same(program):
    with open_stream(program, "/events") as one, open_stream(program, "/events") as two:
        seen = [re.findall(rb"id: (\d+)", take(stream, 4)) for stream in (one, two)]
    for numbers in seen:
        assert [int(number) - int(numbers[0]) for number in numbers] == [0, 1, 2, 3]
    assert set(seen[0]) & set(seen[1])


def take(stream, number):
    data = b""
    while data.count(b"\n\n") < number:
        data += stream.recv(4096)
    return data
