# Nothing that a stranger sends, or does not send, can hurt: whatever happens here, the server
# lives, closes each socket, keeps its memory, and serves a good client beside it.  At the end of
# each test the harness checks that the process lives and that it has printed no traceback.

import json
import os
import random
import re
import resource
import select
import socket
import struct
import threading
import time
from contextlib import ExitStack
from urllib.parse import quote

import pytest

from client import Client
from harness import parse_one, wait_until

GOOD = b"GET /good HTTP/1.1\r\nHost: board\r\n\r\n"
KEEP = b"GET /keep HTTP/1.1\r\nHost: board\r\n\r\n"
ALL = os.environ.get("CROWDS") == "all"
STATUSES = {200, 204, 400, 404, 405, 408, 413, 414, 417, 431, 500, 501, 503, 505}
# Far more than a good client ever waits (a few ms), far less than a stuck server needs (10 s).
PATIENCE = 1
CROWDED = 2.5  # the same when others have taken all places, which they must leave after 500 ms


@pytest.fixture
def serve(start):
    """serve(timeout=10, ...): a server of hostile_app.py with these arguments of HTTPServer."""
    return lambda heap="224k", **arguments: start("hostile_app", json.dumps(arguments), heap=heap)


def good(server, patience=PATIENCE):
    """A good client has its answer, and in good time."""
    begin = time.monotonic()
    answer = server.get("/good", timeout=10 + patience)
    assert (answer.status, answer.body) == (200, b"good"), answer
    assert time.monotonic() - begin < patience, "a good client had to wait"


def heap(server):
    return int(server.get("/heap").body)


def post(target, *fields, body=b""):
    lines = (f"POST {target} HTTP/1.1", "Host: board", *fields)
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def reset(connection):
    """Closes with a RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def tiny(server):
    """A connection with as little room for what is received as the kernel allows."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    connection.settimeout(20)
    connection.connect((server.host, server.port))
    return connection


def until_closed(connection, timeout=20):
    """Reads until the server closes: what came, and the seconds it took."""
    connection.settimeout(timeout)
    begin, data = time.monotonic(), b""
    try:
        while piece := connection.recv(65536):
            data += piece
    except ConnectionResetError:
        pass
    return data, time.monotonic() - begin


def is_open(connection):
    """Whether the connection is open and has nothing to read."""
    return not select.select([connection], [], [], 0)[0]


def statuses(data):
    """The status codes in what came: of whole answers, of this server."""
    codes = re.findall(rb"^HTTP/1\.1 (\d{3}) [A-Z]", data, re.M)
    assert bool(data) == bool(codes) and data.startswith(b"HTTP/1.1 "[: len(data)]), data
    return [int(code) for code in codes]


# Junk ----------------------------------------------------------------------------------------

TEMPLATES = [
    GOOD,
    KEEP + GOOD,
    b"HEAD /keep HTTP/1.1\r\nHost: board\r\n\r\n" + KEEP,
    b"OPTIONS * HTTP/1.1\r\nHost: board\r\n\r\n",
    b"GET /keep?a=%41+b&c HTTP/1.1\r\nHost: board\r\nAccept: */*\r\nX: \xc3\xa9\r\n\r\n",
    b"GET /keep HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    post("/read", "Content-Length: 5", body=b"hello") + KEEP,
    post("/read", "Transfer-Encoding: chunked", body=b"5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n"),
    post("/upload", "Transfer-Encoding: chunked", body=b"a\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\n"),
    post("/read", "Expect: 100-continue", "Content-Length: 5", body=b"hello"),
    post("/refuse", "Content-Length: 2000", body=b"x" * 2000),
]
JUNK = [
    b"\r\n", b"\r", b"\n", b"\0", b" ", b"\t", b":", b"%", b"%00", b"%ff", b"\xff", b"0", b"-1",
    b"ffffffff", b"99999999999", b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Expect: 100-continue\r\n", b"Connection: close\r\n", b"HTTP/1.1", b"\r\n\r\n", b"x" * 3000,
    b"A: b\r\n" * 70, b";", b",", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
]  # fmt: skip


def mutated(rng):
    """A valid request with a few random changes, or random bytes."""
    if rng.random() < 0.05:
        return rng.randbytes(rng.randrange(200))
    data = bytearray(rng.choice(TEMPLATES))
    for _ in range(rng.randrange(1, 4)):
        i, j = sorted((rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)))
        change = rng.randrange(6)
        if change == 0 and i < len(data):
            data[i] ^= 1 << rng.randrange(8)
        elif change == 1:
            del data[i : min(j, i + 20)]
        elif change == 2:
            data[i:i] = rng.choice(JUNK)
        elif change == 3:
            data[i:i] = data[i:j]
        elif change == 4:
            data[i:j] = data[i:j][::-1]
        else:
            data[i:] = rng.choice(TEMPLATES)
    return bytes(data)


@pytest.mark.parametrize("seed", range(2))
def test_mutated_requests(serve, seed):
    server = serve()
    rng = random.Random(seed)
    found = set()
    for number in range(1000):
        data = mutated(rng)
        with server.connect() as connection:
            try:
                if rng.random() < 0.2:
                    i = rng.randrange(len(data) + 1)
                    connection.sendall(data[:i])
                    time.sleep(0.001)
                    data = data[i:]
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it has answered and closed already
            answer, seconds = until_closed(connection)
        codes = statuses(answer)
        assert set(codes) - {100} <= STATUSES, data
        assert seconds < 5, data
        found.update(codes)
        if number % 100 == 0:
            good(server)
    good(server)
    assert {200, 400, 404, 501} <= found, "the mutations are too wild or too tame"


# Half of something ---------------------------------------------------------------------------

WHOLE = {
    "get": KEEP,
    "length": post("/read", "Content-Length: 12", body=b"hello\r\n\r\nabc"),
    "chunked": post("/read", "Transfer-Encoding: chunked", body=b"5\r\nhello\r\n0\r\nX:y\r\n\r\n"),
    "expect": post("/read", "Expect: 100-continue", "Content-Length: 3", body=b"abc"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_every_prefix_cut_off(serve, name):
    server = serve()
    whole = WHOLE[name]
    before = server.descriptors()
    for end in range(len(whole)):
        with server.connect() as connection:  # by half-close: no answer, or that it is not whole
            connection.sendall(whole[:end])
            connection.shutdown(socket.SHUT_WR)
            codes = statuses(until_closed(connection)[0])
            assert not set(codes) - {100, 400, 408}, whole[:end]
        with server.connect() as connection:  # by close
            connection.sendall(whole[:end])
        connection = server.connect()  # by reset
        connection.sendall(whole[:end])
        reset(connection)
    good(server)
    server.wait_descriptors(before)
    assert server.output.count(" 200\n") == 1, "half a message has reached a handler"
    assert statuses(server.exchange(whole, half_close=True))[-1] == 200


@pytest.mark.parametrize("name", ["get", "length", "chunked"])
def test_every_prefix_then_silence(serve, package, name):
    server = serve(heap="1M", timeout=0.5, max_connections=200, backlog=128)
    whole = WHOLE[name]
    head = whole.index(b"\r\n\r\n") + 4
    ends = list(range(len(whole)))
    if (package, name) == ("httpserver", "chunked"):
        # handlers read such bodies one after the other, each as long as it may take
        ends = [*range(head), head, head + 5, len(whole) - 1]
    with ExitStack() as stack:
        waiting = {end: stack.enter_context(server.connect()) for end in ends}
        begin = time.monotonic()
        for end, connection in waiting.items():
            connection.sendall(whole[:end])
        for end, connection in waiting.items():
            codes = statuses(until_closed(connection)[0])
            if end == 0:
                assert codes == [], "silence just closes"
            elif end < head:
                assert codes == [408], whole[:end]
            else:
                assert codes in ([], [408]), whole[:end]
        assert 0.3 < time.monotonic() - begin < 10
    good(server)


def test_idle_connections_are_closed_silently(serve):
    server = serve(timeout=0.5)
    with server.connect() as connection:
        client = Client(connection)
        connection.sendall(KEEP)
        assert client.answer().body == b"kept"
        begin = time.monotonic()
        assert client.rest() == b"" and not client.reset
        assert 0.3 < time.monotonic() - begin < 5


# Slow ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"hello"])
def test_silent_bodies(serve, body):
    server = serve(backlog=20)  # a full queue would cost a good client a second
    with ExitStack() as stack:
        for _ in range(6):  # all places
            connection = stack.enter_context(server.connect())
            connection.sendall(post("/read", "Content-Length: 1000", body=body))
        for _ in range(5):
            good(server, CROWDED)


def test_tiny_chunks_take_no_more_memory_than_others(serve):
    server = serve()
    for size, status in ((16384, 200), (16385, 413)):
        with server.connect() as connection:
            head = post("/read", "Transfer-Encoding: chunked")
            connection.sendall(head + b"1\r\nx\r\n" * size + b"0\r\n\r\n")
            answer = Client(connection).answer()
            assert answer.status == status
            if status == 200:
                assert answer.body == b"16384"


def test_nothing_follows_half_a_response(serve):
    server = serve(timeout=1)
    with tiny(server) as connection:
        connection.sendall(
            b"GET /impatient?small HTTP/1.1\r\nHost: board\r\n\r\n" + KEEP
        )
        time.sleep(10)  # the server gives up after a second, and a millisecond per byte
        data, _ = until_closed(connection)
    assert data.count(b"HTTP/1.1") == 1 and b"kept" not in data
    good(server)


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\rHost: a\r\r", b"GET / HTTP/1.1\nHost: a\n"])
def test_lone_line_ends_are_refused_at_once(serve, data):
    server = serve()
    with server.connect() as connection:
        connection.sendall(data)
        begin = time.monotonic()
        assert Client(connection).answer().status == 400
        assert time.monotonic() - begin < 5  # not at the deadline


def test_dribbling_bodies(serve):
    server = serve()
    with ExitStack() as stack:
        slow = [stack.enter_context(server.connect()) for _ in range(4)]
        for connection in slow:
            connection.sendall(post("/read", "Content-Length: 12"))
        for _ in range(12):
            for connection in slow:
                connection.sendall(b"x")
            good(server)
            time.sleep(0.1)
        for connection in slow:
            assert Client(connection).answer().body == b"12"


def test_dripping_head_is_cut_at_the_timeout_in_total(serve):
    server = serve(timeout=1)
    with server.connect() as connection:
        begin = time.monotonic()
        for byte in GOOD * 10:
            if not is_open(connection):
                break
            connection.send(bytes([byte]))
            time.sleep(0.1)
        assert 0.5 < time.monotonic() - begin < 10
        assert statuses(until_closed(connection)[0]) == [408]


def test_empty_lines_do_not_prolong_the_head(serve):
    server = serve(timeout=1)
    with server.connect() as connection:
        begin = time.monotonic()
        try:
            while is_open(connection):
                connection.sendall(b"\r\n")
                time.sleep(0.1)
                assert time.monotonic() - begin < 10
        except ConnectionError:
            pass


@pytest.mark.parametrize("fields", ["Content-Length: 5000", "Transfer-Encoding: chunked"])
def test_upload_below_the_floor_is_cut(serve, fields):
    server = serve(timeout=1)
    with server.connect() as connection:
        connection.sendall(post("/upload", fields))
        if "chunked" in fields:
            connection.sendall(b"1388\r\n")
        begin = time.monotonic()
        while is_open(connection):
            connection.send(b"x" * 10)  # 100 bytes a second
            time.sleep(0.1)
            assert time.monotonic() - begin < 10
        assert time.monotonic() - begin > 0.5
        assert set(statuses(until_closed(connection)[0])) <= {408}
    good(server)


def test_upload_above_the_floor_is_not_cut(serve):
    server = serve(timeout=0.5)
    with server.connect() as connection:
        connection.sendall(post("/upload", "Content-Length: 5000"))
        for _ in range(5):
            time.sleep(0.3)  # three times the timeout in total
            connection.sendall(b"x" * 1000)
        assert Client(connection).answer().body == b"5000"


def test_download_that_nobody_reads(serve, package):
    server = serve(timeout=0.5)
    before = server.descriptors()
    targets, patience = ["/big?n=1000000&small", "/file?small"], PATIENCE
    if package == "httpserver":  # one at a time: others wait until the client that stalls is cut
        targets, patience = targets[1:], 30
    with ExitStack() as stack:
        stalled = [stack.enter_context(tiny(server)) for _ in targets]
        begin = time.monotonic()
        for connection, target in zip(stalled, targets, strict=True):
            connection.sendall(f"GET {target} HTTP/1.1\r\nHost: board\r\n\r\n".encode())
        time.sleep(0.1)
        for _ in range(3):
            good(server, patience)
        server.wait_descriptors(before, timeout=30)
        seconds = time.monotonic() - begin
        moved = max(len(until_closed(connection)[0]) for connection in stalled)
        assert 0.3 < seconds < 0.5 + moved / 1000 + 2, moved
    good(server)


def test_download_below_the_floor_is_cut(serve):
    server = serve(timeout=0.5)
    before = server.descriptors()
    with tiny(server) as connection:
        connection.sendall(b"GET /big?n=1000000&small HTTP/1.1\r\nHost: board\r\n\r\n")
        begin = time.monotonic()
        while server.descriptors() > before or time.monotonic() - begin < 0.3:
            connection.recv(10)  # 100 bytes a second
            time.sleep(0.1)
            assert time.monotonic() - begin < 30
    good(server)


@pytest.mark.parametrize("target", ["/big?n=100000000", "/big?n=100000000&small"])
def test_credit_of_a_fast_reader_is_bounded(serve, target):
    """Who has taken much may not stall for longer than anybody else: three times the timeout."""
    server = serve(timeout=1)
    before = server.descriptors()
    with server.connect() as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: board\r\n\r\n".encode())
        taken, begin = 0, time.monotonic()
        while taken < 300_000:
            taken += len(connection.recv(10_000))
        while server.descriptors() > before:
            assert time.monotonic() - begin < 8, "more than three seconds, and what is slow here"
            time.sleep(0.1)
    good(server)


def test_credit_of_a_fast_sender_is_bounded(serve):
    server = serve(timeout=1)
    with server.connect() as connection:
        connection.sendall(post("/upload", "Content-Length: 1000000"))
        connection.sendall(b"x" * 300_000)
        assert set(statuses(until_closed(connection, 8)[0])) <= {408}
    good(server)


@pytest.mark.skipif(not ALL, reason="takes a minute: CROWDS=all")
@pytest.mark.timeout(150)
def test_steady_reader_gets_all(serve):
    """Linux calls a socket writable only when a third of its megabytes is free: 14 s here."""
    server = serve()
    with server.connect(20) as connection:
        connection.sendall(b"GET /big?n=8000000 HTTP/1.1\r\nHost: board\r\n\r\n")
        begin, data = time.monotonic(), bytearray()
        while len(data) < 8_000_000 or len(data) < 8_000_004 + data.index(b"\r\n\r\n"):
            piece = connection.recv(15_000)
            assert piece, f"cut after {len(data)} bytes, {time.monotonic() - begin:.1f} s"
            data += piece
            time.sleep(max(0, begin + len(data) / 150_000 - time.monotonic()))
    assert data.partition(b"\r\n\r\n")[2] == b"x" * 8_000_000


def test_slow_download_above_the_floor_is_not_cut(serve):
    server = serve(timeout=0.5)
    with tiny(server) as connection:
        connection.sendall(b"GET /big?n=15000&small HTTP/1.1\r\nHost: board\r\n\r\n")
        total, begin = 0, time.monotonic()
        while total < 15000:
            data = connection.recv(1000)
            assert data, f"cut after {total} bytes"
            total += len(data)
            time.sleep(0.08)
        assert time.monotonic() - begin > 1.2, "this was not slow"


@pytest.mark.parametrize("target", ["/big?n=200000&small", "/file?small"])
def test_download_through_a_narrow_connection_is_whole(serve, target):
    server = serve()
    with tiny(server) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: board\r\n\r\n".encode())
        body = Client(connection).answer(timeout=20).body
    if "file" in target:
        assert body == b"".join(b"%04d" % i * 250 for i in range(1000))
    else:
        assert body == b"x" * 200000
    good(server)


def test_handler_that_forgets_to_await(serve):
    server = serve()
    with tiny(server) as connection:
        connection.sendall(b"GET /big?n=30000&small&forget HTTP/1.1\r\nHost: board\r\n\r\n" + GOOD)
        time.sleep(0.2)
        answer = until_closed(connection)[0]
    body = answer.partition(b"\r\n\r\n")[2]
    assert body.startswith(b"x" * 30000) or not body.strip(b"x"), "a part is missing in the middle"
    good(server)


# Many ----------------------------------------------------------------------------------------


def open_many(server, number):
    """So many connections at once, without waiting for any of them."""
    connections = []
    for _ in range(number):
        connection = socket.socket()
        connection.setblocking(False)
        connection.connect_ex((server.host, server.port))
        connections.append(connection)
    return connections


def send_anyway(connections, data):
    for connection in connections:
        try:
            connection.send(data)
        except OSError:
            pass  # not connected, or turned away


def storm(server):
    """200 connections each opened and closed, reset, left alone; others cut in what they do."""
    for connection in open_many(server, 200):
        connection.close()
    for connection in open_many(server, 200):
        reset(connection)
    abandoned = open_many(server, 200)
    for data in (b"GET /", post("/read", "Content-Length: 500", body=b"x"), b"\0", KEEP):
        some = open_many(server, 50)
        time.sleep(0.02)
        send_anyway(some, data)
        for connection in some:
            reset(connection)
    for _ in range(20):
        connection = server.connect()
        connection.sendall(b"GET /big?n=300000 HTTP/1.1\r\nHost: board\r\n\r\n")
        connection.recv(1000)
        reset(connection)
    return abandoned


def test_heap_and_descriptors_after_storms(serve):
    server = serve()
    good(server)
    server.wait_descriptors(server.descriptors())
    before, allocated = server.descriptors(), []
    for _ in range(3):
        abandoned = storm(server)
        good(server, patience=25)  # the kernel drops what the backlog has no room for
        for connection in abandoned:
            connection.close()
        # Of whom the kernel has dropped the last words the server hears nothing for its 10 s.
        server.wait_descriptors(before, timeout=30)
        allocated.append(heap(server))
    assert allocated[2] - allocated[0] < 4096, allocated
    server.wait_descriptors(before)


def test_flood_of_silent_connections(serve):
    server = serve(backlog=64)
    before = server.descriptors()
    abandoned = []
    for _ in range(6):
        abandoned += open_many(server, 10)
        good(server, CROWDED)
        assert server.descriptors() <= before + 8
    for connection in abandoned:
        connection.close()
    server.wait_descriptors(before)


@pytest.mark.parametrize("data", [KEEP * 20, b"\r\n" * 500], ids=["requests", "empty lines"])
def test_flood_on_one_connection(serve, data):
    server = serve()
    done = threading.Event()

    def flood():
        while not done.is_set():
            with server.connect() as connection:
                connection.setblocking(False)
                while not done.is_set():
                    try:
                        readable, writable, _ = select.select([connection], [connection], [], 1)
                        if readable and not connection.recv(65536):
                            break
                        if writable:
                            connection.send(data)
                    except OSError:
                        break

    threads = [threading.Thread(target=flood) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(0.1)
        for _ in range(10):
            good(server)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    good(server)


def test_accept_that_fails_does_not_spin(serve):
    server = serve()
    good(server)
    before = server.descriptors()
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (before, 1024))
    with ExitStack() as stack:
        waiting = [stack.enter_context(server.connect()) for _ in range(3)]
        for connection in waiting:
            connection.sendall(GOOD)
        cpu = processor_seconds(server)
        time.sleep(1)
        assert processor_seconds(server) - cpu < 0.3
        assert all(is_open(connection) for connection in waiting)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (1024, 1024))
        for connection in waiting:
            assert Client(connection).answer().body == b"good"
    server.wait_descriptors(before)


def test_waiting_costs_no_processor_time(serve):
    server = serve()
    with server.connect() as silent, server.connect() as idle, server.connect() as head:
        idle.sendall(KEEP)
        head.sendall(b"GET")
        time.sleep(0.1)
        cpu = processor_seconds(server)
        time.sleep(1)
        assert processor_seconds(server) - cpu < 0.1
        assert is_open(silent) and is_open(head)


def processor_seconds(server):
    with open(f"/proc/{server.pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# Gone ----------------------------------------------------------------------------------------


def test_reset_at_any_moment(serve):
    server = serve()
    rng = random.Random(7)
    before = server.descriptors()
    exchanges = (
        GOOD,
        b"GET /big?n=100000 HTTP/1.1\r\nHost: board\r\n\r\n",
        b"GET /file HTTP/1.1\r\nHost: board\r\n\r\n",
        post("/upload", "Content-Length: 5000", body=b"x" * 4000),
        post("/read", "Transfer-Encoding: chunked", body=b"400\r\n" + b"x" * 500),
        post("/nowhere", "Content-Length: 5000", body=b"x" * 4000),
        b"BAD\r\n\r\n",
    )
    for number in range(150):
        connection = server.connect()
        connection.sendall(exchanges[number % len(exchanges)])
        time.sleep(rng.random() * 0.003)
        if rng.random() < 0.3:
            connection.setblocking(False)
            try:
                connection.recv(rng.randrange(1, 5000))
            except OSError:
                pass  # nothing has come yet
        reset(connection)
    good(server)
    server.wait_descriptors(before)


def test_the_log_says_one_line_for_a_client_that_has_gone(serve):
    server = serve()
    upload = post("/upload", "Content-Length: 5000", body=b"x" * 4000)
    for data in (b"GET /big?n=10000000 HTTP/1.1\r\nHost: board\r\n\r\n", upload):
        line = f"127.0.0.1 {data.split(b' HTTP')[0].decode()} "
        for number in range(1, 6):
            connection = server.connect()
            connection.sendall(data)
            if data != upload:
                connection.recv(1000)
            time.sleep(0.02)
            reset(connection)
            wait_until(lambda: server.output.count(line) >= number)  # noqa: B023
        good(server)
        assert server.output.count(line) == 5


@pytest.mark.parametrize("target", ["/big?n=1000000", "/file"])
def test_half_closed_client_gets_its_answer(serve, target):
    server = serve()
    request = f"GET {target} HTTP/1.1\r\nHost: board\r\n\r\n".encode()
    with server.connect() as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        time.sleep(0.1)
        assert len(parse_one(until_closed(connection)[0]).body) == 1000000


@pytest.mark.parametrize(
    "target, status",
    [("/nowhere", 404), ("/good", 405), ("/read", 413), ("/refuse", 413), ("/fail", 500)],
)
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_the_last_answer_reaches_a_slow_sender(serve, target, status, framing):
    server = serve()
    if status == 500:
        server.expect_traceback("on purpose")
    field, size = "Content-Length: 60000", b""
    if framing == "chunked":
        field, size = "Transfer-Encoding: chunked", b"7d0\r\n"
    with server.connect() as connection:
        connection.sendall(post(target, field))
        for _ in range(30):  # 60 kB in 0.3 s: what is read away before closing
            connection.sendall(size + b"x" * 2000 + b"\r\n" * bool(size))
            time.sleep(0.01)
        client = Client(connection)
        assert client.answer().status == status
        connection.shutdown(socket.SHUT_WR)
        assert client.rest() == b"" and not client.reset


@pytest.mark.parametrize("target, status", [("/nowhere", 404), ("/read", 413)])
def test_the_last_answer_reaches_a_sender_that_listens(serve, target, status):
    server = serve()
    with server.connect() as connection:
        connection.sendall(post(target, "Content-Length: 100000000"))
        sent = 0
        try:
            while is_open(connection):
                sent += connection.send(b"x" * 4096)
                assert sent < 10000000, "no answer comes"
        except ConnectionError:
            pass  # more was under way than is read away: now the client looks for an answer
        assert Client(connection).answer().status == status


def test_what_is_read_away_is_bounded(serve):
    server = serve()
    for pause in (0, 0.05):
        with server.connect() as connection:
            connection.sendall(post("/nowhere", "Content-Length: 100000000"))
            begin, sent = time.monotonic(), 0
            with pytest.raises(OSError):
                while time.monotonic() - begin < 5:
                    sent += connection.send(b"x" * 4096)
                    time.sleep(pause)
            assert sent < 10000000  # 64 kB, and what fits into the buffers of both kernels
        good(server)


def test_characters_do_not_stay(serve):
    """MicroPython keeps each str of one character that was ever made, for ever."""
    server = serve()
    assert server.get("/nowhere").status == 404
    before = heap(server)
    for i in range(20):
        many = "".join(map(chr, range(0x4E00 + 150 * i, 0x4E00 + 150 * (i + 1))))
        for target in "/" + quote(many), "/?" + quote(many):
            assert server.get(target).status == 404
        fields = server.request("POST", "/form", "X: " + many, body=quote(many).encode()).body
        assert fields.decode() == many + many
    assert heap(server) < before + 3000


# The handler's own -----------------------------------------------------------------------------


def test_memory_error_ends_one_connection(serve):
    server = serve()
    server.expect_traceback("MemoryError", times=None)
    for _ in range(3):
        assert server.get("/hog").status == 500
        good(server)


def test_failing_handlers(serve):
    server = serve()
    server.expect_traceback("on purpose", times=20)
    before = server.descriptors()
    for _ in range(20):
        assert server.request("POST", "/fail").status == 500
    good(server)
    server.wait_descriptors(before)
