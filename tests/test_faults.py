# Any call of the system's may fail.  Here each of those that serve a connection does, one at a
# time and in various ways, on the sockets of an ESP32 (doubles/).  Whatever fails: nothing wrong
# is sent, the socket is closed, once, the log has at most one line for each request, and the next
# client is served.
#
#     pytest tests/test_faults.py                 each call fails once: FAULTS=1 chooses how
#     FAULTS=all pytest tests/test_faults.py      each call fails in each way

import contextlib
import json
import os
import random
import re
import time

import pytest

from harness import Chunks, parse_one, receive_all, wait_until
from test_profiles import Board

FAULTS = os.environ.get("FAULTS", "1")
EAGAIN = 11
ERRORS = {  # as lwIP numbers them
    0: "MemoryError",
    EAGAIN: "EAGAIN",
    104: "ECONNRESET",
    105: "ENOBUFS",
    113: "ECONNABORTED",
    128: "ENOTCONN",
}
PATIENCE = 3  # seconds; nothing here takes a tenth of that

HEAD = b" HTTP/1.1\r\nHost: board\r\n"
TICK = b"data: tick\n\n"
ERROR = re.compile(rb"HTTP/1.1 [45][^\0]+\r\n\r\n[^\n]+\n$")  # a whole answer
GOOD_END = b"<good end>"
END = None  # the server's close, or an error
# What the client sends, and what it waits for before it goes on.
EXCHANGES = {
    "GET": [(b"GET /good" + HEAD + b"\r\n", END)],
    "two requests": [
        (b"GET /keep" + HEAD + b"\r\n", b"kept"),
        (b"GET /good" + HEAD + b"\r\n", END),
    ],
    "pipelined requests": [(b"GET /keep" + HEAD + b"\r\nGET /good" + HEAD + b"\r\n", END)],
    "POST": [
        (b"POST /echo" + HEAD + b"Content-Length: 5\r\n\r\n", b""),
        (b"hello", b"hello"),
    ],
    "large POST": [
        (b"POST /echo" + HEAD + b"Content-Length: 8000\r\nConnection: close\r\n\r\n", b""),
        (b"x" * 8000, END),
    ],
    "100 Continue": [
        (b"POST /echo" + HEAD + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n", b"\r\n\r\n"),
        (b"hello", b"hello"),
    ],
    "download": [(b"GET /file" + HEAD + b"\r\n", END)],
    "chunks": [(b"GET /chunks" + HEAD + b"Connection: close\r\n\r\n", END)],
    "upload": [
        (b"PUT /file" + HEAD + b"Content-Length: 9000\r\n\r\n" + b"x" * 3000, b""),
        (b"x" * 6000, END),
    ],
    "refused upload": [(b"POST /no" + HEAD + b"Content-Length: 9000\r\n\r\nxxx", END)],
    "bad request": [(b"BAD" + HEAD + b"\r\n", END)],
    "event stream": [(b"GET /events" + HEAD + b"\r\n", TICK * 3)],
    "broadcast": [(b"GET /broadcast" + HEAD + b"\r\n", TICK * 3)],
}


def plain(data):
    """What came, without the framing of the chunks of its last answer, but with its good end."""
    start = max(data.rfind(b"HTTP/1.1 "), 0)
    head, end, rest = data[start:].partition(b"\r\n\r\n")
    if b"\r\nTransfer-Encoding: chunked" in head:
        chunks = Chunks()
        rest = chunks.feed(rest) + GOOD_END * chunks.finished
    return data[:start] + head + end + rest


def talk(server, steps):
    """Goes through the steps as long as the server does; returns all that came."""
    data = b""
    with server.connect(PATIENCE) as connection, contextlib.suppress(ConnectionError):
        for send, until in steps:
            connection.sendall(send)
            while not (ERROR.search(data) if until is END else until in plain(data)):
                piece = connection.recv(65536)
                if not piece:
                    return plain(data)
                data += piece
            time.sleep(0.01)
    return plain(data)


def plausible(data, whole, exchange):
    """Whether the data is what should have come, a part of it, or an error instead of the rest."""
    if TICK in whole:
        whole = whole[: whole.index(TICK)] + TICK * 100
        if exchange == "event stream":  # its application closes it, whatever has failed
            data = data.removesuffix(GOOD_END)
    if whole.startswith(data):
        return True
    last = data.rindex(b"HTTP/1.1 ")
    return whole.startswith(data[:last]) and parse_one(data[last:]).status in (408, 500)


class Faulty:
    """A server whose calls fail; one that was hurt is replaced."""

    def __init__(self, package, folder):
        self.package, self.folder = package, folder
        self.start()

    def start(self):
        self.server = Board("esp32", self.package, "faults_app", self.folder, 20)
        self.server.expect_traceback("MemoryError", times=None)

    def run(self, steps, number, error):
        """Lets a call fail; returns what the client got, the calls and what is wrong."""
        server = self.server
        for name in ("upload.txt", "upload.txt.part"):
            (self.folder / name).unlink(missing_ok=True)
        data, calls, problems = b"", [], []
        try:
            assert server.get(f"/plan/{number}/{error}", timeout=PATIENCE).status == 200
            before = len(server.output)
            data = talk(server, steps)
            assert server.get("/good", timeout=PATIENCE).body == b"good"
            state = wait_until(self.settled, PATIENCE)
            calls = state["calls"]
            if state["twice"]:
                problems.append("closed twice")
            problems += self.left_behind(server.output[before:], steps)
        except (AssertionError, OSError) as problem:
            problems.append(f"{problem!r:.300}")
        if problems or server.unexpected() or server.process.poll() is not None:
            problems += [f"tracebacks: {server.tracebacks}", server.output[-700:]]
            server.kill()
            self.start()
        return data, calls, problems

    def state(self):
        return json.loads(self.server.get("/faults", timeout=PATIENCE).body)

    def settled(self):
        """The state, when the listener and the connection that asks are all that is open."""
        state = self.state()
        return state if state["sockets"] == 2 else None

    def left_behind(self, output, steps):
        """What the log and the folder show."""
        requests = sum(len(re.findall(b"HTTP/1", send)) for send, _ in steps)
        lines = re.findall(r"^127\.0\.0\.1 .*", output, re.M)
        lines = [line for line in lines if "/faults" not in line]
        if not 1 <= len(lines) <= requests + 1:
            yield f"log: {lines}"
        if (self.folder / "upload.txt.part").exists():
            yield "the part of an upload"
        upload = self.folder / "upload.txt"
        if upload.exists() and upload.read_bytes() != b"x" * 9000:
            yield "half an upload"


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    """faulty(package): its Faulty, one for the whole module."""
    started = {}

    def faulty(package):
        if package not in started:
            started[package] = Faulty(package, tmp_path_factory.mktemp(package))
        return started[package]

    yield faulty
    with contextlib.ExitStack() as stack:
        for each in started.values():
            stack.enter_context(each.server)


def plans(count, seed):
    """The calls that fail, and how.  A stream's later calls repeat its earlier ones."""
    count = min(count, 24)
    if FAULTS == "all":
        return [(number, error) for number in range(1, count + 3) for error in ERRORS]
    choose = random.Random(f"{FAULTS} {seed}").choice
    return [(number, choose(list(ERRORS))) for number in range(1, count + 1)]


@pytest.mark.timeout(600 if FAULTS == "all" else 60)
@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_call_fails(faulty, package, exchange):
    steps = EXCHANGES[exchange]
    runs = faulty(package)
    whole, usual, problems = runs.run(steps, 0, 0)
    assert not problems
    failed = []
    for number, error in plans(len(usual), package + exchange):
        data, calls, problems = runs.run(steps, number, error)
        if not plausible(data, whole, exchange):
            problems.append(f"sent {data[-300:]!r}")
        name = ([*calls, *usual[len(calls) :]] + ["?"] * number)[number - 1]
        enough = whole if steps[-1][1] is END else steps[-1][1]
        if name in ("accept", "recv", "send") and error == EAGAIN and enough not in data:
            problems.append(f"only {data[-300:]!r}")
        if problems:
            failed.append("\n".join([f"{number}, {name}, {ERRORS[error]}: {calls}", *problems]))
    wait_until(lambda: runs.state()["connections"] == 1, PATIENCE)
    if failed:
        pytest.fail("\n\n".join(failed), pytrace=False)


@pytest.mark.timeout(600 if FAULTS == "all" else 60)
def test_a_call_fails_when_one_is_turned_away(package, tmp_path):
    with Board("esp32", package, "faults_app", tmp_path, 1) as server:
        server.expect_traceback("MemoryError", times=None)
        for number, error in plans(5, package):
            turn_away(server, number, error)
        wait_until(lambda: server.get("/good").status == 200)
        state = json.loads(server.get("/faults").body)
        assert (state["sockets"], state["twice"]) == (2, 0)


def turn_away(server, number, error):
    """A client comes while another is served in the only place; one of the calls for it fails."""
    with server.connect(PATIENCE * 2) as served:
        served.sendall(f"GET /plan/{number}/{error}/hold".encode() + HEAD + b"\r\n")
        data = b""
        while b"\r\n\r\n" not in data:
            data += served.recv(1000)
        with server.connect(PATIENCE * 2) as client, contextlib.suppress(ConnectionError):
            client.sendall(b"GET /good" + HEAD + b"\r\n")
            answer = receive_all(client)  # 200, if it could only be told later
            assert not answer or parse_one(answer).status in (200, 503)
        assert parse_one(data + receive_all(served)).body == b"held"


# The calls of start(), in this order
STARTING = ["socket", "setsockopt", "bind", "listen", "setblocking", "register"]


@pytest.mark.parametrize("call", STARTING)
def test_a_call_of_start_fails(package, call, tmp_path):
    number = 1 + STARTING.index(call)
    errors = list(ERRORS) if FAULTS == "all" else [0, 112]  # EADDRINUSE
    for error in errors:
        with Board("esp32", package, "faults_start", tmp_path, number, error) as server:
            assert server.get("/good").body == b"good"
            kind = "OSError" if error and call != "register" else "MemoryError"
            assert server.output == f"{kind} {call} 0\n"
