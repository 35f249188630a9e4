# The table of cases.py, against both packages and against a server that others trust; then what a
# table of single requests cannot say: order in time, the log, answers that end early.

import json
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from cases import ANY, CASES, trusted_differs
from client import Client
from harness import HOST, PACKAGES, Process, free_port, listening, translate, wait_until

PROBE = b"GET /keep HTTP/1.1\r\nHost: probe\r\n\r\n"
SEEN = b"GET /seen HTTP/1.1\r\nHost: board\r\nConnection: close\r\n\r\n"
PHRASES = {
    100: "Continue", 200: "OK", 201: "Created", 202: "Accepted", 204: "No Content",
    206: "Partial Content", 301: "Moved Permanently", 302: "Found", 303: "See Other",
    304: "Not Modified", 307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request",
    401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    408: "Request Timeout", 409: "Conflict", 413: "Content Too Large", 414: "URI Too Long",
    415: "Unsupported Media Type", 416: "Range Not Satisfiable", 417: "Expectation Failed",
    422: "Unprocessable Content", 429: "Too Many Requests",
    431: "Request Header Fields Too Large", 500: "Internal Server Error", 501: "Not Implemented",
    503: "Service Unavailable", 505: "HTTP Version Not Supported",
}  # fmt: skip


class Trusted:
    """aiohttp with the routes of http_app.py."""

    def __init__(self):
        self.port = free_port()
        program = Path(__file__).with_name("trusted.py")
        self.process = subprocess.Popen([sys.executable, program, str(self.port)])
        wait_until(lambda: listening(self.port), 10)

    def connect(self, timeout=10):
        connection = socket.create_connection((HOST, self.port), timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def finish(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """servers(name): a package's server of http_app.py, or "aiohttp"; started at the first use."""
    running = {}

    def server(name):
        if name in running and running[name].process.poll() is None:
            return running[name]
        assert name not in running, f"died:\n{running[name].output[-3000:]}"
        if name == "aiohttp":
            running[name] = Trusted()
        else:
            folder = tmp_path_factory.mktemp(name)
            running[name] = Process(translate("http_app", name, folder), folder)
            running[name].wait_listening()
            running[name].expect_traceback("ZeroDivisionError", times=None)
            running[name].expect_traceback("ValueError", times=None)
        return running[name]

    yield server
    for process in running.values():
        process.finish()


@pytest.fixture(params=PACKAGES)
def server(request, servers):
    return servers(request.param)


def send(connection, data, delivery):
    """Sends the data in one of the ways a network may deliver it."""
    if delivery == "byte by byte":
        for byte in data:
            connection.send(bytes([byte]))
    elif delivery == "in two halves":
        connection.sendall(data[: len(data) // 2])
        time.sleep(0.005)
        connection.sendall(data[len(data) // 2 :])
    else:
        connection.sendall(data)
        if delivery == "half-closed":
            connection.shutdown(socket.SHUT_WR)


def deliveries(case):
    yield "whole"
    if len(case.send) < 6000:
        yield "byte by byte"
    yield "in two halves"
    if not case.partial:
        yield "half-closed"


def check_answer(expected, found):
    """Compares one answer with what the case says."""
    assert found.status in expected.statuses, found
    for name, value in expected.header.items():
        if name == "allow":
            assert {method.strip() for method in found.header(name).split(",")} == value
        elif isinstance(value, list):
            assert found.all(name) == value
        else:
            assert found.header(name) == value, name
    if found.status < 400 and expected.body is not None:
        body = expected.body
        assert found.body == (body.encode() if isinstance(body, str) else body)
    if expected.saw and found.status < 400:
        check_saw(expected.saw, json.loads(found.body))


def check_saw(expected, facts):
    """Compares what the handler saw; of the header only the fields that the case names."""
    for name, value in expected.get("header", {}).items():
        assert facts["header"].get(name) == value
    for name, value in expected.items():
        if name != "header":
            assert facts[name] == value, name


def check_form(expected, found):
    """Checks what holds for all answers, so that no case has to say it."""
    assert found.reason == PHRASES.get(found.status, found.reason)
    assert found.header("transfer-encoding") is None
    if found.status >= 400:
        assert found.header("content-length") is not None
        assert found.header("content-type") == "text/plain"
        assert expected.head or 0 < len(found.body) < 200


def check_end(client, alive):
    """Checks that the connection is alive, or that nothing more is answered on it."""
    try:
        client.connection.sendall(PROBE)
    except OSError:
        assert not alive, "closed"
    if alive:
        probe = client.answer()
        assert (probe.status, probe.body) == (200, b"kept"), probe
    with suppress(OSError):
        client.connection.shutdown(socket.SHUT_WR)
    assert client.rest() == b"", "an answer too many"


def seen(server):
    """The handlers that ran since this was asked last; the probe of check_end does not count."""
    with server.connect() as connection:
        connection.sendall(SEEN)
        return json.loads(Client(connection).answer().body)


def check_ran(server, case, probes):
    """Checks that no part of a request was taken for another."""
    ran = seen(server)
    assert "GET /smuggled" not in ran
    assert case.runs in (ANY, len(ran) - probes), ran


def check(server, case, delivery):
    """Runs a case in one delivery."""
    # Behind a served request the connection may close at once; an error must await what is sent.
    patient = case.answers[-1].statuses[0] >= 400
    with server.connect() as connection:
        client = Client(connection)
        with suppress(*() if patient else (OSError,)):
            send(connection, case.send, delivery)
        for expected in case.answers:
            found = client.answer("HEAD" if expected.head else "GET")
            check_answer(expected, found)
            check_form(expected, found)
        alive = found.header("connection") != "close"
        assert case.closed in (None, not alive), found
        if delivery == "half-closed":
            assert client.rest() == b"", "an answer too many"
            alive = False
        else:
            check_end(client, alive)
    check_ran(server, case, probes=alive)


def check_trusted(server, case, timeout):
    """Runs a case against the trusted server: what it says of itself is not compared."""
    with server.connect() as connection:
        client = Client(connection, lenient=True)
        connection.sendall(case.send)
        for expected in case.answers:
            found = client.answer("HEAD" if expected.head else "GET", timeout)
            header = {**expected.header}
            header.pop("connection", None)
            check_answer(expected._replace(header=header), found)
        if case.closed is not None:
            check_end(client, not case.closed)
    check_ran(server, case, probes=case.closed is False)


PARAMETERS = [pytest.param(case, id=case.name) for case in CASES]


@pytest.mark.parametrize("case", PARAMETERS)
def test_case(server, case):
    seen(server)  # what a failed case may have left
    for delivery in deliveries(case):
        try:
            check(server, case, delivery)
        except (AssertionError, OSError) as problem:
            pytest.fail(f"{delivery}: {problem!r}\nsent {case.send[:500]!r}", pytrace=False)


@pytest.mark.parametrize("case", PARAMETERS)
def test_case_trusted(servers, case):
    trusted = servers("aiohttp")
    seen(trusted)
    if trusted_differs(case):
        with pytest.raises((AssertionError, OSError)):
            check_trusted(trusted, case, timeout=0.3)
            pytest.fail("it no longer differs", pytrace=False)
    else:
        check_trusted(trusted, case, timeout=5)
