# The table of cases.py, against both packages and against a server that others trust; then what a
# table of single requests cannot say: order in time, the log, answers that end early.

import json
import random
import socket
import subprocess
import sys
import time
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path

import pytest

from cases import ANY, CASES, TEXT, trusted_differs
from client import Client
from harness import (
    HOST,
    PACKAGES,
    Process,
    free_port,
    listening,
    parse_broken,
    parse_one,
    translate,
    wait_until,
)

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
    """servers(name): a package's server of http_app.py, or "aiohttp"; one for the whole module."""
    started = {}

    def server(name):
        if name not in started:
            started[name] = []
        elif started[name][-1].process.poll() is None:
            return started[name][-1]
        # the first, or the next after one that died, which its finish() will tell
        process = Trusted() if name == "aiohttp" else application(name)
        started[name].append(process)
        return process

    def application(name):
        folder = tmp_path_factory.mktemp(name)
        process = Process(translate("http_app", name, folder), folder)
        process.wait_listening()
        process.expect_traceback("ZeroDivisionError", times=None)
        process.expect_traceback("ValueError", times=None)
        return process

    yield server
    problems = []
    for process in [process for processes in started.values() for process in processes]:
        try:
            process.finish()
        except AssertionError as problem:
            problems.append(str(problem))
    assert not problems, "\n".join(problems)


@pytest.fixture(params=PACKAGES)
def server(request, servers):
    process = servers(request.param)
    seen(process)  # forget what the test before has left
    return process


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


def check_form(case, expected, found):
    """Checks what holds for all answers, so that no case has to say it."""
    assert found.reason == PHRASES.get(found.status, found.reason)
    # the harness has refused whatever else this field may say
    assert not (found.header("transfer-encoding") and b" HTTP/1.0\r\n" in case.send)
    if found.status >= 400:
        assert found.header("content-length") is not None
        assert found.header("content-type") == TEXT
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
            check_form(case, expected, found)
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


def ask(server, data, half_close=False):
    """Sends the data and returns the one answer, which must be all that comes."""
    return parse_one(server.exchange(data, half_close=half_close))


def post(target, *fields, body=b""):
    lines = (f"POST {target} HTTP/1.1", "Host: board", *fields)
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


# RFC 9110 10.1.1: who waits for 100 Continue


def test_100_continue_is_sent_once_when_the_body_is_read(server):
    with server.connect() as connection:
        client = Client(connection)
        connection.sendall(post("/count?size=7", "Expect: 100-continue", "Content-Length: 30"))
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"x" * 15)
        time.sleep(0.05)
        connection.sendall(b"x" * 15)
        assert client.answer().body == b"30"
        assert client.interim == []
        connection.sendall(post("/echo", "Expect: 100-continue", "Transfer-Encoding: chunked"))
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"5\r\nhello\r\n0\r\n\r\n")
        assert json.loads(client.answer().body)["body"] == "hello"
        assert client.interim == []


@pytest.mark.parametrize("field", ["Content-Length: 100000", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("target, status", [("/unread", 200), ("/nowhere", 404), ("/hello", 405)])
def test_no_100_continue_for_a_body_that_nobody_reads(server, target, status, field):
    with server.connect() as connection:
        client = Client(connection)
        begin = time.monotonic()
        connection.sendall(post(target, "Expect: 100-continue", field))
        answer = client.answer()
        assert (answer.status, client.interim) == (status, [])
        # the client may send its body or not: nobody can know where the next request begins
        assert answer.header("connection") == "close"
        assert client.rest() == b""
        assert time.monotonic() - begin < 0.5, "it waited for the body"


def test_413_instead_of_100_continue(server):
    with server.connect() as connection:
        client = Client(connection)
        connection.sendall(post("/echo", "Expect: 100-continue", "Content-Length: 16385"))
        assert client.answer().status == 413
        assert client.interim == []


def test_no_100_continue_behind_the_response(server):
    with server.connect() as connection:
        client = Client(connection)
        connection.sendall(post("/late", "Expect: 100-continue", "Content-Length: 5"))
        while b"first " not in client.data:
            client.data += connection.recv(1000)
        connection.sendall(b"hello")
        assert client.answer().body == b"first hello"
        assert client.interim == []


# RFC 9112 6.3 and 8: messages that end early


@pytest.mark.parametrize(
    "data",
    [
        post("/echo", "Content-Length: 10", body=b"hello"),
        post("/echo", "Content-Length: 10"),
        post("/echo", "Content-Length: 3000", body=b"x" * 2999),
        post("/count", "Content-Length: 10", body=b"hello"),
        post("/lines", "Content-Length: 10", body=b"hello"),
        post("/exactly", "Content-Length: 10", body=b"hello"),
        post("/into", "Content-Length: 10", body=b"hello"),
        post("/echo", "Transfer-Encoding: chunked", body=b"5\r\nhel"),
        post("/echo", "Transfer-Encoding: chunked", body=b"5\r\nhello\r\n"),
        post("/echo", "Transfer-Encoding: chunked", body=b"5\r\nhello\r\n0\r\n"),
        post("/count", "Transfer-Encoding: chunked", body=b"5\r\nhello\r\n"),
        post("/lines", "Transfer-Encoding: chunked", body=b"5\r\nhello\r\n0"),
    ],
)
def test_half_a_body_never_reaches_a_handler_as_if_it_were_whole(server, data):
    found = server.exchange(data, half_close=True)
    assert not found or parse_one(found).status in (400, 408)
    assert seen(server) == []


# What goes out


@pytest.mark.parametrize("status", sorted(set(PHRASES) - {100}))
def test_reason_phrase(server, status):
    answer = server.get(f"/status/{status}")
    assert (answer.status, answer.reason) == (status, PHRASES[status])


def test_no_wrong_reason_phrase(server):
    for status in range(200, 600):
        with server.connect() as connection:
            connection.sendall(b"GET /status/%d HTTP/1.1\r\nHost: a\r\n\r\n" % status)
            answer = Client(connection).answer()
        assert answer.status == status
        if answer.reason in PHRASES.values():
            assert answer.reason == PHRASES.get(status)
        elif status in set(HTTPStatus):
            assert answer.reason in (HTTPStatus(status).phrase, "Unknown")


def random_request(rng):
    """A valid request, in one of its many forms, and what a case would say of its answer."""
    body = "".join(rng.choices("ab\r\n0:", k=rng.choice([0, 1, 5, 100, 1000, 1024, 1025, 3000])))
    field = "\r\nX: " + "x" * rng.choice([0, 1, 900, 1500])
    kind = rng.randrange(5)
    if kind == 0:
        line, rest, body = rng.choice(["GET /echo", "DELETE /echo"]), "", ""
    elif kind == 1:
        line, rest = "POST /echo", f"\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    elif kind == 2:
        line, rest = "PUT /echo", "\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(rng, body)
    elif kind == 3:
        line, rest, body = "HEAD /keep", "", None
    else:
        line, rest = "POST /count?size=" + str(rng.choice([1, 7, 1023, 1024, 5000])), ""
        rest = "\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(rng, body)
        body = len(body)
    end = "" if rest else "\r\n\r\n"
    return f"{line} HTTP/1.1\r\nHost: board{field}{rest}{end}".encode(), body


def chunks(rng, body):
    data = ""
    while body:
        size = rng.choice([1, 2, 100, 1021, 1022, 1023, 1024, 2048])
        chunk, body = body[:size], body[size:]
        data += f"{len(chunk):{rng.choice(['x', 'X', '04x'])}}{rng.choice(['', ';a=b'])}\r\n"
        data += chunk + "\r\n"
    return data + "0\r\n" + rng.choice(["", "X: y\r\n", "X: y\r\nZ: 0\r\n"]) + "\r\n"


@pytest.mark.parametrize("seed", range(20))
def test_random_pipelines(server, seed):
    rng = random.Random(seed)
    requests = [random_request(rng) for _ in range(12)]
    data = b"".join(request for request, _ in requests)
    sizes = rng.choice([[1024, 1025, 2048], [1, 10, 100, 1000], [10000]])
    with server.connect() as connection:
        client = Client(connection)
        position = 0
        while position < len(data):
            size = rng.choice(sizes)
            connection.sendall(data[position : position + size])
            position += size
            if rng.random() < 0.3:
                time.sleep(0.0005)
        for request, body in requests:
            answer = client.answer("HEAD" if body is None else "GET")
            assert answer.status == 200
            if isinstance(body, int):
                assert answer.body == b"%d" % body
            elif body is not None:
                facts = json.loads(answer.body)
                assert request.startswith(facts["method"].encode())
                assert facts["body"] == body
        connection.sendall(PROBE)
        assert client.answer().body == b"kept"
        assert client.data == b""


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("drains", [False, True])
def test_what_is_written_arrives(server, drains, version):
    rng = random.Random(1)
    for _ in range(20):
        words, body = [], b""
        for number in range(rng.randrange(1, 6)):
            size = rng.choice([0, 1, 100, 1000, 2047, 2048, 2049, 4097])
            words.append(str(size))
            body += bytes([97 + number % 26]) * size
            words += ["d"] * (drains and rng.random() < 0.3)
        target = "/pieces?sizes=" + ",".join(words)
        head = f"GET {target} HTTP/{version}\r\nHost: a\r\nConnection: close\r\n\r\n"
        answer = ask(server, head.encode())
        assert answer.body == body, words


@pytest.mark.parametrize("target", ["/heavy", "/heavy?send", "/boom"])
def test_failures_leave_nothing_behind(server, target):
    """Nothing holds the last exception, nor what it holds, when it has been reported."""

    def heap():
        return min(int(server.get("/heap").body) for _ in range(3))

    def fail():
        with suppress(AssertionError):  # with a part of the body its last chunk is missing
            server.get(target)

    server.expect_traceback("Heavy", times=None)
    fail()
    before = heap()
    for _ in range(30):
        fail()
    assert heap() < before + 2000
    with suppress(AssertionError):
        server.get("/boom")  # another one, which holds nothing
    assert before < heap() + 10_000, "the first one was held, and is no more"


def test_body_shorter_than_its_length_closes(server):
    data = server.exchange(b"GET /length?n=20 HTTP/1.1\r\nHost: a\r\n\r\n" + PROBE)
    head, body = data.split(b"\r\n\r\n")
    assert b"Content-Length: 20" in head and body == b"0123456789"


def test_file_that_a_handler_gave_up_closes(server):
    """The next request must not be answered in the middle of the file."""
    data = server.exchange(b"GET /cut HTTP/1.1\r\nHost: a\r\n\r\n" + PROBE)
    head, _, body = data.partition(b"\r\n\r\n")
    assert b"Content-Length: 10007" in head
    assert len(body) < 10007 and b"HTTP/1.1" not in body


def test_body_longer_than_its_length_is_cut(server):
    data = server.exchange(b"GET /length?n=7&drain HTTP/1.1\r\nHost: a\r\n\r\n")
    head, body = data.split(b"\r\n\r\n")
    assert b"Content-Length: 7" in head
    assert b"0123456".startswith(body)


def test_failure_behind_the_head_closes_at_once(server):
    data = server.exchange(b"GET /boom?send&drain HTTP/1.1\r\nHost: a\r\n\r\n" + PROBE)
    assert parse_broken(data).body == b"almost"
    data = server.exchange(b"GET /boom?send&drain HTTP/1.0\r\n\r\n" + PROBE)
    assert parse_one(data).body == b"almost"


def test_head_and_body_leave_in_one_piece(server):
    with server.connect() as connection:
        connection.sendall(b"GET /keep HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.recv(1000).endswith(b"\r\n\r\nkept")


def test_the_server_closes_by_itself(server):
    for data in (
        b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /keep HTTP/1.0\r\n\r\n",
        b"GET /keep HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /stream HTTP/1.0\r\n\r\n",
        b"GET /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ):
        begin = time.monotonic()
        ask(server, data)
        assert time.monotonic() - begin < 0.5
    for data in (b"BAD\r\n\r\n", post("/nowhere", "Content-Length: 2000"), b"GET / HTTP/1.1\n"):
        begin = time.monotonic()
        assert ask(server, data).status >= 400
        assert time.monotonic() - begin < 4, "it reads away for a second, not longer"


# The log


def log_of(server, data, lines=1):
    """The lines that are logged for the data; a line may come a little behind its answer."""
    time.sleep(0.02)
    before = len(server.output)
    server.exchange(data, half_close=True)
    wait_until(lambda: server.output[before:].count("\n") >= lines)
    time.sleep(0.02)
    return server.output[before:].splitlines()


def test_log(server):
    get = b"GET /keep?a=%0a%20b HTTP/1.1\r\nHost: a\r\n\r\n"
    assert log_of(server, get) == ["127.0.0.1 GET /keep?a=%0a%20b 200"]
    assert log_of(server, get * 2, 2) == ["127.0.0.1 GET /keep?a=%0a%20b 200"] * 2
    assert log_of(server, post("/nowhere")) == ["127.0.0.1 POST /nowhere 404"]
    assert log_of(server, b"HEAD /count HTTP/1.0\r\n\r\n") == ["127.0.0.1 HEAD /count 405"]
    refused = log_of(server, b"GET /a\x1b[31m HTTP/1.1\r\nHost: a\r\n\r\n")
    assert len(refused) == 1 and refused[0].endswith(" 400") and "\x1b" not in refused[0]
    failed = log_of(server, b"GET /boom HTTP/1.0\r\n\r\n")
    assert [line for line in failed if line.startswith("127.")] == ["127.0.0.1 GET /boom 500"]
    assert log_of(server, b"GET /raw HTTP/1.0\r\n\r\n") == ["127.0.0.1 GET /raw -"]
    assert log_of(server, b"GET /own HTTP/1.0\r\n\r\n") == ["127.0.0.1 GET /own -"]
    drained = log_of(server, b"GET /stream HTTP/1.0\r\n\r\n")
    assert drained == ["127.0.0.1 GET /stream 200"]
    raw = log_of(server, "GET /item/é HTTP/1.0\r\n\r\n".encode())
    assert len(raw) == 1 and raw[0].startswith("127.0.0.1 GET /item/") and raw[0].endswith(" 200")
