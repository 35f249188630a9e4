# A phone that leaves the Wi-Fi says nothing.  Its event stream must not take the board with it:
# lwIP's memory of 8 kB, which all connections share, holds what it will never acknowledge.
#
# The board has what a Pico W has.  Each second an event is sent; a good client asks for a page of
# 8 kB every four; another page listens; a third wants to.  One minute of it, all scenarios at the
# same time, as they mostly wait; VANISH_MINUTES=5 takes longer.

import http.client
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

import board
import pytest
import tap

from harness import PACKAGES, ROOT

MINUTES = float(os.environ.get("VANISH_MINUTES") or (5 if board.ALL else 1))
PAGE = (ROOT / "index.html").read_bytes()
SCENARIOS = {"one of two": 1, "both": 2}

pytestmark = pytest.mark.timeout(60 * MINUTES + 300)


class Phone(threading.Thread):
    """A page with an EventSource, in a phone: it comes back 1 s after the end of its stream.

    After a 503 the page makes another EventSource, 2 s later, which asks for what it has missed.
    .seen: the number of each event, and when it came; .refused: how often 503 came."""

    def __init__(self, server, address):
        super().__init__(daemon=True)
        self.server, self.address = server, address
        self.seen, self.refused, self.problems = [], 0, []
        self.begin, self.left, self.retry = time.monotonic(), False, 3.0
        self.start()

    def run(self):
        while not self.left:
            try:
                pause = self.listen()
            except (OSError, http.client.HTTPException) as problem:
                self.problems.append(repr(problem))
                pause = self.retry
            time.sleep(pause)

    def listen(self):
        """One stream, up to its end; returns how long to wait for the next."""
        connection = http.client.HTTPConnection(self.server.host, timeout=20)
        connection.sock = self.server.board.net.socket(self.address)
        connection.sock.settimeout(20)
        with closing(connection):
            connection.sock.connect((self.server.host, self.server.port))
            last = f"?last={self.seen[-1][0]}" if self.seen else ""
            connection.request("GET", "/events" + last)
            response = connection.getresponse()
            if response.status != 200:
                assert response.status == 503, response.status
                self.refused += 1
                return 2
            self.take(response)
        return self.retry

    def take(self, response):
        while not self.left and (line := response.readline()):
            name, _, value = line.decode().strip().partition(": ")
            if name == "id":
                self.seen.append((int(value), time.monotonic() - self.begin))
            elif name == "retry":
                self.retry = int(value) / 1000
        self.keep = self.left and response  # whoever has left does not close, either


class Scenario:
    """One board, one program, phones; what came of it is in its attributes."""

    def __init__(self, package, folder, vanishing):
        self.vanishing, self.late, self.lost, self.pages = vanishing, [], [], 0
        with closing(tap.Network()) as net:
            addresses = [net.arrive(number) for number in range(3)]
            with board.running("board_app", package, folder, 4, net=net) as self.server:
                self.play(net, addresses)

    def play(self, net, addresses):
        phones = [Phone(self.server, address) for address in addresses[:2]]
        end = time.monotonic() + 10
        while not all(len(phone.seen) > 1 for phone in phones):
            assert time.monotonic() < end, [phone.problems for phone in phones]
            time.sleep(0.1)
        for number, phone in enumerate(phones[: self.vanishing]):
            phone.left = True
            net.leave(number)
        self.began = time.monotonic()
        self.third = Phone(self.server, addresses[2])
        self.living = phones[1] if self.vanishing == 1 else None
        while (now := time.monotonic() - self.began) < 60 * MINUTES:
            self.ask_for_the_page(now)
            time.sleep(max(0, self.began + now + 4 - time.monotonic()))
        self.end = time.monotonic() - phones[1].begin
        for phone in (*phones, self.third):
            phone.left = True
        self.output = self.server.output

    def ask_for_the_page(self, now):
        self.pages += 1
        begin, body = time.monotonic(), None
        with suppress(OSError, AssertionError):
            body = self.server.get("/page", timeout=30).body
        took = time.monotonic() - begin
        if body != PAGE:
            self.lost.append((round(now), round(took, 1)))
        elif took > 5:
            self.late.append((round(now), round(took, 1)))


@pytest.fixture(scope="module")
def played(firmware, tmp_path_factory):
    """All scenarios: {(package, name): Scenario, or what went wrong}."""
    try:
        tap.Network().close()
    except OSError as problem:
        pytest.skip(f"no tap device can be made here: {problem}")
    with ThreadPoolExecutor(len(PACKAGES) * len(SCENARIOS)) as pool:
        futures = {
            (package, name): pool.submit(
                Scenario, package, tmp_path_factory.mktemp("vanish"), vanishing
            )
            for package in PACKAGES
            for name, vanishing in SCENARIOS.items()
        }
    return futures


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_phone_that_leaves_without_a_word(played, package, name):
    scenario = played[package, name].result()
    story = (
        f"{scenario.pages} pages, (at, after): lost {scenario.lost}, late {scenario.late}; third: "
        f"refused {scenario.third.refused}, {scenario.third.problems}, {scenario.third.seen[:1]}"
    )
    print(story)
    assert not scenario.late, story
    assert len(scenario.lost) <= 1 and all(at < 60 for at, _ in scenario.lost), story
    assert scenario.third.seen and scenario.third.seen[0][1] < 60, story
    if scenario.living:
        numbers = [number for number, _ in scenario.living.seen]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), story
        assert scenario.end - scenario.living.seen[-1][1] < 5, (story, scenario.living.problems)
