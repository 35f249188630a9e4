# More clients than a board has places and connections: silent, slow, dribbling ones, and such that
# ask for much and do not read.  All of it through a tap device: QEMU's own TCP takes connections
# that the board never sees, and reads in its clients' stead.

import select
import socket
import threading
import time

import pytest
from board import ALL

from client import Client
from eventstreams import get_json, state
from harness import ROOT, wait_until

PAGE = (ROOT / "index.html").read_bytes()
KEEP = b"GET /keep HTTP/1.1\r\nHost: board\r\n\r\n"


class Polite:
    """Clients that close when the server does, as browsers do: silent ones, or idle ones."""

    def __init__(self, program, number, idle):
        self.open, self.failed, self._stop = [], 0, False
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        for _ in range(number):
            try:
                connection = program.connect(5)
                self.open.append(connection)
                if idle:
                    connection.sendall(KEEP)
            except OSError:
                self.failed += 1
            time.sleep(0.05)

    def _watch(self):
        while not self._stop:
            ready, _, _ = select.select(self.open, [], [], 0.02)
            for connection in ready:
                try:
                    ended = not connection.recv(4096)
                except OSError:
                    ended = True
                if ended:
                    self.open.remove(connection)
                    connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._stop = True
        self._thread.join()
        for connection in self.open:
            connection.close()


@pytest.fixture
def program(start):
    return start("board_app", 4, tap=True)


@pytest.mark.parametrize("number", [4, 8])
@pytest.mark.parametrize("idle", [False, True], ids=["silent", "idle"])
def test_more_clients_than_places(program, number, idle):
    """With four places of five connections a newcomer need not wait for a time-out."""
    with Polite(program, number, idle) as clients:
        for _ in range(3):
            begin = time.monotonic()
            assert program.get("/hello").body == b"hello"
            assert time.monotonic() - begin < 3
        assert not clients.failed


def test_slow_clients_are_served(program):
    """A head byte by byte, beside others who are not held up."""
    with program.connect() as slow:
        client = Client(slow)
        for byte in KEEP:
            slow.sendall(bytes([byte]))
            time.sleep(0.01)
        assert client.answer().body == b"kept"
        assert program.get("/page").body == PAGE


def test_a_burst(program):
    """Ten at once; whoever is not served is told so, or finds the door shut."""
    answers = []

    def ask():
        try:
            answers.append(program.get("/hello", timeout=15).status)
        except (OSError, AssertionError):
            answers.append(None)

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(200) >= 8 and set(answers) <= {200, 503, None}, answers
    assert wait_until(lambda: state(program), 5)["connections"] == 1


@pytest.mark.parametrize("number", [2, 3, 4])
def test_downloads_beside_each_other(program, number):
    bodies = []
    threads = [
        threading.Thread(target=lambda: bodies.append(program.get("/page", timeout=40).body))
        for _ in range(number)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bodies == [PAGE] * number


def ask_and_not_read(program, thousands):
    connection = program.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    connection.settimeout(5)
    connection.connect((program.host, program.port))
    connection.sendall(b"GET /big?thousands=%d HTTP/1.1\r\nHost: board\r\n\r\n" % thousands)
    return connection


@pytest.mark.parametrize("number", [1, 2] if ALL else [2])
def test_who_does_not_read_does_not_stop_the_others_for_long(program, number):
    """What lwIP holds for him is missing for the rest, until his time is up; 30 s, say."""
    stalled = [ask_and_not_read(program, 100) for _ in range(number)]
    time.sleep(1)
    wait_until(lambda: whole_page(program), 90, 0.2)
    for connection in stalled:
        connection.close()
    wait_until(lambda: get_json(program, "/state")["connections"] == 1, 15, 0.5)


def whole_page(program):
    try:
        return program.get("/page", timeout=20).body == PAGE
    except (OSError, AssertionError):
        return False


def test_silent_clients_that_never_close(program):
    """They hold the connections of lwIP: for their 10 s, and 10 s of FIN_WAIT_2."""
    silent = [program.connect() for _ in range(4)]
    wait_until(lambda: whole_page(program), 60, 0.2)
    for connection in silent:
        connection.close()
