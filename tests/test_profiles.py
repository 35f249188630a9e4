# The sockets of boards are not those of a PC.  Here the doubles of socket and select (doubles/)
# stand in for them: first it is checked that they behave like a board's, then the whole table of
# cases.py is run on each of them.

import json
import socket
import subprocess
import time
from contextlib import ExitStack

import pytest

from cases import CASES
from harness import MICROPYTHON, PACKAGES, ROOT, Process, free_port, parse_one, translate
from test_http import check, deliveries, seen

DOUBLES = ROOT / "tests" / "doubles"
PROFILES = [
    (profile, package)
    for profile in ("esp32", "pycom", "hostile")
    for package in PACKAGES
    if (profile, package) != ("pycom", "ahttpserver")  # its firmware has no asyncio
]


class Board(Process):
    """A server on a board's sockets."""

    def __init__(self, profile, package, name, folder, *args):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("BOARD", profile)
            program = translate(name, package, folder)
            # 224k, what the doubles take, and some: the largest body is held three times
            super().__init__(program, folder, *args, heap="236k", path=[DOUBLES])
        try:
            self.wait_listening()
        except AssertionError:
            self.kill()
            raise
        self.profile = profile
        self.idle = self.descriptors()

    def connect(self, timeout=10):
        """A connected socket; on Pycom boards an end must not come together with data."""
        connection = super().connect(timeout)
        if self.profile == "pycom":
            connection = Apart(fileno=connection.detach())
            connection.settimeout(timeout)
        return connection

    def __enter__(self):
        return self

    def __exit__(self, kind, *exception):
        try:
            if kind is None:
                if self.process.poll() is None:
                    self.wait_descriptors(self.idle)
                self.finish()
        finally:
            self.kill()


class Apart(socket.socket):
    """Sends its end a moment after its data: see test_an_end_that_is_lost."""

    def shutdown(self, how):
        time.sleep(0.003)
        super().shutdown(how)


# The doubles -------------------------------------------------------------------------------------

T = 0.15
ROWS = [
    # the client sends, the time-out, the call, its result on an ESP32, on Pycom if it differs
    ("", T, "sock.readline()", "OSError(116,)", "None"),
    ("", T, "sock.read(5)", "OSError(116,)", "None"),
    ("", T, "sock.readinto(bytearray(5))", "OSError(116,)", "None"),
    ("ab", T, "sock.readline()", "OSError(116,)", "b'ab'"),
    ("ab", T, "sock.read(5)", "OSError(116,)", "b'ab'"),
    ("ab\n", T, "sock.readline()", "b'ab\\n'"),
    ("", T, "sock.recv(5)", "OSError(116,)", "timeout('timed out',)"),
    ("", T, "[listener.settimeout(0.15), listener.accept()]", "OSError(116,)", "OSError(11,)"),
    ("", T, "0 < sock.write(big) < len(big)", "OSError(116,)", "True"),
    ("", T, "0 < sock.send(big) < len(big)", "True"),
    ("", T, "[sock.send(big) for _ in range(9)]", "OSError(116,)", "timeout('timed out',)"),
    ("", 0.05, "sock.readline()", "None"),
    ("", 0.05, "sock.recv(5)", "OSError(11,)", "timeout('timed out',)"),
    ("", 0, "sock.readline()", "None"),
    ("", 0, "sock.read(5)", "None"),
    ("ab", 0, "sock.read(5)", "b'ab'"),
    ("", 0, "sock.recv(5)", "OSError(11,)", "b''"),
    ("", 0, "[listener.setblocking(False), listener.accept()]", "OSError(11,)"),
    ("", 0, "[sock.write(big), sock.write(big)]", "[5744, None]"),
    ("", 0, "[sock.send(big), sock.send(big)]", "OSError(11,)"),
    ("END", 0, "[sock.read(5), sock.read(5)]", "[b'', b'']", "[b'', None]"),
    ("abEND", 0, "[sock.read(5), sock.read(5)]", "[b'ab', b'']", "[b'ab', None]"),
    ("", 0, "poll(sock)", "[]"),
    ("ab", 0, "poll(sock)", "[1]"),
    ("END", 0, "poll(sock)", "[1]"),  # no POLLHUP
    ("END", 0, "[sock.read(5), poll(sock)]", "[b'', [1]]", "[b'', []]"),
    ("END", 0, "[sock.write('a'), poll(sock), sock.write('b')]", "OSError(128,)"),
    ("", None, "address[0]", "'127.0.0.1'"),
    ("", None, "socket.getaddrinfo('127.0.0.1', 80)[0][-1]", "('127.0.0.1', 80)"),
    ("", None, "listener.bind(bytes(16))", "TypeError('object not a tuple',)"),
    ("", None, "[sock.close(), sock.close(), sock.read(5)]", "OSError(9,)"),
    ("", None, "len([sockets.append(socket.socket()) for _ in range(8)])", "8"),
    ("", None, "[sockets.append(socket.socket()) for _ in range(9)]", "OSError(23,)"),
    ("", None, "getattr(errno, 'ETIMEDOUT')", "116"),
]


@pytest.mark.parametrize("profile", ["esp32", "pycom"])
def test_doubles_behave_like_the_board(profile, tmp_path, monkeypatch):
    monkeypatch.setenv("BOARD", profile)
    monkeypatch.setenv("MICROPYPATH", f".frozen:{DOUBLES}")
    (tmp_path / "rows.json").write_text(json.dumps([row[:3] for row in ROWS]))
    run = subprocess.run(
        [MICROPYTHON, DOUBLES / "probe.py", str(free_port())],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert not run.stderr
    expected = [(*row[:3], row[-1 if profile == "pycom" else 3]) for row in ROWS]
    found = [(*row[:3], result) for row, result in zip(ROWS, run.stdout.splitlines(), strict=True)]
    assert found == expected


# The table ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def boards(tmp_path_factory):
    """boards(profile, package): a server of http_app.py, one for the whole module."""
    started = {}

    def board(*which):
        if which not in started or started[which].process.poll() is not None:
            # the first, or the next after one that died, which its __exit__ will tell
            folder = tmp_path_factory.mktemp("-".join(which))
            started[which] = stack.enter_context(Board(*which, "http_app", folder))
            started[which].expect_traceback("ZeroDivisionError", times=None)
            started[which].expect_traceback("ValueError", times=None)
        return started[which]

    with ExitStack() as stack:
        yield board


@pytest.fixture(params=PROFILES, ids="-".join)
def board(request, boards):
    return boards(*request.param)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_case(board, case):
    seen(board)  # what a failed case may have left
    for delivery in deliveries(case):
        if delivery == "in two halves":
            continue  # byte by byte does more, and this mostly waits
        if (delivery, board.profile) == ("half-closed", "pycom"):
            continue  # test_an_end_that_is_lost
        try:
            check(board, case, delivery)
        except (AssertionError, OSError) as problem:
            pytest.fail(f"{delivery}: {problem!r}\nsent {case.send[:500]!r}", pytrace=False)


def test_address_in_the_log(board):
    assert board.get("/keep").status == 200
    assert "127.0.0.1 GET /keep 200\n" in board.output


# What is special on a board ----------------------------------------------------------------------


@pytest.fixture(params=PROFILES, ids="-".join)
def serve(request, tmp_path):
    """serve(timeout=10, ...): a server of hostile_app.py with these arguments of HTTPServer."""

    def serve(**arguments):
        board = Board(*request.param, "hostile_app", tmp_path, json.dumps(arguments))
        return stack.enter_context(board)

    with ExitStack() as stack:
        yield serve


def good(server):
    answer = server.get("/good")
    assert (answer.status, answer.body) == (200, b"good")


def test_more_clients_than_sockets(serve):
    server = serve(backlog=20)  # and six places, with which ten sockets are enough
    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(server.connect())
        good(server)


def test_more_places_than_sockets(serve):
    server = serve(backlog=20, max_connections=20, timeout=0.5)
    with ExitStack() as stack:
        crowd = [stack.enter_context(server.connect()) for _ in range(15)]
        # the board accepts nine of them and drops the others; those nine have half a second
        for connection in crowd:
            assert connection.recv(1) == b""
    good(server)


def test_an_end_that_is_lost(serve):
    # Where lwIP says the end of the stream only once and MicroPython reads until there is nothing
    # more, an end that comes together with data is never heard of.
    server = serve(timeout=0.5)
    answer = server.exchange(b"GET /keep HTTP/1.1\r\nHost: board\r\n\r\n", half_close=True)
    assert parse_one(answer).body == b"kept"
    answer = server.exchange(b"GET /keep HTTP/1.1\r\nHost: board\r\n", half_close=True)
    assert not answer or parse_one(answer).status == 408
    head = b"POST /read HTTP/1.1\r\nHost: board\r\nContent-Length: 9000\r\n\r\n"
    answer = server.exchange(head + b"half a body", half_close=True)
    assert not answer or parse_one(answer).status == 408
    good(server)


def test_answer_larger_than_the_send_buffer(serve):
    answer = serve().get("/big?n=100000")
    assert answer.body == b"x" * 100000
