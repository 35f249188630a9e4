# What the tests share: real MicroPython running a test application, raw exchanges with it, and a
# strict parser of what comes back.
#
# A test of both packages asks for the fixture `start` (conftest.py):
#
#     def test_hello(start):
#         server = start("hello")                     # tests/apps/hello.py, heap of 224k
#         response = server.get("/")
#         assert response.status == 200 and response.body == b"hello"
#
#     def test_error(start):
#         server = start("hello", heap="128k")
#         server.expect_traceback("ValueError")       # otherwise a traceback fails the test
#         assert server.get("/error").status == 500
#
# The test fails at its end when the process died (unless expect_exit) or when it printed a
# traceback that was not announced.

import os
import re
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from mirror import to_sync

ROOT = Path(__file__).parent.parent
APPS = ROOT / "tests" / "apps"
MICROPYTHON = Path(os.environ.get("MICROPYTHON") or Path(sys.executable).with_name("micropython"))
MICROPYTHON = MICROPYTHON.absolute()  # tests start it in folders of their own
PACKAGES = ("ahttpserver", "httpserver")
DEMO = {"ahttpserver": "ademo", "httpserver": "demo"}  # the packages' demonstrations
HOST = "127.0.0.1"
TRACEBACK = re.compile(r"^Traceback \(most recent call last\):\n(?:[ \t].*\n)*(.*)", re.M)


def free_port():
    """A TCP port nobody uses right now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def wait_until(condition, timeout=5, interval=0.01):
    """Polls until condition() is true and returns what it gave; fails after the time-out."""
    end = time.monotonic() + timeout
    while not (result := condition()):
        assert time.monotonic() < end, f"still not true after {timeout} s"
        time.sleep(interval)
    return result


def listening(port, pid="self"):
    """Whether a socket listens on the port; asks the kernel, so no connection is spent on it.

    pid: a process of the network namespace that is meant."""
    try:
        with open(f"/proc/{pid}/net/tcp") as table:
            return any(f":{port:04X} 00000000:0000 0A " in line for line in table)
    except FileNotFoundError:  # it has just ended
        return False


def translate(name, package, folder):
    """Returns the program of a test application; for httpserver it is written into the folder."""
    if package == "ahttpserver":
        return APPS / f"{name}.py"
    for path in APPS.glob("*.py"):
        if not path.name.startswith("run_"):
            (folder / path.name).write_text(to_sync(path.read_text()))
    return folder / f"{name}.py"


class Process:
    """MicroPython running a program that listens on .port; .output is all it has printed."""

    def __init__(
        self, program, folder, *args, heap="224k", path=(), within=(), micropython=MICROPYTHON
    ):
        self.host, self.port = HOST, free_port()
        self.announced, self.exit_expected = [], False
        self._log = Path(folder) / f"output-{self.port}.txt"
        path = [".frozen", *map(str, path), str(ROOT), str(APPS)]
        command = [*within, micropython, "-X", f"heapsize={heap}", program, self.port, *args]
        with open(self._log, "wb") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                cwd=folder,
                env={**os.environ, "MICROPYPATH": ":".join(path)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.pid = self.process.pid

    @property
    def output(self):
        return self._log.read_text(errors="replace")

    @property
    def tracebacks(self):
        """The last line of each traceback printed so far."""
        return TRACEBACK.findall(self.output)

    def wait_listening(self, timeout=10):
        """Returns when the program listens; fails with its output when it does not."""
        end = time.monotonic() + timeout
        while not listening(self.port, self.pid):
            running = self.process.poll() is None and time.monotonic() < end
            assert running, f"the server does not listen:\n{self.output}"
            time.sleep(0.005)

    def expect_traceback(self, text, times=1):
        """Announces tracebacks whose last line contains the text; times=None: any number."""
        self.announced.append((text, times))

    def expect_exit(self):
        """Announces that the process ends by itself, with status 0."""
        self.exit_expected = True

    def unexpected(self):
        """Describes how the tracebacks differ from the announced ones; "" when they do not."""
        found, problems = self.tracebacks, []
        for text, times in self.announced:
            matching = [line for line in found if text in line]
            found = [line for line in found if text not in line]
            if times is not None and len(matching) != times:
                problems.append(f"{len(matching)} tracebacks of {text!r} instead of {times}")
        return "; ".join(problems + [f"traceback of {line!r}" for line in found])

    def busy(self):
        """Whether one of its threads is running or about to run."""
        try:
            stats = [path.read_text() for path in Path(f"/proc/{self.pid}/task").glob("*/stat")]
        except OSError:  # a thread has just ended
            return True
        return any(stat.rpartition(")")[2].split()[0] == "R" for stat in stats)

    def kill(self):
        """Ends the process now, without looking at how it did."""
        self.process.kill()
        self.process.wait()

    def finish(self):
        """Ends the process and fails when it had died or printed what nobody announced."""
        end = time.monotonic() + 1  # what was just caused may not be printed yet
        time.sleep(0.01)
        while self.process.poll() is None and time.monotonic() < end:
            if not self.busy() and not self.unexpected():
                break
            time.sleep(0.01)
        if self.exit_expected:
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                pass
        status = self.process.poll()
        self.kill()
        assert status == (0 if self.exit_expected else None), f"ended: {status}\n{self.output}"
        assert not self.unexpected(), f"{self.unexpected()}\n{self.output}"

    def descriptors(self):
        """How many file descriptors the process has open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def wait_descriptors(self, number, timeout=5):
        """Returns when the process has at most this many open; fails after the time-out."""
        wait_until(lambda: self.descriptors() <= number, timeout)

    def socket(self):
        """A socket from which the server can be reached."""
        return socket.socket()

    def connect(self, timeout=10):
        """A connected socket; use it in a with statement."""
        connection = socket.create_connection((self.host, self.port), timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def exchange(self, *pieces, pause=0.05, half_close=False, timeout=10):
        """Sends the pieces, pausing between them, and returns all that comes until the close.

        A reset raises ConnectionResetError: it may have destroyed an answer."""
        with self.connect(timeout) as connection:
            for number, piece in enumerate(pieces):
                if number:
                    time.sleep(pause)
                connection.sendall(piece)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            return receive_all(connection)

    def request(self, method, target, *fields, body=b"", timeout=10):
        """Makes one request that asks for close; fields are such as "Accept: text/html"."""
        if body:
            fields = (*fields, f"Content-Length: {len(body)}")
        lines = (f"{method} {target} HTTP/1.1", "Host: board", "Connection: close", *fields)
        head = "\r\n".join(lines).encode() + b"\r\n\r\n"
        return parse_one(self.exchange(head + body, timeout=timeout), method)

    def get(self, target, *fields, timeout=10):
        return self.request("GET", target, *fields, timeout=timeout)


def receive_all(connection):
    """Reads a socket until the other side closes."""
    data = bytearray()
    while piece := connection.recv(65536):
        data += piece
    return bytes(data)


@dataclass
class Response:
    status: int
    reason: str
    headers: list  # of (name, value), as sent
    body: bytes

    def all(self, name):
        """The values of all fields of this name."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name):
        """The value of a field that occurs at most once; None when it does not occur."""
        values = self.all(name)
        assert len(values) < 2, f"{name} occurs {len(values)} times"
        return values[0] if values else None


STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5]\d\d) ([\x20-\x7e]*)")
FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): (|[\x21-\xff](?:[\t\x20-\xff]*[\x21-\xff])?)")


class Unfinished(AssertionError):
    """The last chunk of a body has not come.  .response: what has."""

    def __init__(self, response):
        super().__init__(f"no last chunk behind {response}")
        self.response = response


class Chunks:
    """Takes the framing off a chunked body (RFC 9112 section 7.1); fails on any wrong form.

    No extensions and no trailers: the servers send none."""

    SIZE = re.compile(rb"([0-9a-fA-F]{1,8})\r\n")
    SIZE_SO_FAR = re.compile(rb"[0-9a-fA-F]{0,8}\r?")

    def __init__(self):
        self.rest = b""  # what has come and was not taken yet; behind the last chunk what follows
        self.left = 0  # bytes of the chunk that are still to come
        self.ends = False  # a CR LF is next
        self.last = False  # the last chunk has begun
        self.finished = False

    def feed(self, data):
        """Takes more of what has come; returns the part of the body that is in it."""
        self.rest += data
        body = b""
        while not self.finished:
            if self.left:
                piece, self.rest = self.rest[: self.left], self.rest[self.left :]
                body += piece
                self.left -= len(piece)
                if self.left:
                    break
                self.ends = True
            elif self.ends:
                assert b"\r\n".startswith(self.rest[:2]), f"{self.rest[:20]!r} behind a chunk"
                if len(self.rest) < 2:
                    break
                self.rest, self.ends, self.finished = self.rest[2:], False, self.last
            else:
                size = self.SIZE.match(self.rest)
                if not size:
                    so_far = self.SIZE_SO_FAR.fullmatch(self.rest)
                    assert so_far, f"wrong size of a chunk: {self.rest[:20]!r}"
                    break
                self.left, self.rest = int(size[1], 16), self.rest[size.end() :]
                self.last = self.ends = not self.left
        return body


def parse(data, method="GET"):
    """Takes the first response off the data: returns it and the rest.  Fails on any wrong form.

    Without Content-Length and chunks the body is all that is left, and the head must say so.
    Raises Unfinished when the last chunk is missing."""
    head, end, rest = data.partition(b"\r\n\r\n")
    assert end, f"no end of head: {data!r}"
    status_line, *lines = head.split(b"\r\n")
    match = STATUS_LINE.fullmatch(status_line)
    assert match, f"wrong status line: {status_line!r}"
    headers = []
    for line in lines:
        field = FIELD.fullmatch(line)
        assert field, f"wrong header field: {line!r}"
        headers.append((field[1].decode(), field[2].decode("latin-1")))
    response = Response(int(match[1]), match[2].decode(), headers, b"")
    length = response.header("Content-Length")
    coding = response.header("Transfer-Encoding")
    assert coding in (None, "chunked") and None in (coding, length), headers
    if method == "HEAD" or response.status < 200 or response.status in (204, 304):
        assert response.status >= 200 or length is None
        assert method == "HEAD" or coding is None, headers
        return response, rest
    if coding:
        chunks = Chunks()
        response.body = chunks.feed(rest)
        if not chunks.finished:
            raise Unfinished(response)
        return response, chunks.rest
    if length is None:
        assert response.header("Connection") == "close", f"where does the body end? {headers}"
        response.body = rest
        return response, b""
    assert re.fullmatch("[0-9]+", length), f"wrong Content-Length: {length!r}"
    assert len(rest) >= int(length), f"{len(rest)} bytes of a body of {length}"
    response.body = rest[: int(length)]
    return response, rest[int(length) :]


def parse_broken(data):
    """Parses data that must be the beginning of one response whose last chunk is missing."""
    try:
        response, _ = parse(data)
    except Unfinished as broken:
        return broken.response
    raise AssertionError(f"not broken off: {response}")


def parse_one(data, method="GET"):
    """Parses data that must be exactly one response."""
    response, rest = parse(data, method)
    assert not rest, f"{rest!r} after the response"
    return response


def parse_all(data, *methods):
    """Parses the responses to pipelined requests, GET where no methods are given."""
    responses = []
    while data:
        method = methods[len(responses)] if len(responses) < len(methods) else "GET"
        response, data = parse(data, method)
        responses.append(response)
    return responses
