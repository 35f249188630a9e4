# Event streams: their format, how they end, and that they do not disturb each other.

import re
import socket
import time
from contextlib import ExitStack

import pytest

from apps import sse_cases
from eventstreams import events, get_json, open_stream, reset, state
from harness import Process, parse, wait_until

# Opens a stream in the page and returns what came as [type, data, lastEventId], up to "end".
COLLECT = """([target, types]) => new Promise((resolve, reject) => {
  const seen = [], source = new EventSource(target)
  source.onerror = () => { source.close(); reject(`after ${JSON.stringify(seen.slice(-2))}`) }
  for (const type of types) source.addEventListener(type, event => {
    seen.push([event.type, event.data, event.lastEventId])
    if (event.data == 'end') { source.close(); resolve(seen) }
  })
})"""


@pytest.fixture
def server(start):
    return start("sse_app")


@pytest.fixture
def formatter(start):
    return start("sse_format", heap="4m")


def text(data):
    """The data of an event as a client is to get it."""
    data = data.decode() if isinstance(data, bytes) else str(data)
    return re.sub("\r\n|\r", "\n", data)


def expected():
    """(type, data, last id, retry) of each event with data that /cases sends."""
    last, rows = "", [("message", "first", "", None)]
    rows += [("message", text(data), "", None) for data in sse_cases.DATA]
    for fields in sse_cases.FIELDS:
        last = str(fields.get("id", last))
        rows.append((fields.get("event", "message"), "fields", last, fields.get("retry")))
    return [*rows, ("message", "last", last, None)]


def test_format_for_httpx(formatter):
    found = []
    with events(formatter, "/cases") as stream:
        for event in stream:
            found.append((event.event, event.data, event.id, event.retry))
            if event.data == "last":
                break
    assert found == expected()


def test_format_for_chromium(formatter, page):
    page.goto(f"http://{formatter.host}:{formatter.port}/")
    types = sorted({row[0] for row in expected()} | {"nothing", "forged"})
    found = page.evaluate(COLLECT, ["/cases", types])
    rows = [list(row[:3]) for row in expected()]
    assert found == [*rows, ["message", "end", "without data"]]


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_bytes_on_the_wire(formatter, version):
    head = f"GET /wire HTTP/{version}\r\nHost: board\r\n\r\n"
    response, body = parse(formatter.exchange(head.encode()))
    assert sorted(response.headers) == [
        ("Cache-Control", "no-store"),
        ("Connection", "close"),
        ("Content-Type", "text/event-stream"),
        *[("Transfer-Encoding", "chunked")] * (version == "1.1"),
        ("X-Accel-Buffering", "no"),
    ]
    event = b"event: e\nid: 0\nretry: 0\ndata: a\ndata: b\n\n"
    assert re.fullmatch(rb":\n\n?" + event, response.body)
    assert body == b""


def test_fields_of_ones_own(server):
    response, _ = parse(server.exchange(b"GET /foreign HTTP/1.1\r\nHost: board\r\n\r\n"))
    assert response.body == b"data: here\n\n"
    assert response.header("Access-Control-Allow-Origin") == "*"
    assert response.all("Set-Cookie") == ["a=1", "b=2"]
    assert response.header("X-Accel-Buffering") == "no"
    assert response.header("Content-Type") == "text/event-stream"


def test_page_of_another_site_may_listen(server, page):
    """It comes from another port, which is another origin."""
    page.goto(f"http://localhost:{server.port}/")
    collect = """target => new Promise(resolve => {
      const source = new EventSource(target), end = what => { source.close(); resolve(what) }
      source.onmessage = event => end(event.data)
      source.onerror = () => end("refused")
    })"""
    address = f"http://{server.host}:{server.port}"
    assert page.evaluate(collect, address + "/foreign") == "here"
    assert page.evaluate(collect, address + "/brief?retry=100") == "refused"


def test_field_that_would_forge_others(server):
    server.expect_traceback("ValueError")
    response = server.get("/forged?value=a%0d%0aX-Evil:%20yes")
    assert response.status == 500 and response.header("X-Evil") is None
    assert server.get("/forged?value=good").header("X-Own") == "good"


def test_refuses_what_would_forge_events(formatter):
    with events(formatter, "/refused") as stream:
        assert next(stream).data == str(len(sse_cases.REFUSED))


def test_head_request(formatter):
    data = formatter.exchange(b"HEAD /cases HTTP/1.1\r\nHost: board\r\n\r\n")
    response, rest = parse(data, "HEAD")
    assert response.status == 200 and rest == b""
    assert response.header("content-type") == "text/event-stream"


@pytest.mark.parametrize("leave", [socket.socket.close, reset], ids=["close", "reset"])
class TestDisconnect:
    def test_next_send_raises(self, server, leave, package):
        """The first after the close, too; in ahttpserver the task may be cancelled before."""
        stream = open_stream(server, "/wait")
        leave(stream)
        time.sleep(0.05)
        get_json(server, "/tell")
        outcomes = wait_until(lambda: state(server)["outcomes"])
        assert outcomes == ["OSError"] or package == "ahttpserver" and outcomes in (
            ["cancelled"],
            ["sent"],
        )

    @pytest.mark.parametrize("package", ["ahttpserver"])  # nobody can cancel a thread
    def test_handler_that_never_sends(self, server, leave):
        """Its task is cancelled, and what it does in `finally` is not disturbed."""
        stream = open_stream(server, "/wait")
        time.sleep(0.2)
        assert state(server)["streams"] == 1
        leave(stream)
        start = time.monotonic()
        wait_until(lambda: state(server)["outcomes"] == ["cancelled"])
        assert 0.7 < time.monotonic() - start < 0.7 + 2
        wait_until(lambda: state(server)["streams"] == 0)


def test_ten_reloads_leave_one_stream(server, page):
    for number in range(11):
        page.goto(f"http://{server.host}:{server.port}/?{number}#/flood")
        page.wait_for_function("seen.length > 2", timeout=10_000)
    wait_until(lambda: state(server)["streams"] == 1)
    received = page.evaluate("seen.length")
    page.wait_for_function(f"seen.length > {received + 20}")


def longest_gap(server, seconds, target="/flood"):
    """Receives a stream whose events are numbered: none is missing; returns the longest wait."""
    gaps = []
    with events(server, target) as stream:
        number, last = int(next(stream).data.split()[0]), time.monotonic()
        end = last + seconds
        while last < end:
            number += 1
            assert int(next(stream).data.split()[0]) == number
            now = time.monotonic()
            gaps.append(now - last)
            last = now
    return max(gaps)


class TestClientThatStopsReading:
    def test_is_dropped(self, server):
        descriptors = server.descriptors()
        start = time.monotonic()
        with open_stream(server, "/flood?small=1", buffer=4096):
            wait_until(lambda: state(server)["outcomes"] == ["end"])
            assert 0.8 < time.monotonic() - start < 1 + 3
            wait_until(lambda: state(server)["streams"] == 0)
            server.wait_descriptors(descriptors)

    def test_costs_little_memory(self, server):
        before = state(server)["heap"]

        def measured():
            """Twice, while all are there: after a second they are dropped."""
            with ExitStack() as stack:
                for _ in range(4):
                    stack.enter_context(open_stream(server, "/flood?small=1", buffer=4096))
                time.sleep(0.5)  # until nothing more is taken
                early = state(server)
                time.sleep(0.2)
                late = state(server)
            wait_until(lambda: state(server)["streams"] == 0)
            return late["streams"] == 4 and (early["heap"], late["heap"])

        early, late = wait_until(measured, 20)
        assert early - before < 4 * 5000
        assert late - early < 4 * 200  # and no more later

    def test_delays_no_other_stream(self, server):
        alone = longest_gap(server, 0.5)
        streams = [open_stream(server, "/flood?small=1", buffer=4096) for _ in range(4)]
        assert longest_gap(server, 1.5) < max(0.3, 2 * alone)
        wait_until(lambda: len(state(server)["outcomes"]) > len(streams))
        for stream in streams:
            stream.close()


# The program from the description of the project, word for word, and what it needs to run.
GREETING = """
import asyncio
import sys
from ahttpserver import HTTPResponse, HTTPServer
from run_ahttpserver import run

app = HTTPServer("127.0.0.1", int(sys.argv[1]), timeout=1, log=print)

@app.route("GET", "/")
async def hello(reader, writer, request):
    await HTTPResponse(200, "text/plain").send(writer, "hello")

from ahttpserver.sse import EventSource
@app.route("GET", "/api/greeting")
async def api_greeting(reader, writer, request):
    # Say hello every 5 seconds
    eventsource = await EventSource(reader, writer)
    while True:
        asyncio.sleep(5)
        try:
            await eventsource.send(event="greeting", data="hello")
        except Exception as e: # catch (a.o.) ECONNRESET when the client has disappeared
            break # close connection#

run(app)
"""
ENDED = "127.0.0.1 GET /api/greeting 200\n"  # logged when the handler has returned


class TestGreeting:
    @pytest.fixture
    def server(self, tmp_path):
        program = tmp_path / "greeting.py"
        program.write_text(GREETING)
        server = Process(program, tmp_path)
        try:
            server.wait_listening()
            yield server
            server.finish()
        finally:
            server.kill()

    def check_others(self, server, times=10):
        """Other clients are answered."""
        for _ in range(times):
            start = time.monotonic()
            assert server.get("/").body == b"hello"
            assert time.monotonic() - start < 1

    def test_is_read(self, server):
        with events(server, "/api/greeting") as stream:
            for _ in range(3):
                for _ in range(200):
                    event = next(stream)
                    assert (event.event, event.data) == ("greeting", "hello")
                self.check_others(server, 3)
        wait_until(lambda: ENDED in server.output)

    def test_nobody_reads(self, server):
        with open_stream(server, "/api/greeting", buffer=4096):
            self.check_others(server, 20)
            assert ENDED not in server.output
            wait_until(lambda: ENDED in server.output, 30)  # megabytes fit in between
            self.check_others(server, 1)

    @pytest.mark.parametrize("leave", [socket.socket.close, reset], ids=["close", "reset"])
    def test_client_leaves(self, server, leave):
        descriptors = server.descriptors()
        stream = open_stream(server, "/api/greeting")
        stream.recv(10_000)
        leave(stream)
        wait_until(lambda: ENDED in server.output, 3)
        server.wait_descriptors(descriptors)
        assert not server.busy()
