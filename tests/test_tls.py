# HTTPS in both packages, with a certificate made here: real clients, and those that do not finish
# or do not even begin a handshake.

import hashlib
import random
import shutil
import socket
import ssl
import subprocess
import time
from contextlib import ExitStack, suppress

import httpx
import pytest

from client import Client
from harness import HOST, parse_one, wait_until

MEGABYTE = random.Random(5).randbytes(1 << 20)
GET = b"GET / HTTP/1.1\r\nHost: board\r\n\r\n"


@pytest.fixture
def files(tmp_path, certificate):
    for name in ("cert.der", "key.der"):
        shutil.copy(certificate / name, tmp_path)
    folder = tmp_path / "files"
    folder.mkdir()
    return folder


@pytest.fixture
def server(start, files):
    return start("tls_app")


def url(server, path):
    return f"https://{server.host}:{server.port}{path}"


def secured(server, context):
    return context.wrap_socket(server.connect(), server_hostname=HOST)


def check(server, context, seconds=5):
    """Asserts that a good client is answered."""
    begin = time.monotonic()
    with secured(server, context) as connection:
        connection.sendall(GET)
        assert Client(connection).answer().body == b"hello"
    assert time.monotonic() - begin < seconds


def test_python(server, context):
    check(server, context)
    with secured(server, context) as connection:
        client = Client(connection)
        for _ in range(3):
            connection.sendall(GET)
            assert client.answer().header("Connection") == "keep-alive"
        connection.sendall(GET * 3)
        assert [client.answer().body for _ in range(3)] == [b"hello"] * 3
        for byte in GET:
            connection.sendall(bytes([byte]))
        assert client.answer().body == b"hello"
        # Two requests in one TLS record, the first as long as what the server reads at once: the
        # second has come, but no longer waits in the socket.
        for size in 640, 1024, 1280:
            first = GET[:-2] + b"X-Padding: " + b"x" * (size - len(GET) - 13) + b"\r\n\r\n"
            assert len(first) == size
            connection.sendall(first + GET)
            assert [client.answer().body for _ in range(2)] == [b"hello"] * 2


def test_versions(server, context):
    versions = set()
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context.maximum_version = version
        with secured(server, context) as connection:
            versions.add(connection.version())
            connection.sendall(GET)
            assert Client(connection).answer().body == b"hello"
    assert "TLSv1.2" in versions


def test_curl(server, certificate, files, tmp_path):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")

    def curl(path, *arguments):
        command = ["curl", "-sS", "--max-time", "10", "--cacert", certificate / "cert.pem"]
        command += [*arguments, url(server, path)]
        return subprocess.run(command, check=True, capture_output=True).stdout

    assert curl("/") == b"hello"
    file = tmp_path / "upload"
    file.write_bytes(MEGABYTE)
    assert curl("/files/new.bin", "-T", file) == b"1048576"
    assert sha(curl("/files/new.bin")) == sha(MEGABYTE)
    assert curl("/files/new.bin", "-r", "1000-1999") == MEGABYTE[1000:2000]


def sha(data):
    return hashlib.sha256(data).hexdigest()


def test_large_bodies_both_ways(server, context, files):
    with httpx.Client(verify=context, timeout=10) as client:
        for _ in range(2):
            assert client.put(url(server, "/files/a"), content=MEGABYTE).text == "1048576"
            assert sha((files / "a").read_bytes()) == sha(MEGABYTE)
            assert sha(client.get(url(server, "/files/a")).content) == sha(MEGABYTE)
    assert server.output.count(" 201\n") == 2


def test_slow_reader(server, context, files):
    # the server's output fills all buffers and goes on where it stopped
    (files / "a").write_bytes(MEGABYTE * 4)
    with secured(server, context) as connection:
        connection.sendall(b"GET /files/a HTTP/1.1\r\nHost: board\r\n\r\n")
        time.sleep(0.5)
        assert sha(Client(connection).answer().body) == sha(MEGABYTE * 4)


def test_event_stream(server, context):
    with secured(server, context) as connection:
        connection.sendall(b"GET /events HTTP/1.1\r\nHost: board\r\n\r\n")
        data = Client(connection).answer().body
    assert data.count(b"data: " + b"x" * 1000 + b"\n\n") == 20


def test_wget_asks_once(server, certificate, installed, tmp_path):
    """MicroPython says no goodbye over TLS: a body that ends by the close looks cut off."""
    wget = installed("wget"), "-q", "-O", "-", "--timeout=5", "--waitretry=0", "--tries=5"
    for path, expected in (
        ("/pieces", b"".join(b"%06d:%s\n" % (i, b"x" * 692) for i in range(200))),
        ("/events", b"".join(b"id: %d\ndata: %s\n\n" % (i, b"x" * 1000) for i in range(20))),
        ("/", b"hello"),
    ):
        command = [*wget, f"--ca-certificate={certificate / 'cert.pem'}", url(server, path)]
        done = subprocess.run(command, capture_output=True)
        assert (done.returncode, done.stdout) == (0, expected), done.stderr
        wait_until(lambda line=f"GET {path} 200\n": line in server.output)
    assert server.output.count("GET ") == 3


def test_plain_client(server, context):
    before = server.descriptors()
    for request in (GET, b"\0" * 2000, b"x" * 20_000, b"\x16\x03\x01\x02\0" + b"x" * 512):
        with server.connect() as connection, suppress(ConnectionError):
            connection.sendall(request)
            while data := connection.recv(1000):
                assert not data.startswith(b"HTTP"), "answered without TLS"
        check(server, context)
    server.wait_descriptors(before)


def test_client_that_does_not_trust(server, context):
    before = server.descriptors()
    for _ in range(3):
        with pytest.raises(ssl.SSLCertVerificationError):
            secured(server, ssl.create_default_context())
    check(server, context)
    server.wait_descriptors(before)


def hello(context):
    """The first bytes that a client sends."""
    outgoing = ssl.MemoryBIO()
    tls = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=HOST)
    with suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def test_unfinished_handshakes(server, context):
    before = server.descriptors()
    first = hello(context)
    beginnings = (b"", first[:1], first[: len(first) // 2], first)
    with ExitStack() as stack:
        for number in range(12):
            connection = stack.enter_context(server.connect())
            connection.sendall(beginnings[number % 4])
        check(server, context)  # each that says nothing gives way after 500 ms
        check(server, context)
        begin = time.monotonic()
        server.wait_descriptors(before, timeout=6)  # each is closed at its deadline
        assert time.monotonic() - begin < 5
    check(server, context)


def test_handshake_that_dribbles(server, context):
    # each byte comes in time, the handshake does not
    before = server.descriptors()
    begin = time.monotonic()
    with server.connect() as connection, suppress(ConnectionError):
        for byte in hello(context):
            connection.send(bytes([byte]))
            time.sleep(0.05)
            if server.descriptors() == before:
                break
    assert time.monotonic() - begin < 5
    check(server, context)


def test_clients_that_leave(server, context, files):
    (files / "a").write_bytes(MEGABYTE)
    before = server.descriptors()
    for data in (b"", GET[:10], b"GET /files/a HTTP/1.1\r\nHost: board\r\n\r\n"):
        for orderly in (True, False):
            connection = secured(server, context)
            connection.sendall(data)
            time.sleep(0.05)
            if orderly:
                with suppress(OSError):
                    connection.setblocking(False)
                    connection.unwrap()
            connection.close()
    check(server, context)
    server.wait_descriptors(before)


def test_broken_upload(server, context, files):
    (files / "a").write_bytes(b"old")
    with secured(server, context) as connection:
        head = b"PUT /files/a HTTP/1.1\r\nHost: board\r\nContent-Length: 100000\r\n\r\n"
        connection.sendall(head + b"x" * 50_000)
        wait_until((files / "a.part").exists)
    wait_until(lambda: not (files / "a.part").exists())
    assert (files / "a").read_bytes() == b"old"
    check(server, context)


def test_slow_client_gets_every_byte(server, context):
    # TLS must be given the very same bytes again when the socket was full.
    with socket.socket() as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.settimeout(10)
        plain.connect((server.host, server.port))
        with context.wrap_socket(plain, server_hostname=HOST) as connection:
            connection.sendall(GET.replace(b"/ ", b"/pieces ", 1))
            data = b""
            with suppress(ssl.SSLEOFError):
                while piece := connection.recv(1500):
                    data += piece
                    time.sleep(0.005)
    assert parse_one(data).body == b"".join(b"%06d:%s\n" % (i, b"x" * 692) for i in range(200))
