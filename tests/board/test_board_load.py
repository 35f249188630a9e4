# 2000 requests, one after the other: then Python's heap and all that lwIP counts are back.

import pytest

from client import Client
from eventstreams import state
from harness import wait_until

NUMBER = 1000  # of each kind
KEEP = b"GET /keep HTTP/1.1\r\nHost: board\r\n\r\n"
POOLS = ("tcp_seg", "pbuf_pool", "pbuf", "heap")


@pytest.mark.parametrize("tap", [False, True], ids=["qemu", "tap"])
def test_two_thousand_requests(start, tap):
    program = start("board_app", 4, tap=tap)
    ask(program, 100)  # until all tables have grown
    before = wait_until(lambda: rested(program), 15, 0.5)
    ask(program, NUMBER)
    after = wait_until(lambda: rested(program), 15, 0.5)
    assert after["heap"] - before["heap"] < 1000, (before, after)
    assert in_use(after) == in_use(before)


def ask(program, number):
    """So many requests with a connection each, and so many on one."""
    for _ in range(number):
        assert program.get("/hello").body == b"hello"
    with program.connect() as connection:
        client = Client(connection)
        for _ in range(number):
            connection.sendall(KEEP)
            assert client.answer().body == b"kept"


def at_rest(program):
    """The state, asked for twice: the first answer has something of its own on the heap."""
    state(program)
    return state(program)


def rested(program):
    facts = at_rest(program)
    return facts if facts["connections"] == 1 else None


def in_use(facts):
    return {name: facts["lwip"][name][0] for name in POOLS}
