# WebSocket: the handshake, frames good and bad, clients, and what a socket costs the others.

import contextlib
import json
import os
import random
import shutil
import socket
import struct
import subprocess
import time
from contextlib import ExitStack
from urllib.parse import unquote

import pytest
import websocket
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from harness import MICROPYTHON, ROOT, parse_one, wait_until
from websocketclient import (
    BYTES,
    CLOSE,
    PING,
    PONG,
    TEXT,
    Socket,
    closing,
    frame,
    handshake,
)

MINUTE = float(os.environ.get("WEBSOCKET_SECONDS", 5))  # CI has no whole minute


@pytest.fixture
def server(start):
    return start("websocket_app", heap="1m")


def url(server, path="/echo"):
    return f"ws://{server.host}:{server.port}{path}"


def state(server):
    return json.loads(server.get("/state").body)


def wait_streams(server, number=0):
    """Waits for so many open streams; what has ended meanwhile."""
    outcomes = []

    def reached():
        found = state(server)
        outcomes.extend(found["outcomes"])
        return found["streams"] == number

    wait_until(reached, 10, 0.05)
    return outcomes


def check(server, frames, expected, code=1000, chop=None):
    """Sends frames, then Close if it is to go well; the server answers so, and ends with code."""
    data = b"".join(frames) + (closing(1000) if code == 1000 else b"")
    pieces = [data]
    if chop == "frames":
        pieces = [*frames, closing(1000)] if code == 1000 else frames
    elif chop == "bytes":
        pieces = [data[i : i + 1] for i in range(len(data))]
    elif chop:
        pieces = [data[i : i + chop] for i in range(0, len(data), chop)]
    with server.connect() as connection:
        peer = Socket(connection)
        for piece in pieces:
            peer.send(piece)
        found = peer.frames()
        assert found == [*expected, (CLOSE, code)], (frames, found)
        if code == 1000:
            assert peer.frames() == []  # and the server closes at once


def failing(server, *frames, echoed=(), code=1002):
    for chop in (None, "frames", "bytes"):
        check(server, frames, echoed, code, chop)


# The handshake


def test_handshake(server):
    with server.connect() as connection:
        peer = Socket(connection)
        response = peer.response
        assert response.reason == "Switching Protocols"
        assert response.header("Connection").lower() == "upgrade"
        assert response.header("Upgrade") == "websocket"
        # of the key by hand: printf "%s258EAFA5-..." | openssl sha1 -binary | base64
        assert response.header("Sec-WebSocket-Accept") == "sS6+hkHLNmx272H8MGJ53hjxnOA="
        assert response.header("Content-Length") is response.header("Content-Type") is None
        peer.send(closing(1000))
        assert peer.frames() == [(CLOSE, 1000)]


def test_tokens_in_any_case(server):
    head = handshake(leave_out="Connection").replace(b"Upgrade: websocket", b"upgrade: WebSocket")
    head = head.replace(b"\r\n\r\n", b"\r\nconnection: keep-alive, UPGRADE\r\n\r\n")
    with server.connect() as connection:
        connection.sendall(head + closing(1000))
        assert connection.recv(99).startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize(
    "head, status",
    [
        (handshake(leave_out="Upgrade"), 426),
        (handshake(leave_out="Connection"), 426),
        (handshake(leave_out="Sec-WebSocket-Version"), 426),
        (handshake(leave_out="Sec-WebSocket-Key"), 426),
        (handshake().replace(b"websocket\r\n", b"h2c\r\n"), 426),
        (handshake().replace(b"websocket\r\n", b"xwebsocketx\r\n"), 426),
        (handshake().replace(b"websocket\r\n", b"h2c, websocket\r\n"), 101),
        (handshake().replace(b": Upgrade", b": no-upgrade"), 426),
        (handshake().replace(b"HTTP/1.1", b"HTTP/1.0"), 426),
        (handshake().replace(b": 13", b": 8"), 426),
        (handshake().replace(b"Key: ", b"Key: x"), 426),
        (handshake().replace(b"Key: c", b"Key: "), 426),
        (handshake().replace(b"GET", b"HEAD"), 426),
        (handshake().replace(b"GET", b"POST"), 405),
        (handshake("/echo", "Content-Length: 1") + b"x", 426),
        (handshake("/echo", "Transfer-Encoding: chunked") + b"0\r\n\r\n", 426),
        (handshake("/echo", "Origin: https://evil.example"), 403),
        (handshake("/echo", "Origin: null"), 403),
        (handshake("/echo", "Origin: http://board:81"), 403),
        (handshake("/echo", "Origin: http://board"), 101),
        (handshake("/echo", "Origin: https://board"), 101),
        (handshake("/allowed", "Origin: null"), 101),
        (handshake("/allowed", "Origin: http://board"), 101),
        (handshake("/allowed", "Origin: https://evil.example"), 403),
    ],
)
def test_refused(server, head, status):
    with server.connect() as connection:
        connection.sendall(head)
        if status == 101:
            assert connection.recv(99).startswith(b"HTTP/1.1 101 ")
            return
        connection.shutdown(socket.SHUT_WR)
        method = head.split()[0].decode()
        response = parse_one(b"".join(iter(lambda: connection.recv(9999), b"")), method)
    assert response.status == status
    if status == 426:
        assert response.header("Upgrade") == "websocket"
        assert "Upgrade" in response.all("Connection")
        assert response.header("Sec-WebSocket-Version") == "13"
    if method != "POST":
        assert wait_streams(server) == []


def test_frames_that_come_with_the_head(server):
    with server.connect() as connection:
        early = frame(TEXT, "early") + frame(PING, "p")
        peer = Socket(connection, early=early + frame(TEXT, "x" * 3000) + closing(1000))
        assert peer.frames() == [(TEXT, "early"), (PONG, b"p"), (TEXT, "x" * 3000), (CLOSE, 1000)]


def test_logged_once(server):
    check(server, [frame(TEXT, "a"), frame(TEXT, "b")], [(TEXT, "a"), (TEXT, "b")])
    wait_streams(server)
    assert server.output.count("GET /echo 101") == 1


# The published cases of the Autobahn test suite, sections 1 to 7


def test_messages(server):
    """Section 1."""
    for size in (0, 1, 125, 126, 127, 128, 65535, 65536):
        check(server, [frame(TEXT, "*" * size)], [(TEXT, "*" * size)])
        check(server, [frame(BYTES, b"\xfe" * size)], [(BYTES, b"\xfe" * size)])
    data = random.Random(1).randbytes(65536)
    check(server, [frame(BYTES, data)], [(BYTES, data)], chop=997)
    check(server, [frame(BYTES, data[:1000])], [(BYTES, data[:1000])], chop="bytes")


def test_pings(server):
    """Section 2."""
    for chop in (None, "bytes"):
        for data in (b"", b"Hello, world!", bytes([0, 255, 254, 253]), b"\xfe" * 125):
            check(server, [frame(PING, data)], [(PONG, data)], chop=chop)
            check(server, [frame(PONG, data)], [], chop=chop)
            check(server, [frame(PONG, data), frame(PING, b"1")], [(PONG, b"1")], chop=chop)
        pings = [b"payload-%d" % i for i in range(10)]
        frames = [frame(PING, data) for data in pings]
        check(server, frames, [(PONG, data) for data in pings], chop=chop)
    failing(server, frame(PING, b"\xfe" * 126))


def test_reserved_bits(server):
    """Section 3."""
    echoed = [(TEXT, "Hello, world!")]
    good = frame(TEXT, "Hello, world!")
    failing(server, frame(TEXT, "Hello, world!", rsv=1))
    for rsv in (2, 3, 4):
        failing(server, good, frame(TEXT, "Hello", rsv=rsv), frame(PING), echoed=echoed)
    failing(server, frame(BYTES, b"\0\xff", rsv=5))
    failing(server, frame(PING, b"Hello, world!", rsv=6))
    failing(server, frame(CLOSE, b"", rsv=7))


@pytest.mark.parametrize("op", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
def test_reserved_codes(server, op):
    """Section 4."""
    good = frame(TEXT, "Hello, world!")
    failing(server, frame(op))
    failing(server, frame(op, b"reserved"))
    failing(server, good, frame(op, b"x"), frame(PING), echoed=[(TEXT, "Hello, world!")])


def test_fragments(server):
    """Section 5."""
    failing(server, frame(PING, "1", fin=False), frame(0, "2"))
    failing(server, frame(PONG, "1", fin=False), frame(0, "2"))
    first, last = frame(TEXT, "fragment1", fin=False), frame(0, "fragment2")
    more = frame(0, "more", fin=False)
    joined = (TEXT, "fragment1fragment2")
    for chop in (None, "frames", "bytes"):
        check(server, [first, last], [joined], chop=chop)
        frames = [first, frame(PING, "p"), last]
        check(server, frames, [(PONG, b"p"), joined], chop=chop)
        frames = [first, more, frame(PING, "1"), more, frame(PING, "2"), last]
        expected = [(PONG, b"1"), (PONG, b"2"), (TEXT, "fragment1moremorefragment2")]
        check(server, frames, expected, chop=chop)
    good = frame(TEXT, "Hello, world!")
    failing(server, last, good)
    failing(server, more, good)
    failing(server, first, last, more, good, echoed=[joined])
    failing(server, more, first, last)
    failing(server, last, first, last)
    failing(server, first, frame(TEXT, "fragment2"))
    failing(server, first, frame(BYTES, "fragment2", fin=False), last)


TEXTS = (
    b"Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!",
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5",
    *(chr(code).encode() for code in (0, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFD)),
    *(chr(code).encode() for code in (0xFFFE, 0xFFFF, 0x10000, 0x1FFFE, 0xFFFFF, 0x10FFFF)),
)
BAD_TEXTS = (
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
    b"\xf4\x90\x80\x80",  # U+110000
    b"\xf8\x88\x80\x80\x80",
    b"\xfc\x84\x80\x80\x80\x80",
    b"\xf7\xbf\xbf\xbf",
    b"\xfb\xbf\xbf\xbf\xbf",
    b"\xfd\xbf\xbf\xbf\xbf\xbf",
    *(b"\x80" * n for n in range(1, 8)),
    *(b"\xbf" * n for n in (1, 2)),
    bytes(range(0x80, 0xC0)),
    *(b"".join(bytes([c, 0x20]) for c in range(*ends)) for ends in ((0xC0, 0xE0), (0xE0, 0xF0))),
    *(bytes([c, 0x20]) for c in range(0xF0, 0x100)),
    *(b"\xc0", b"\xe0\x80", b"\xf0\x80\x80", b"\xf8\x80\x80\x80", b"\xdf", b"\xef\xbf"),
    *(b"\xf7\xbf\xbf", b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"),
    *(b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xf8\x80\x80\x80\xaf"),
    *(b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf", b"\xc0\x80", b"\xe0\x80\x80"),
    *(b"\xed\xa0\x80", b"\xed\xad\xbf", b"\xed\xae\x80", b"\xed\xbf\xbf"),
    *(b"\xed\xa0\x80\xed\xb0\x80", b"\xed\xaf\xbf\xed\xbf\xbf"),
)


def test_texts(server):
    """Section 6, valid UTF-8; a character may be cut by the end of a frame."""
    for data in TEXTS:
        text = data.decode()
        for around in ("", "ä"):
            check(server, [frame(TEXT, around + text)], [(TEXT, around + text)])
        pieces = [frame(0, data[i : i + 1], fin=False) for i in range(len(data))]
        frames = [frame(TEXT, fin=False), *pieces, frame(0)]
        check(server, frames, [(TEXT, text)])
    for first, middle in (("", ""), ("", "middle")):
        frames = [frame(TEXT, first, fin=False), frame(0, middle, fin=False), frame(0)]
        check(server, frames, [(TEXT, middle)])


def test_bad_texts(server):
    """Section 6, invalid UTF-8."""
    prefixes = [TEXTS[1][:n] for n in range(1, len(TEXTS[1]))]
    for data in (*BAD_TEXTS, *prefixes):
        try:
            data.decode()
        except UnicodeDecodeError:
            check(server, [frame(TEXT, data)], [], 1007)
            check(server, [frame(TEXT, data[:1], fin=False), frame(0, data[1:])], [], 1007)
            check(server, [frame(BYTES, data)], [(BYTES, data)])
        else:
            check(server, [frame(TEXT, data)], [(TEXT, data.decode())])
    for data in BAD_TEXTS[:3]:
        check(server, [frame(TEXT, "ok"), frame(TEXT, b"ok" + data + b"ok")], [(TEXT, "ok")], 1007)


def ends(server, data, code, *after):
    """Sends a Close and more; the server closes at once, with code, if all was well."""
    with server.connect() as connection:
        peer = Socket(connection)
        peer.send(frame(CLOSE, data), *after)
        assert peer.frames() == [(CLOSE, code)]


def test_closing(server):
    """Section 7."""
    check(server, [frame(TEXT, "Hello World!")], [(TEXT, "Hello World!")])
    normal = struct.pack(">H", 1000)
    for after in (frame(CLOSE), frame(PING), frame(TEXT, "more"), b"junk"):
        ends(server, normal, 1000, after)
    check(server, [frame(TEXT, "1", fin=False), closing(1000), frame(0, "2")], [], 1000)
    ends(server, b"", None)
    ends(server, b"a", 1002)
    ends(server, normal + b"Hello World!", 1000)
    ends(server, normal + b"*" * 123, 1000)
    ends(server, normal + b"*" * 124, 1002)
    ends(server, normal + BAD_TEXTS[0], 1007)
    ends(server, normal + "grüße".encode(), 1000)
    for code in (1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4000, 4999):
        ends(server, struct.pack(">H", code), code)
    for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535):
        ends(server, struct.pack(">H", code), 1002)


# Limits


def test_firmware_without_sha1(package):
    program = f"import sys; sys.modules['hashlib'] = sys; import {package}.websocket"
    environment = {"MICROPYPATH": f".frozen:{ROOT}"}
    done = subprocess.run(
        [MICROPYTHON, "-c", program], env=environment, capture_output=True, text=True
    )
    assert "ImportError" in done.stdout + done.stderr and "sha1" in done.stdout + done.stderr


def test_masking_is_required(server):
    for op, data in ((TEXT, "Hello"), (PING, ""), (CLOSE, b"")):
        failing(server, frame(op, data, mask=False))


def test_size(server):
    """Messages of at most max_body bytes, in one frame or many: 1009."""
    check(server, [frame(BYTES, b"x" * 65537)], [], 1009)
    check(server, [frame(BYTES, b"x" * 10, length=1 << 62)], [], 1009)
    check(server, [frame(TEXT, "", length=(1 << 64) - 1)], [], 1009)
    half = "x" * 32768
    halves = [frame(TEXT, half, fin=False), frame(0, half)]
    check(server, halves, [(TEXT, half * 2)])
    check(server, [halves[0], halves[0].replace(b"\x01", b"\0", 1), frame(0, "x")], [], 1009)
    many = [frame(TEXT, "", fin=False), *[frame(0, "x", fin=False)] * 3000, frame(0, "y")]
    check(server, many, [(TEXT, "x" * 3000 + "y")])


def test_other_length_fields(server):
    """A length need not have the shortest form, here."""
    data = b"\x81\xff" + struct.pack(">Q", 5) + b"\0\0\0\0Hello"
    check(server, [data], [(TEXT, "Hello")])


def test_every_prefix(server):
    """The client goes away anywhere in between."""
    data = handshake() + frame(TEXT, "a" * 130) + frame(PING, "p") + frame(TEXT, "b", fin=False)
    data += frame(0, "c") + closing(1000)
    wait_streams(server)
    heap = state(server)["heap"]
    start = len(handshake())
    for size in (*range(start, start + 20), *range(start + 130, len(data))):
        with server.connect() as connection:
            connection.sendall(data[:size])
            if size % 3 == 0:
                connection.recv(9999)
    wait_streams(server)
    wait_until(lambda: state(server)["heap"] < heap + 4000)


@pytest.mark.parametrize("seed", range(3))
def test_mutations(server, seed):
    """Whatever comes is answered well, or ended with a code."""
    dice = random.Random(seed)
    heap = []
    for _ in range(2):
        for _ in range(50):
            frames = [frame(TEXT, "ä" * 70), frame(BYTES, b"x"), frame(TEXT, "y", fin=False)]
            data = bytearray(b"".join([*frames, frame(PING, "p"), frame(0, "z")]))
            for _ in range(dice.randrange(1, 4)):
                at = dice.randrange(len(data))
                data[at : at + dice.randrange(3)] = dice.randbytes(dice.randrange(3))
            with server.connect() as connection:
                peer = Socket(connection)
                peer.send(data)
                connection.shutdown(socket.SHUT_WR)
                found = peer.frames()
                assert len(found) <= 6
                if found and found[-1][0] == CLOSE:
                    assert found[-1][1] in (None, *range(1000, 5000))
        wait_streams(server)
        heap.append(state(server)["heap"])
    assert heap[1] < heap[0] + 4000


# The server's side


@pytest.mark.parametrize("code", [1000, 1001, 4321])
def test_server_closes(server, code):
    with server.connect() as connection:
        peer = Socket(connection, f"/close?code={code}")
        peer.send(frame(TEXT, "ignored"))
        assert peer.frames() == [(TEXT, "hello"), (CLOSE, code)]
        peer.send(frame(PING), frame(TEXT, "ignored"), closing(code))
        assert peer.frames() == []  # no answer to a ping after Close
    assert ["closed", ["ignored", "ignored"]] in wait_streams(server)


def test_pings_do_not_hold_what_the_server_has_closed(server):
    with server.connect() as connection:
        peer = Socket(connection, "/close?code=1000")
        assert peer.frames() == [(TEXT, "hello"), (CLOSE, 1000)]
        begin = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < begin + 20:  # until the server's own time is up, after 2 s
                peer.send(frame(PING))
                time.sleep(0.3)
        assert time.monotonic() < begin + 20


def test_closed_by_another(server):
    with server.connect() as connection:
        peer = Socket(connection, "/feed")
        peer.send(frame(TEXT, "close"))
        found = peer.frames()
        assert found[-1] == (CLOSE, 1001)
        peer.send(closing(1001))
        assert peer.frames() == []
    assert ["received", 5] in wait_streams(server)


def test_receive_and_send_at_once(server):
    """A task or thread feeds the sockets, while their handlers receive and answer pings."""
    with ExitStack() as stack:
        peers = [Socket(stack.enter_context(server.connect()), "/feed") for _ in range(3)]
        for number in range(300):
            peers[number % 3].send(frame(TEXT, "x" * 100), frame(PING, b"%d" % number))
            if number % 30 == 0:
                time.sleep(0.05)
        for number, peer in enumerate(peers):
            pongs, texts = [], []
            while len(pongs) < 100 or len(texts) < 10:
                op, data = peer.frame()
                if op == PONG:
                    pongs.append(int(data))
                elif op == TEXT:
                    texts.append(data)
            assert pongs == list(range(number, 300, 3))
            for text in texts:
                count = int(text.split()[0])
                assert text == "%d " % count + "x" * (count % 7 * 1000)
            peer.send(closing(1000))
            assert (CLOSE, 1000) in peer.frames()
    assert wait_streams(server).count(["received", 10000]) == 3


def small(server, path):
    """A socket with little room for what comes in."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    connection.connect((server.host, server.port))
    return connection, Socket(connection, path)


def test_slow_peer(server):
    """Who reads slowly gets all, in whole frames, and can be heard meanwhile."""
    connection, peer = small(server, "/flood")
    with connection:
        end = time.monotonic() + 4  # twice the time-out
        count = 0
        while time.monotonic() < end or count < 3:
            op, data = peer.frame()
            assert (op, data) == (BYTES, b"x" * 20000)
            count += 1
            time.sleep(0.3)
        assert server.get("/page").status == 200
    assert "flood ended" in wait_streams(server)


def test_peer_that_stops_reading(server):
    connection, _ = small(server, "/flood")
    with connection:
        assert "flood ended" in wait_streams(server)
    connection, peer = small(server, "/feed")
    with connection, server.connect() as other:
        good = Socket(other, "/feed")
        peer.send(*[frame(PING, b"x" * 125)] * 400)  # nor does it read its pongs
        for _ in range(100):
            good.frame()
        assert any(outcome[0] == "received" for outcome in wait_streams(server, 1))


def test_quiet_for_longer_than_the_timeout(server):
    with server.connect() as connection:
        peer = Socket(connection)
        time.sleep(4.5)
        peer.send(frame(TEXT, "still here"))
        assert peer.frame() == (TEXT, "still here")
        peer.send(frame(TEXT, "unfinished")[:5])  # but not within a frame
        wait_streams(server)
        assert peer.frames() == []


def test_peer_that_has_gone(server, package):
    """The watchdog notices it, also when nobody receives; in httpserver the next send."""
    with server.connect() as connection:
        Socket(connection, "/silent" if package == "ahttpserver" else "/flood")
    assert wait_streams(server)


def test_frames_wait_for_a_late_reader(server):
    """The watchdog does not read them away."""
    with server.connect() as connection:
        peer = Socket(connection, "/late")
        for number in range(20):
            peer.send(frame(TEXT, f"{number}"))
            time.sleep(0.1)
        peer.send(closing(1000))
        expected = [(TEXT, f"{number}") for number in range(20)]
        assert peer.frames() == [*expected, (CLOSE, 1000)]


@pytest.mark.parametrize("package", ["ahttpserver"], indirect=True)
def test_receive_that_is_given_up(start):
    """Nothing is lost, wherever in a frame that happens."""
    server = start("websocket_tasks")
    with server.connect() as connection:
        peer = Socket(connection)
        for message in ("a" * 200, "b", "ä" * 200):
            data = frame(TEXT, message[:50], fin=False) + frame(0, message[50:])
            for i in range(0, len(data), 29):
                peer.send(data[i : i + 29])
                time.sleep(0.03)
            assert peer.frame() == (TEXT, message)
        peer.send(closing(1000))
        assert peer.frames() == [(CLOSE, 1000)]
    wait_until(lambda: "given up" in server.output)
    assert int(server.output.split("given up")[1].split()[0]) > 10


def test_stop(server):
    """Sockets end with the server, also those in receive()."""
    with ExitStack() as stack:
        paths = ("/echo", "/feed", "/flood")
        peers = [Socket(stack.enter_context(server.connect()), path) for path in paths]
        assert server.get("/restart").status == 204
        for peer in peers:
            peer.frames()  # to the end
    wait_until(lambda: server.output.count("listening") == 2)
    assert "flood ended" in wait_streams(server)
    check(server, [frame(TEXT, "again")], [(TEXT, "again")])


def test_places(server):
    """All but two places are for streams; a further one is told so."""
    with ExitStack() as stack:
        for _ in range(22):
            Socket(stack.enter_context(server.connect()))
        with pytest.raises(InvalidStatus, match="503"):
            connect(url(server))
        assert server.get("/page").status == 200
    wait_streams(server)
    with connect(url(server)) as peer:
        peer.send("again")
        assert peer.recv() == "again"


@pytest.mark.timeout(60 + 2 * MINUTE)
def test_twenty_sockets(server):
    """All of them talk, and nothing is left of them."""
    heap = []
    for seconds in (1, MINUTE):
        with ExitStack() as stack:
            peers = [Socket(stack.enter_context(server.connect())) for _ in range(20)]
            end = time.monotonic() + seconds
            number = 0
            while time.monotonic() < end:
                number += 1
                for peer in peers:
                    peer.send(frame(TEXT, f"{number}" * 50), frame(PING, b"p"))
                for peer in peers:
                    assert peer.frame() == (TEXT, f"{number}" * 50)
                    assert peer.frame() == (PONG, b"p")
            for peer in peers[:10]:  # the others leave without a word
                peer.send(closing(1000))
                assert peer.frames() == [(CLOSE, 1000)]
        wait_streams(server)
        heap.append(state(server)["heap"])
    assert heap[1] < heap[0] + 4000


def test_small_heap(start):
    server = start("websocket_app", heap="144k")
    message = b"x" * 4096
    for _ in range(5):
        check(server, [frame(BYTES, message)] * 3, [(BYTES, message)] * 3)


# Clients


def test_websockets(server):
    with connect(url(server)) as peer:
        for message in ("", "käse", b"\0\xff", "x" * 60000, b"y" * 60000):
            peer.send(message)
            assert peer.recv(timeout=10) == message
        peer.send(["in ", "pieces"])
        assert peer.recv(timeout=10) == "in pieces"
        assert peer.ping("pung").wait(10)
    assert peer.close_code == 1000
    with connect(url(server, "/close?code=1011")) as peer:
        assert peer.recv(timeout=10) == "hello"
        with pytest.raises(ConnectionClosed, match="1011"):
            peer.recv(timeout=10)
    with pytest.raises(InvalidStatus, match="403"):
        connect(url(server), origin="https://evil.example")


def test_tls(start, certificate, context, tmp_path):
    """Both directions at once, in records that hold several frames or a part of one."""
    for name in ("cert.der", "key.der"):
        shutil.copy(certificate / name, tmp_path)
    server = start("websocket_app", "tls", heap="1m")
    address = f"wss://{server.host}:{server.port}"
    with connect(address + "/echo", ssl=context) as peer:
        for message in ("", "käse", "x" * 60000, b"y" * 60000, "z"):
            peer.send(message)
            assert peer.recv(timeout=20) == message
        for number in range(50):
            peer.send(f"{number}" * 300)
        pong = peer.ping("pung")
        for number in range(50):
            assert peer.recv(timeout=20) == f"{number}" * 300
        assert pong.wait(20)
    with connect(address + "/feed", ssl=context) as peer, connect(address + "/feed", ssl=context):
        for _ in range(50):
            peer.send("x" * 1000)
        for _ in range(30):
            message = peer.recv(timeout=20)
            number = int(message.split()[0])
            assert message == f"{number} " + "x" * (number % 7 * 1000)


def test_websocket_client(server):
    origin = f"http://{server.host}:{server.port}"  # it sends one
    peer = websocket.create_connection(url(server), timeout=10, origin=origin)
    for message in ("", "käse", "x" * 60000):
        peer.send(message)
        assert peer.recv() == message
    peer.send_binary(b"\0\xff")
    assert peer.recv() == b"\0\xff"
    peer.ping("pung")
    assert peer.recv_data(control_frame=True) == (PONG, b"pung")
    peer.close(status=4000)
    assert "ended" in wait_streams(server)


SEEN = [["käse", 50000, "0,255,128", ""], 3001, True]


def test_chromium(server, page):
    page.goto(f"http://{server.host}:{server.port}/page")
    found = page.evaluate(
        "async url => echo(url, ['käse', 'x'.repeat(50000), new Uint8Array([0, 255, 128]), ''])",
        url(server),
    )
    found[0][1] = len(found[0][1])
    assert found == SEEN
    for path, code, clean in (("/close?code=1011", 1011, True), ("/echo?none", 1005, True)):
        script = """([url, ends]) => new Promise(resolve => {
          const socket = new WebSocket(url)
          socket.onopen = () => { if (ends) socket.close() }
          socket.onclose = event => resolve([event.code, event.wasClean])
        })"""
        assert page.evaluate(script, [url(server, path), "none" in path]) == [code, clean]
    # Too much is refused with a code that the page can see, though it is still sending.
    script = """url => new Promise(resolve => {
      const socket = new WebSocket(url)
      socket.onopen = () => socket.send(new Uint8Array(66000))
      socket.onclose = event => resolve(event.code)
    })"""
    assert page.evaluate(script, url(server)) == 1009
    # A page of another site is not let in, but where it is allowed.
    page.goto(f"http://localhost:{server.port}/page")
    script = """url => new Promise(resolve => {
      const socket = new WebSocket(url)
      socket.onopen = () => resolve("open")
      socket.onclose = event => resolve(event.code)
    })"""
    assert page.evaluate(script, url(server)) == 1006
    assert page.evaluate(script, url(server, "/allowed")) == "open"


def test_firefox(server, firefox_tab):
    firefox_tab.open(f"http://{server.host}:{server.port}/page?report")
    wait_until(lambda: "GET /report?" in server.output, 20)
    [line] = [line for line in server.output.splitlines() if "GET /report?" in line]
    assert json.loads(unquote(line.split("?", 1)[1].split()[0])) == SEEN
