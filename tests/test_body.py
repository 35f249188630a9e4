# Bodies of requests, from curl, http.client and httpx: JSON, forms, streams, and files that are
# either stored whole or not at all.

import hashlib
import http.client
import json
import random
import shutil
import socket
import struct
import subprocess
import time

import httpx
import pytest

from client import Client
from harness import wait_until

MEGABYTE = random.Random(5).randbytes(1 << 20)
JSON = json.dumps({"name": "café ☕", "list": [1, 2.5, None]}).encode()
FORM = b"name=caf%C3%A9+noir&on=&x=1%262&name=second&raw=caf\xc3\xa9"
DECODED = "name: café noir\non: \nraw: café\nx: 1&2"


@pytest.fixture
def files(tmp_path):
    """The folder of uploads, with an old file in it."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "old.bin").write_bytes(b"old")
    (tmp_path / "main.py").write_text("old")
    return folder


@pytest.fixture
def server(start, files):
    return start("body_app")


def sha(data):
    return hashlib.sha256(data).hexdigest()


def url(server, path):
    return f"http://{server.host}:{server.port}{path}"


def curl(server, path, *arguments, data=None):
    """Runs curl and returns the status and the body of the answer; fails when curl does."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    command = ["curl", "-sS", "--max-time", "20", "-w", "\n%{http_code}", url(server, path)]
    command += map(str, arguments)
    done = subprocess.run(command, input=data, capture_output=True)
    assert done.returncode == 0, done.stderr
    body, _, status = done.stdout.rpartition(b"\n")
    return int(status), body


def chunked(data, size=1000):
    """The pieces of a body, so that a client sends it in chunks."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


# What a handler does with a body in one line


@pytest.mark.parametrize(
    "path, body, expected", [("/json", JSON, '"café ☕"'), ("/form", FORM, DECODED)]
)
def test_json_and_forms(server, path, body, expected):
    for content in (body, chunked(body, 7)):
        assert httpx.post(url(server, path), content=content).text == expected
    connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
    for content in (body, chunked(body, 7)):
        connection.request("POST", path, content, encode_chunked=not isinstance(content, bytes))
        assert connection.getresponse().read().decode() == expected
    connection.close()
    for fields in ((), ("-H", "Transfer-Encoding: chunked"), ("--http1.0",)):
        done = curl(server, path, *fields, "--data-binary", "@-", data=body)
        assert done == (200, expected.encode())


def test_forms_of_clients(server):
    form = {"name": "café noir", "on": "", "x": "1&2", "raw": "a+b=c%"}
    expected = "name: café noir\non: \nraw: a+b=c%\nx: 1&2"
    assert httpx.post(url(server, "/form"), data=form).text == expected
    arguments = []
    for name, value in form.items():
        arguments += "--data-urlencode", f"{name}={value}"
    assert curl(server, "/form", *arguments) == (200, expected.encode())
    assert curl(server, "/form", "-d", "a=1", "-d", "b=2") == (200, b"a: 1\nb: 2")


def test_json_of_clients(server):
    assert httpx.post(url(server, "/json"), json={"name": [1, "ü"]}).json() == [1, "ü"]
    if (
        "--json"
        in subprocess.run(["curl", "--help", "all"], capture_output=True, text=True).stdout
    ):
        assert curl(server, "/json", "--json", '{"name": 1}') == (200, b"1")


def test_connection_lives_on(server):
    with httpx.Client() as client:
        for _ in range(3):
            assert client.post(url(server, "/json"), content=JSON).json() == "café ☕"
    with server.connect() as connection:
        client = Client(connection)
        for body in (b"a=1", b"", b"b=2", b"c=3"):
            head = f"POST /form HTTP/1.1\r\nHost: board\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)
            assert client.answer().body == body.replace(b"=", b": ")


# Limits


def test_too_large_is_refused_before_it_is_sent(server):
    # from the announced length: nothing of the body is ever sent here
    for length in (4097, 1_000_000, 9_999_999_999):
        with server.connect() as connection:
            head = f"POST /json HTTP/1.1\r\nHost: board\r\nContent-Length: {length}\r\n\r\n"
            connection.sendall(head.encode())
            response = Client(connection).answer(timeout=0.9)
            assert response.status == 413


def test_too_large(server):
    assert curl(server, "/form", "-d", "a=" + "x" * 4094)[0] == 200
    assert curl(server, "/form", "-d", "a=" + "x" * 4095)[0] == 413
    for content in (b"x" * 5000, chunked(b"x" * 5000)):
        assert httpx.post(url(server, "/form"), content=content).status_code == 413
    # a body that is under way does not destroy the answer
    for _ in range(3):
        assert httpx.post(url(server, "/form"), content=b"x" * 50_000).status_code == 413


def test_curl_does_not_wait_before_it_sends(server, tmp_path):
    file = tmp_path / "body"
    for size, status in ((4000, 200), (2_000_000, 413)):
        file.write_bytes(b"a=" + b"x" * (size - 2))
        begin = time.monotonic()
        arguments = "--expect100-timeout", "8", "-H", "Expect: 100-continue"
        done = curl(server, "/form", *arguments, "--data-binary", f"@{file}")
        assert done[0] == status
        assert time.monotonic() - begin < 3, "curl waited for 100 Continue"


def test_continue_comes_once_and_only_if_the_body_is_read(server):
    head = b"POST %s HTTP/1.1\r\nHost: board\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    with server.connect() as connection:
        client = Client(connection)
        connection.sendall(head % b"/form")
        wait_until(lambda: connection.recv(100, socket.MSG_PEEK).endswith(b"\r\n\r\n"))
        connection.sendall(b"a=1")
        assert client.answer().body == b"a: 1" and client.interim == [100]
    with server.connect() as connection:
        client = Client(connection)
        connection.sendall(head % b"/ignored")
        assert client.answer().body == b"ignored" and client.interim == []
        assert client.rest() == b""


# Streams


@pytest.mark.parametrize("heap", ["96k"])
def test_streams_of_any_size(start, files, heap):
    server = start("body_app", heap=heap)
    for path in ("/read?n=1", "/read?n=100", "/read?n=5000", "/readinto?n=700"):
        size = 20_000 if path.endswith("=1") else len(MEGABYTE)
        for content in (MEGABYTE[:size], chunked(MEGABYTE[:size], 3000)):
            response = httpx.post(url(server, path), content=content, timeout=20)
            assert response.text == sha(MEGABYTE[:size]), path


def test_lines(server):
    lines = [b"x" * n + b"\n" for n in (0, 1, 100, 2047, 2048, 4095)] * 5 + [b"the last"]
    body = b"".join(lines)
    for content in (body, chunked(body, 1000), chunked(body, 1)):
        response = httpx.post(url(server, "/lines"), content=content)
        assert response.text == f"{len(lines)} {sha(body)}"
    assert httpx.post(url(server, "/lines"), content=b"x" * 4097).status_code == 413


# Uploads


def put(server, name, content, **options):
    return httpx.put(url(server, f"/files/{name}"), content=content, timeout=20, **options)


def test_upload_of_a_megabyte(start, files, tmp_path):
    server = start("body_app", heap="128k")
    file = tmp_path / "firmware.bin"
    file.write_bytes(MEGABYTE)
    for arguments in ((), ("-H", "Transfer-Encoding: chunked"), ("-H", "Expect:"), ("--http1.0",)):
        begin = time.monotonic()
        done = curl(server, "/files/new.bin", "--expect100-timeout", "8", "-T", file, *arguments)
        assert done == (201, str(len(MEGABYTE)).encode())
        assert time.monotonic() - begin < 7
        assert sha((files / "new.bin").read_bytes()) == sha(MEGABYTE)
        (files / "new.bin").unlink()
    with open(file, "rb") as body:
        done = curl(server, "/files/new.bin", "-T", "-", data=body.read())
    assert done == (201, str(len(MEGABYTE)).encode())
    assert (files / "new.bin").read_bytes() == MEGABYTE
    assert sorted(path.name for path in files.iterdir()) == ["new.bin", "old.bin"]


def test_upload_of_nothing(server, files):
    assert put(server, "empty", b"").status_code == 201
    assert (files / "empty").read_bytes() == b""


def test_upload_replaces(server, files):
    for content in (b"new", b"n", b"newer and longer", chunked(MEGABYTE[:10_000])):
        assert put(server, "old.bin", content).status_code == 201
    assert (files / "old.bin").read_bytes() == MEGABYTE[:10_000]


def test_upload_keeps_the_connection(server, files):
    with httpx.Client(timeout=10) as client:
        for number in range(3):
            client.put(url(server, f"/files/{number}"), content=MEGABYTE[:100_000])
    addresses = {line.split()[0] for line in server.output.splitlines() if "PUT" in line}
    assert len(addresses) == 1
    assert len(list(files.iterdir())) == 4


ESCAPES = [
    "../main.py",
    "%2e%2e/main.py",
    "..%2fmain.py",
    "sub/../../main.py",
    "..\\main.py",
    "..%5cmain.py",
    "/main.py",
    "%2fmain.py",
    ".hidden",
    "old.bin.part",
    "old.bin.PART",
    "old.bin.part. .",
    "sub/.hidden",
    "main.py%00.txt",
    "./main.py",
    "",
    "sub",
    "sub/",
    "missing/new",
    "sub//new",
    "x" * 1000,
]


@pytest.mark.parametrize("name", ESCAPES)
def test_upload_to_where_nobody_may(server, files, tmp_path, name):
    (files / "sub").mkdir()
    before = sorted(tmp_path.rglob("*"))
    head = f"PUT /files/{name} HTTP/1.1\r\nHost: board\r\nContent-Length: 3\r\n\r\n"
    with server.connect() as connection:
        connection.sendall(head.encode() + b"new")
        assert Client(connection).answer().status in (400, 404, 409)
    assert (tmp_path / "main.py").read_text() == "old"
    assert sorted(tmp_path.rglob("*")) == before


def upload_form(server, name):
    """What a form, or curl -F, sends: the file with lines around it."""
    return httpx.put(url(server, f"/files/{name}"), files={"file": ("x.bin", b"new")})


def test_form_instead_of_a_file(server, files, tmp_path):
    response = upload_form(server, "old.bin")
    assert response.status_code == 415
    assert "form" in response.text and "curl -T" in response.text
    for name in ("new.bin", ""):
        assert upload_form(server, name).status_code == 415
    for kind in ("Multipart/Form-Data; boundary=x", "multipart/form-data"):
        headers = {"Content-Type": kind}
        assert put(server, "old.bin", b"new", headers=headers).status_code == 415
    file = tmp_path / "x.bin"
    file.write_bytes(MEGABYTE)
    for arguments in (["-F", f"file=@{file}"], ["-F", "a=b", "-F", f"file=@{file}"]):
        status, body = curl(server, "/files/old.bin", "-X", "PUT", *arguments)
        assert status == 415 and b"form" in body
    assert [path.name for path in files.iterdir()] == ["old.bin"]
    assert (files / "old.bin").read_bytes() == b"old"


def test_form_is_refused_before_it_is_sent(server):
    head = "PUT /files/old.bin HTTP/1.1\r\nHost: board\r\nContent-Length: 9000\r\n"
    head += "Content-Type: multipart/form-data; boundary=x\r\nExpect: 100-continue\r\n\r\n"
    with server.connect() as connection:
        connection.sendall(head.encode())
        client = Client(connection)
        assert client.answer(timeout=0.9).status == 415 and client.interim == []


def test_files_of_any_type(server, files, tmp_path, installed):
    """Some clients call all that they send a form, though it is not."""
    for kind in (
        "application/x-www-form-urlencoded",
        "application/octet-stream",
        "multipart/mixed; boundary=x",
        "text/plain; note=multipart/form-data",
        "",
    ):
        assert put(server, "new.bin", kind.encode(), headers={"Content-Type": kind}).is_success
        assert (files / "new.bin").read_bytes() == kind.encode()
    file = tmp_path / "x.bin"
    file.write_bytes(MEGABYTE)
    done = curl(server, "/files/curl.bin", "-X", "PUT", "--data-binary", f"@{file}")
    assert done == (201, b"1048576") and sha((files / "curl.bin").read_bytes()) == sha(MEGABYTE)
    command = [installed("wget"), "-q", "-O", "-", "--tries=1", "--timeout=10"]
    command += [f"--body-file={file}", "--method=PUT", url(server, "/files/wget.bin")]
    done = subprocess.run(command, capture_output=True, check=True)
    assert done.stdout == b"1048576"
    command[-3:] = [f"--post-file={file}", url(server, "/post/wget.bin")]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"1048576"
    assert sha((files / "wget.bin").read_bytes()) == sha(MEGABYTE)


@pytest.mark.parametrize(
    "name, status, text",
    [
        ("", 400, "no file name"),
        ("sub/", 400, "no file name"),
        ("missing/", 400, "no file name"),
        ("missing/new", 404, "no folder"),
        ("missing/deep/new", 404, "no folder"),
        ("old.bin/new", 404, "no folder"),
        ("../main.py", 404, "no file"),
    ],
)
def test_upload_says_what_is_missing(server, files, name, status, text):
    (files / "sub").mkdir()
    head = f"PUT /files/{name} HTTP/1.1\r\nHost: board\r\nContent-Length: 3\r\n\r\n"
    with server.connect() as connection:
        connection.sendall(head.encode() + b"new")
        response = Client(connection).answer()
    assert (response.status, response.body.decode().strip()) == (status, text)
    assert (files / "old.bin").read_bytes() == b"old"


LENGTH = "Content-Length: 100000"
CHUNKED = "Transfer-Encoding: chunked"


def broken(server, ending, framing):
    """Begins an upload of old.bin and breaks it."""
    head = f"PUT /files/old.bin HTTP/1.1\r\nHost: board\r\n{framing}\r\n\r\n".encode()
    size = 2000 if ending == "silence" else 50_000  # each byte buys a millisecond of silence
    data = b"x" * size
    if "chunked" in framing:
        data = b"%x\r\n%s\r\n" % (size, data)
    with server.connect() as connection:
        connection.sendall(head + data)
        if ending == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif ending == "half-close":
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(1000):
                pass
        elif ending == "garbage":
            connection.sendall(b"no chunk\r\n")
            assert Client(connection).answer().status == 400
        elif ending == "silence":
            Client(connection).rest(timeout=8)


@pytest.mark.parametrize(
    "framing, ending",
    [
        (framing, end)
        for framing in (LENGTH, CHUNKED)
        for end in ("close", "reset", "half-close", "silence")
    ]
    + [(CHUNKED, "garbage")],
)
def test_broken_upload_leaves_the_old_file(server, files, ending, framing):
    before = server.descriptors()
    broken(server, ending, framing)
    wait_until(lambda: [path.name for path in files.iterdir()] == ["old.bin"])
    assert (files / "old.bin").read_bytes() == b"old"
    server.wait_descriptors(before)
    # 409 if all this was so quick that the broken one has not begun yet
    wait_until(lambda: put(server, "old.bin", b"new").status_code == 201)
    assert (files / "old.bin").read_bytes() == b"new"


def test_upload_over_its_limit(server, files):
    # refused from the announced length, or when there is too much of it
    head = b"PUT /small/old.bin HTTP/1.1\r\nHost: board\r\nContent-Length: 2000\r\n\r\n"
    with server.connect() as connection:
        connection.sendall(head)
        assert Client(connection).answer(timeout=0.9).status == 413
    for content in (b"x" * 100_000, chunked(b"x" * 100_000), b"x" * 1001, chunked(b"x" * 1001)):
        response = httpx.put(url(server, "/small/old.bin"), content=content)
        assert response.status_code == 413
    assert [path.name for path in files.iterdir()] == ["old.bin"]
    assert (files / "old.bin").read_bytes() == b"old"
    for content in (b"x" * 1000, chunked(b"y" * 1000)):
        response = httpx.put(url(server, "/small/old.bin"), content=content)
        assert (response.status_code, response.text) == (201, "1000")


def test_second_upload_of_the_same_file(server, files, package):
    head = b"PUT /files/%s HTTP/1.1\r\nHost: board\r\nContent-Length: 60000\r\n\r\n"
    with server.connect() as first:
        first.sendall(head % b"old.bin" + b"1" * 50_000)
        wait_until((files / "old.bin.part").exists)
        with server.connect() as second:
            second.sendall(head % b"old.bin" + b"2" * 60_000)
            if package == "httpserver":
                # it waits for its turn; then there is nothing in its way
                first.sendall(b"1" * 10_000)
                assert Client(first).answer().status == 201
                assert Client(second).answer().status == 201
                assert (files / "old.bin").read_bytes() == b"2" * 60_000
                return
            assert Client(second).answer().status == 409
        with server.connect() as third:  # as some disks see it, this is the same file
            third.sendall(head % b"OLD.bin.")
            assert Client(third).answer().status == 409
        assert put(server, "other.bin", b"other").status_code == 201
        first.sendall(b"1" * 10_000)
        assert Client(first).answer().status == 201
    assert (files / "old.bin").read_bytes() == b"1" * 60_000
    assert put(server, "old.bin", b"again").status_code == 201


@pytest.mark.parametrize("file_system", ["VfsLfs2", "VfsFat"])
def test_full_disk(start, file_system):
    server = start("body_disk", file_system)

    def upload(name, content):
        return httpx.put(url(server, "/" + name), content=content, timeout=10).status_code

    def state():
        return httpx.get(url(server, "/")).json()

    assert upload("old.bin", b"o" * 10_000) == 201
    before = state()
    for name in "x", "y", "z":  # until not even a small file fits: such a disk writes it at close
        sizes = 0
        while (status := upload(f"{name}{sizes}", b"s" * 100)) == 201:
            sizes += 1
            assert sizes < 200
        assert status == 507
    names = [name for name in state() if name[:1] in ("x", "y", "z")]
    assert len(names) > 20
    assert upload("old.bin", b"n" * 100) in (201, 507)
    for name in names:
        assert httpx.delete(url(server, "/" + name)).status_code == 204
    assert state() == before
    for size in (100, 20_000, *range(35_000, 56_000, 1500), 64_000, 1_000_000):
        status = upload("old.bin", b"n" * size)
        if size <= 35_000 or size >= 54_000:
            assert status == (201 if size <= 35_000 else 507), size
        if status == 201:
            assert state()["old.bin"] == size
            assert upload("old.bin", b"o" * 10_000) == 201
        assert state() == before, size
    assert upload("new.bin", chunked(b"n" * 100_000)) == 507
    assert state() == before
    assert upload("new.bin", b"n" * 10_000) == 201


def test_firmware_upload_by_any_client(server, files):
    data = MEGABYTE[:300_000]
    connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
    connection.request("PUT", "/files/client.bin", data)
    assert connection.getresponse().read() == b"300000"
    connection.request("PUT", "/files/chunks.bin", chunked(data), encode_chunked=True)
    assert connection.getresponse().read() == b"300000"
    connection.close()
    for name in ("client.bin", "chunks.bin"):
        assert (files / name).read_bytes() == data
