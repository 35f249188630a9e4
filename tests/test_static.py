# StaticFiles: what it sends for which path, what it saves a browser, and what nobody may get.

import calendar
import gzip
import hashlib
import os
import random
import re
import shutil
import socket
import subprocess
import threading
import time
from contextlib import suppress
from email.utils import formatdate
from urllib.parse import quote, urljoin

import httpx
import pytest

from client import Client
from harness import MICROPYTHON, ROOT

PAGE = b"<!doctype html><title>caf\xc3\xa9</title>"
BIG = random.Random(5).randbytes(1_000_000)
OLD = 1_000_000_000  # a time in the past


@pytest.fixture
def www(tmp_path):
    """The folder that the server is going to serve, with the program beside it."""
    folder = tmp_path / "www"
    folder.mkdir()
    (folder / "index.html").write_bytes(PAGE)
    (folder / "ten.txt").write_bytes(b"0123456789")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


@pytest.fixture
def server(start, www):
    return start("static_app")


def url(server, path):
    return f"http://{server.host}:{server.port}{path}"


def curl(*arguments):
    """Runs curl; fails when it does."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    command = ["curl", "-sS", "--max-time", "10", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True).stdout


TYPES = {
    "html": "text/html; charset=utf-8",
    "htm": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8",
    "wasm": "application/wasm",
    "json": "application/json",
    "svg": "image/svg+xml",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "ico": "image/x-icon",
    "woff": "font/woff",
    "woff2": "font/woff2",
    "mp4": "video/mp4",
    "pdf": "application/pdf",
    "txt": "text/plain; charset=utf-8",
    "xml": "text/xml; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "JPG": "image/jpeg",
    "HTM": "text/html; charset=utf-8",
    "bin": "application/octet-stream",
    "text": "application/octet-stream",
    "html\ncss": "application/octet-stream",
    "": "application/octet-stream",
}


def test_media_types(server, www):
    for kind, expected in TYPES.items():
        name = f"a.b.{kind}" if kind else "LICENSE"
        (www / name).write_bytes(b"x")
        response = server.get("/" + quote(name))
        assert (response.status, response.header("Content-Type")) == (200, expected), kind


def test_more_media_types_by_argument(server, www):
    for name, expected in (
        ("a.wasm", "application/wasm"),
        ("a.js", "application/javascript"),
        ("a.css", "text/css; charset=utf-8"),
    ):
        (www / name).write_bytes(b"x")
        assert server.get("/rare/" + name).header("Content-Type") == expected


def test_index_of_a_folder(server, www):
    (www / "sub").mkdir()
    (www / "sub" / "index.html").write_bytes(b"sub")
    (www / "empty").mkdir()
    assert server.get("/").body == PAGE
    assert server.get("/sub/").body == b"sub"
    assert server.get("/below/it/sub/").body == b"sub"
    assert server.get("/below/it/").body == PAGE
    assert server.get("/empty/").status == 404
    (www / "empty" / "index.html").mkdir()
    assert server.get("/empty/").status == 404
    (www / "sub" / "index.html.gz").mkdir()
    assert server.get("/sub/", "Accept-Encoding: gzip").body == b"sub"
    (www / "only.css.gz").mkdir()
    assert server.get("/only.css", "Accept-Encoding: gzip").status == 404


@pytest.mark.parametrize(
    "target, expected",
    [
        ("/dir", "/dir/"),
        ("/dir?a=b&c=//evil.example/", "/dir/?a=b&c=//evil.example/"),
        ("/dir?a?b", "/dir/?a?b"),
        ("/dir?", "/dir/"),
        ("/below/it/dir?x", "/below/it/dir/?x"),
        ("/dir/with%20blank", "/dir/with%20blank/"),
        ("/dir%2Fwith%20blank", "/dir%2Fwith%20blank/"),
        ("/caf%C3%A9", "/caf%C3%A9/"),
        ("/javascript:alert(1)", "/javascript:alert(1)/"),
        ("http://board/dir?x", "/dir/?x"),
        ("http://evil.example/dir", "/dir/"),
    ],
)
def test_redirect_to_the_slash(server, www, target, expected):
    for name in ("dir", "dir/with blank", "café", "javascript:alert(1)"):
        (www / name).mkdir()
        (www / name / "index.html").write_text(name)
    response = server.get(target)
    assert response.status == 302 and response.body == b""
    location = response.header("Location")
    path = target[target.index("/", 8) :] if target.startswith("http") else target
    # what a browser makes of it; a "?" at the end means nothing
    assert urljoin(f"http://board{path}", location).rstrip("?") == f"http://board{expected}"
    with httpx.Client(follow_redirects=True) as client:
        assert client.get(url(server, path)).status_code == 200


def test_no_redirect_to_another_host(server, www):
    (www / "evil.example").mkdir()
    for target in ("//evil.example", "/%2Fevil.example", "//evil.example/", "/\\evil.example"):
        assert server.get(target).status == 404
    response = server.get("/below/it//evil.example")
    assert response.status == 404 or "//" not in response.header("Location")


def test_length_and_keep_alive(server, www):
    (www / "empty.txt").write_bytes(b"")
    with server.connect() as connection:
        client = Client(connection)
        for path, status, body in (
            ("/", 200, PAGE),
            ("/ten.txt", 200, b"0123456789"),
            ("/empty.txt", 200, b""),
            ("/ten.txt", 200, b"0123456789"),
        ):
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: board\r\n\r\n".encode())
            response = client.answer()
            assert (response.status, response.body) == (status, body)
            assert response.header("Content-Length") == str(len(body))
            assert response.header("Connection") == "keep-alive"


def test_head(server, www):
    (www / "app.js.gz").write_bytes(gzip.compress(b"packed"))
    (www / "app.js").write_bytes(b"plain")
    with server.connect() as connection:
        client = Client(connection)
        for path, field in (("/", "X: y"), ("/app.js", "Accept-Encoding: gzip")):
            heads = []
            for method in ("GET", "HEAD"):
                request = f"{method} {path} HTTP/1.1\r\nHost: board\r\n{field}\r\n\r\n"
                connection.sendall(request.encode())
                heads.append(client.answer(method).headers)
            assert heads[0] == heads[1]


def test_head_reads_no_file(server, www):
    with open(www / "sparse.bin", "wb") as file:
        file.truncate(1 << 30)
    begin = time.monotonic()
    response = server.request("HEAD", "/sparse.bin")
    assert response.header("Content-Length") == str(1 << 30)
    assert time.monotonic() - begin < 0.3


def test_not_found(server):
    response = server.get("/missing.html")
    assert response.status == 404 and response.header("ETag") is None


def test_other_methods_are_refused(server):
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        response = server.request(method, "/ten.txt")
        assert response.status == 405
        assert response.header("Allow") == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize(
    "name", ["with blank.txt", "café.txt", "a+b&c=d.txt", "100%.txt", "日本.txt", "a?b#c.txt"]
)
def test_file_names(server, www, name):
    (www / name).write_text(name)
    response = server.get("/" + quote(name))
    assert (response.status, response.body.decode()) == (200, name)
    (www / "sub ü").mkdir()
    (www / "sub ü" / name).write_text(name)
    assert server.get(f"/{quote('sub ü')}/{quote(name)}").body.decode() == name


OUTSIDE = [
    "/../secret.txt",
    "/%2e%2e/secret.txt",
    "/%2E%2E%2Fsecret.txt",
    "/..%2fsecret.txt",
    "/.%2e/secret.txt",
    "/sub/../../secret.txt",
    "/sub/%2e%2e/%2e%2e/secret.txt",
    "/./../secret.txt",
    "/..\\secret.txt",
    "/..%5csecret.txt",
    "/sub\\..\\..\\secret.txt",
    "/../www/../secret.txt",
    "/../www/ten.txt",
    "/below/it/../secret.txt",
    "/below/it/..%2f..%2fsecret.txt",
    "/%00/secret.txt",
    "/ten.txt%00.html",
    "/..%00/secret.txt",
    "/%c0%ae%c0%ae/secret.txt",
    "/%c0%ae%c0%ae%c0%afsecret.txt",
    "/%252e%252e/secret.txt",
    "/....//secret.txt",
    "/.hidden",
    "/sub/.hidden",
    "/./ten.txt",
    "/.",
    "/..",
    "/sub/..",
    "http://board/../secret.txt",
    "/ten.txt/",
    "/ten.txt/../../secret.txt",
]


def test_nothing_outside(server, www, tmp_path):
    (www / "sub").mkdir()
    for hidden in (www / ".hidden", www / "sub" / ".hidden"):
        hidden.write_text("secret")
    absolute = [
        f"/{tmp_path}/secret.txt",
        f"//{tmp_path}/secret.txt",
        f"/%2f{tmp_path}/secret.txt",
    ]
    for target in OUTSIDE + absolute:
        with server.connect() as connection:
            connection.sendall(f"GET {target} HTTP/1.1\r\nHost: board\r\n\r\n".encode())
            response = Client(connection).answer()
        assert response.status in (400, 404), target
        assert b"secret" not in response.body and b"0123" not in response.body, target
    assert server.get("/ten.txt").status == 200


@pytest.mark.parametrize("folder", ["", ".", "/", "./", "..", "//"])
def test_refuses_the_folder_of_the_programs(package, folder):
    program = (
        f"from {package}.static import StaticFiles\n"
        f"try:\n    StaticFiles({folder!r})\nexcept ValueError as e:\n    print('refused:', e)\n"
    )
    done = subprocess.run(
        [MICROPYTHON, "-c", program],
        env={**os.environ, "MICROPYPATH": f".frozen:{ROOT}"},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "refused: folder: not the board's root\n", done.stderr


# What a browser has already


def test_cache_control(server):
    assert server.get("/").header("Cache-Control") == "no-cache"
    assert server.get("/rare/").header("Cache-Control") == "max-age=3600"


def test_not_modified(server):
    etag = server.get("/").header("ETag")
    assert re.fullmatch('"[!#-~]+"', etag)
    for field in (etag, f"W/{etag}", f'"other", {etag}', f'{etag},"other"', "*"):
        response = server.get("/", f"If-None-Match: {field}")
        assert (response.status, response.body) == (304, b""), field
        assert response.header("ETag") == etag
        assert response.header("Cache-Control") == "no-cache"
        assert response.header("Vary").lower() == "accept-encoding"
    for field in ('"other"', etag[:-2] + '"', etag.strip('"'), ""):
        response = server.get("/", f"If-None-Match: {field}")
        assert (response.status, response.body) == (200, PAGE), field


def test_only_if_it_is_this_state(server):
    """RFC 9110 section 13.1.1: who resumes a download must not join two versions."""
    etag = server.get("/ten.txt").header("ETag")
    for field, status in (
        (etag, 206),
        ("*", 206),
        (f'"x", {etag}', 206),
        (f'W/"x", {etag}', 206),
        ('"x"', 412),
        ("", 412),
        (f"W/{etag}", 412),
        (f'"x",W/{etag}', 412),
    ):
        answer = server.get("/ten.txt", f"If-Match: {field}", "Range: bytes=5-")
        assert answer.status == status, field
        assert (answer.body == b"56789") == (status == 206)


def test_not_modified_keeps_the_connection(server):
    etag = server.get("/").header("ETag")
    request = f"GET / HTTP/1.1\r\nHost: board\r\nIf-None-Match: {etag}\r\n\r\n".encode()
    with server.connect() as connection:
        client = Client(connection)
        for _ in range(3):
            connection.sendall(request)
            response = client.answer()
            assert response.status == 304 and response.header("Connection") == "keep-alive"


RECENT = 1_750_000_000  # when boards had clocks, and this file was written


def date_of(seconds):
    return formatdate(seconds, usegmt=True)


@pytest.mark.parametrize("seconds", [RECENT, RECENT + 86400 * 31, 1_735_689_600])
def test_last_modified(server, www, seconds):
    os.utime(www / "ten.txt", (seconds, seconds))
    for method in ("GET", "HEAD"):
        response = server.request(method, "/ten.txt")
        assert response.header("Last-Modified") == date_of(seconds)
    response = server.get("/ten.txt", f"If-Modified-Since: {date_of(seconds)}")
    assert (response.status, response.body) == (304, b"")
    assert response.header("Last-Modified") == date_of(seconds)
    assert response.header("ETag") and response.header("Cache-Control") == "no-cache"


def test_last_modified_in_each_month(server, www):
    for month in range(1, 13):
        seconds = calendar.timegm((2025, month, 28, 23, 59, 1))
        os.utime(www / "ten.txt", (seconds, seconds))
        if seconds < time.time():
            assert server.get("/ten.txt").header("Last-Modified") == date_of(seconds)


@pytest.mark.parametrize("seconds", [0, 1, OLD, 1_704_067_199, None])
def test_times_that_no_clock_can_have_given(server, www, seconds):
    """A board without a clock begins in 2000 or so, each time; None: in the future."""
    seconds = time.time() + 3600 if seconds is None else seconds
    os.utime(www / "ten.txt", (seconds, seconds))
    response = server.get("/ten.txt", f"If-Modified-Since: {date_of(seconds)}")
    assert (response.status, response.body) == (200, b"0123456789")
    assert response.header("Last-Modified") is None
    assert response.header("ETag")


def test_modified_since(server, www):
    os.utime(www / "ten.txt", (RECENT, RECENT))
    etag = server.get("/ten.txt").header("ETag")
    same, later = (f"If-Modified-Since: {date_of(RECENT + n)}" for n in (0, 1))
    for fields, status in (
        ([same], 304),
        ([later], 200),  # the very text counts
        (["If-Modified-Since: " + date_of(RECENT - 1)], 200),
        ([same + " "], 304),
        ([same.lower()], 200),
        (["If-Modified-Since: "], 200),
        (["If-Modified-Since: *"], 200),
        ([f"If-Modified-Since: {etag}"], 200),
        # If-None-Match counts more
        ([same, 'If-None-Match: "other"'], 200),
        ([same, "If-None-Match: "], 200),
        ([f"If-None-Match: {date_of(RECENT)}"], 200),
        ([later, f"If-None-Match: {etag}"], 304),
        ([same, f"If-None-Match: {etag}"], 304),
    ):
        assert server.get("/ten.txt", *fields).status == status, fields
    with open(www / "ten.txt", "ab") as file:
        file.write(b"x")
    assert server.get("/ten.txt", same).status == 200


def test_last_modified_of_the_packed_file(packed, www):
    os.utime(www / "app.js", (RECENT, RECENT))
    os.utime(www / "app.js.gz", (RECENT + 5, RECENT + 5))
    gzipped = packed.get("/app.js", "Accept-Encoding: gzip").header("Last-Modified")
    assert gzipped == date_of(RECENT + 5)
    assert packed.get("/app.js").header("Last-Modified") == date_of(RECENT)


def test_wget_saves_the_download(server, www, tmp_path, installed):
    os.utime(www / "ten.txt", (RECENT, RECENT))
    folder = tmp_path / "copy"
    folder.mkdir()
    command = [installed("wget"), "-nv", "-N", "--tries=1", "--timeout=5", url(server, "/ten.txt")]
    outputs = []
    for _ in range(2):
        done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
        outputs.append(done.stderr)
    assert "saved" in outputs[0] or "->" in outputs[0]
    assert "->" not in outputs[1]  # nothing came
    assert (folder / "ten.txt").stat().st_mtime == RECENT
    (www / "ten.txt").write_bytes(b"new")
    os.utime(www / "ten.txt", (RECENT + 60, RECENT + 60))
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    assert (folder / "ten.txt").read_bytes() == b"new"


def test_nothing_is_unmodified_when_it_is_missing(server):
    assert server.get("/missing.html", "If-None-Match: *").status == 404


def test_etag_changes_with_the_file(server, www):
    file = www / "ten.txt"
    os.utime(file, (OLD, OLD))
    tags = [server.get("/ten.txt").header("ETag")]
    assert server.get("/ten.txt").header("ETag") == tags[0]
    os.utime(file, (OLD, OLD + 1))
    tags.append(server.get("/ten.txt").header("ETag"))
    file.write_bytes(b"01234567890")
    os.utime(file, (OLD, OLD))
    tags.append(server.get("/ten.txt").header("ETag"))
    assert len(set(tags)) == 3
    assert server.get("/ten.txt", f"If-None-Match: {tags[0]}").status == 200


def test_etag_changes_with_the_start(start, www):
    # A board without a clock writes each file in the same second of the same year.
    os.utime(www / "ten.txt", (OLD, OLD))
    tags = {start("static_app").get("/ten.txt").header("ETag") for _ in range(3)}
    assert len(tags) == 3


# Packed files


@pytest.fixture
def packed(server, www):
    """The server with app.js, its packed sibling, and one file that is there only packed."""
    (www / "app.js").write_bytes(b"plain " * 20)
    (www / "app.js.gz").write_bytes(gzip.compress(b"plain " * 20))
    (www / "only.css.gz").write_bytes(gzip.compress(b"only"))
    return server


@pytest.mark.parametrize(
    "accepted, expected",
    [
        ("gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("br,gzip", True),
        ("gzip;q=1.0, identity; q=0.5", True),
        ("", False),
        ("identity", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("gzip ; q=0, *", False),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        ("gzip;q=0.001", True),
        ("GZIP", True),
        ("Gzip;Q=0.5", True),
        ("gzip;Q=0", False),
        ("gzip\t;\tq=0,\t*", False),
        ("br,\tgzip", True),
        ("x-gzip", True),
        ("x-gzip;q=0", False),
        ("x-gzipped", False),
        ("gzipped, gzip2", False),
        ("xgzip, -gzip", False),
        ("not gzip", False),
        ("*", True),
        ("*;q=0", False),
        ("br, *;q=0.1", True),
        ("*;q=0, gzip", True),
        ("identity, *;q=0", False),
        ("gzip;q=0, x-gzip;q=0, *", False),
        ("identity;q=1, gzip;q=0.", False),
        (",,gzip,,", True),
        (";q=0", False),
        ("," * 1500, False),
    ],
)
def test_packed_for_who_can_unpack(packed, accepted, expected):
    response = packed.get("/app.js", f"Accept-Encoding: {accepted}")
    assert response.status == 200
    assert response.header("Content-Type") == "text/javascript; charset=utf-8"
    assert response.header("Vary").lower() == "accept-encoding"
    assert response.header("Content-Encoding") == ("gzip" if expected else None)
    body = gzip.decompress(response.body) if expected else response.body
    assert body == b"plain " * 20


@pytest.mark.parametrize("older, used", [(0, True), (59, True), (61, False), (9999, False)])
def test_packed_file_that_was_forgotten(packed, www, older, used):
    """app.js was changed, app.js.gz was not made anew."""
    os.utime(www / "app.js", (RECENT, RECENT))
    os.utime(www / "app.js.gz", (RECENT - older, RECENT - older))
    response = packed.get("/app.js", "Accept-Encoding: gzip")
    assert response.header("Content-Encoding") == ("gzip" if used else None)
    assert response.header("Vary").lower() == "accept-encoding"
    os.utime(www / "app.js.gz", (RECENT + 9999, RECENT + 9999))
    response = packed.get("/app.js", "Accept-Encoding: gzip")
    assert response.header("Content-Encoding") == "gzip"


def test_packed_for_real_clients(packed):
    assert curl("--compressed", url(packed, "/app.js")) == b"plain " * 20
    assert curl(url(packed, "/app.js")) == b"plain " * 20
    response = httpx.get(url(packed, "/app.js"))
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.content == b"plain " * 20


def test_packed_only(packed):
    response = packed.get("/only.css", "Accept-Encoding: gzip")
    assert response.header("Content-Type") == "text/css; charset=utf-8"
    assert gzip.decompress(response.body) == b"only"
    assert packed.get("/only.css").status == 404
    response = packed.get("/only.css.gz", "Accept-Encoding: gzip")
    assert response.header("Content-Encoding") is None
    assert gzip.decompress(response.body) == b"only"


def test_packed_is_another_state_of_the_file(packed, www):
    for name in ("app.js", "app.js.gz"):
        os.utime(www / name, (OLD, OLD))
    plain = packed.get("/app.js").header("ETag")
    zipped = packed.get("/app.js", "Accept-Encoding: gzip").header("ETag")
    assert plain != zipped
    fields = "Accept-Encoding: gzip", f"If-None-Match: {zipped}"
    assert packed.get("/app.js", *fields).status == 304
    assert packed.get("/app.js", fields[1]).status == 200


# Ranges


@pytest.mark.parametrize(
    "wanted, first, last",
    [
        ("bytes=0-", 0, 9),
        ("bytes=0-0", 0, 0),
        ("bytes=2-5", 2, 5),
        ("bytes=9-9", 9, 9),
        ("bytes=5-", 5, 9),
        ("bytes=5-9999999999999999999999", 5, 9),
        ("bytes=-3", 7, 9),
        ("bytes=-10", 0, 9),
        ("bytes=-99", 0, 9),
    ],
)
def test_range(server, wanted, first, last):
    with server.connect() as connection:
        client = Client(connection)
        for _ in range(2):
            request = f"GET /ten.txt HTTP/1.1\r\nHost: board\r\nRange: {wanted}\r\n\r\n"
            connection.sendall(request.encode())
            response = client.answer()
            assert response.status == 206 and response.reason == "Partial Content"
            assert response.body == b"0123456789"[first : last + 1]
            assert response.header("Content-Range") == f"bytes {first}-{last}/10"
            assert response.header("Content-Type") == "text/plain; charset=utf-8"
            assert response.header("ETag")


@pytest.mark.parametrize(
    "wanted", ["bytes=10-", "bytes=10-20", "bytes=99-", "bytes=-0", "bytes=5-2"]
)
def test_range_outside_the_file(server, wanted):
    response = server.get("/ten.txt", f"Range: {wanted}")
    assert response.status == 416
    assert response.header("Content-Range") == "bytes */10"


@pytest.mark.parametrize(
    "wanted",
    ["", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=1-x", "items=0-5", "bytes=0-1,4-5",
     "bytes=0-1,-1", "bytes=--5", "bytes=1-2-3", "0-5", "bytes=1.5-2", "bytes=" + "9" * 3000,
     "bytes=+1-2", "bytes=1-+2", "bytes=-+2", "bytes=1_0-", "bytes=0_1-2", "bytes= 1-2",
     "bytes=1 -2", "bytes=1- 2", "bytes=0x1-2", "bytes-1-2", "bytes-1=2", "xbytes=1-2",
     "bytes=1-2=", "bytes==1-2"],
)  # fmt: skip
def test_range_that_is_none(server, wanted):
    response = server.get("/ten.txt", f"Range: {wanted}")
    assert (response.status, response.body) == (200, b"0123456789")
    assert response.header("Content-Range") is None


def test_range_of_a_very_long_number(server):
    response = server.get("/ten.txt", "Range: bytes=0-" + "9" * 3000)
    assert (response.status, response.body) == (206, b"0123456789")


def test_range_of_an_unchanged_file_only(server, www):
    etag = server.get("/ten.txt").header("ETag")
    for condition, status in (
        (etag, 206),
        ('"other"', 200),
        (f"W/{etag}", 200),
        ("Sat, 01 Jan 2000 00:00:00 GMT", 200),
    ):
        response = server.get("/ten.txt", "Range: bytes=2-5", f"If-Range: {condition}")
        assert response.status == status, condition
        assert response.body == (b"2345" if status == 206 else b"0123456789")
    response = server.get("/ten.txt", "Range: bytes=2-5", f"If-None-Match: {etag}")
    assert response.status == 304


def test_range_counts_for_get_only(server):
    response = server.request("HEAD", "/ten.txt", "Range: bytes=2-5")
    assert response.status == 200 and response.header("Content-Length") == "10"


def test_range_of_the_packed_file(packed, www):
    response = packed.get("/app.js", "Accept-Encoding: gzip", "Range: bytes=3-")
    assert response.status == 206
    assert response.body == (www / "app.js.gz").read_bytes()[3:]


def test_curl_takes_a_part_and_resumes(server, www, tmp_path):
    (www / "big.bin").write_bytes(BIG)
    assert curl("-r", "500000-500099", url(server, "/big.bin")) == BIG[500000:500100]
    part = tmp_path / "part"
    part.write_bytes(BIG[:700_000])
    curl("-C", "-", "-o", part, url(server, "/big.bin"))
    assert part.read_bytes() == BIG


def test_curl_of_http_1_0(server):
    assert curl("--http1.0", url(server, "/")) == PAGE


# Files of any size, and files that change


def test_big_file_in_a_small_heap(start, www):
    (www / "big.bin").write_bytes(BIG)
    server = start("static_app", heap="128k")
    for _ in range(3):
        body = server.get("/big.bin").body
        assert hashlib.sha256(body).digest() == hashlib.sha256(BIG).digest()


def begin(server, www, size=8_000_000, field="Accept: */*"):
    """A download of a large file that has begun and that nobody reads on; its connection."""
    with open(www / "large.bin", "wb") as file:
        file.write(b"old!" * (size // 4))
    os.utime(www / "large.bin", (OLD, OLD))
    connection = server.connect()
    head = f"GET /large.bin HTTP/1.1\r\nHost: board\r\nConnection: close\r\n{field}\r\n\r\n"
    connection.sendall(head.encode())
    assert connection.recv(1000, socket.MSG_PEEK).startswith(b"HTTP/1.1 20")
    time.sleep(0.2)  # until all buffers are full
    return connection


def rest(connection):
    """The body that comes until the connection ends, in whatever way."""
    with connection, suppress(ConnectionResetError):
        data = bytearray()
        while piece := connection.recv(1 << 20):
            data += piece
    return data.partition(b"\r\n\r\n")[2]


def test_file_cut_during_its_download(server, www):
    connection = begin(server, www)
    with open(www / "large.bin", "wb") as file:
        file.write(b"new!" * 10)
    data = rest(connection)
    assert len(data) < 8_000_000 and b"new!" not in data
    assert server.get("/large.bin").body == b"new!" * 10


def test_file_rewritten_during_its_download(server, www):
    # by one of the same size: half of the one with half of the other would be neither
    connection = begin(server, www)
    with open(www / "large.bin", "wb") as file:
        file.write(b"new!" * 2_000_000)
    assert len(rest(connection)) < 8_000_000
    assert server.get("/large.bin").body == b"new!" * 2_000_000


def test_file_replaced_during_its_download(server, www):
    connection = begin(server, www)
    (www / "large.part").write_bytes(b"new!" * 2_000_000)
    os.rename(www / "large.part", www / "large.bin")
    assert b"new!" not in rest(connection)
    assert server.get("/large.bin").body == b"new!" * 2_000_000


def test_file_that_grows_during_its_download(server, www):
    """As a log does: what was promised is still there, and arrives."""
    connection = begin(server, www)
    with open(www / "large.bin", "ab") as file:
        file.write(b"new!" * 100)
    assert rest(connection) == b"old!" * 2_000_000
    assert server.get("/large.bin").body == b"old!" * 2_000_000 + b"new!" * 100


def test_log_that_never_rests(server, www):
    """Its last bytes may come in several downloads at once; each gets what there was then."""
    log = b"".join(b"%9d\n" % i for i in range(30_000))
    (www / "log.txt").write_bytes(log)
    os.utime(www / "log.txt", (OLD, OLD))
    stopped = threading.Event()

    def write():
        with open(www / "log.txt", "ab") as file:
            number = 30_000
            while not stopped.wait(0.002):
                file.write(b"%9d\n" % number)
                file.flush()
                number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(3):
            body = server.get("/log.txt").body
            assert body.startswith(log) and len(body) % 10 == 0
            part = server.get("/log.txt", "Range: bytes=299990-")
            assert part.status == 206 and part.body.startswith(b"    29999\n")
    finally:
        stopped.set()
        writer.join()


def test_range_of_a_file_that_grows(server, www):
    connection = begin(server, www, 8_000_000, "Range: bytes=4-7999999")
    with open(www / "large.bin", "ab") as file:
        file.write(b"new!" * 100)
    assert rest(connection) == (b"old!" * 2_000_000)[4:]


def test_file_removed_during_its_download(server, www):
    connection = begin(server, www)
    os.remove(www / "large.bin")
    rest(connection)
    assert server.get("/large.bin").status == 404
    assert server.get("/ten.txt").status == 200


def test_client_leaves_during_a_download(server, www):
    before = server.descriptors()
    for _ in range(3):
        begin(server, www).close()
    assert server.get("/ten.txt").status == 200
    server.wait_descriptors(before)


def test_several_clients_at_once(server, www):
    (www / "app.js").write_bytes(BIG[:50_000])
    results = []

    def load():
        results.append(httpx.get(url(server, "/app.js")).content == BIG[:50_000])

    threads = [threading.Thread(target=load) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 5


def test_names_do_not_stay_in_memory(server):
    def heap():
        return int(server.get("/heap").body)

    assert server.get("/nowhere").status == 404
    before = heap()
    for code in range(0x4E00, 0x4E00 + 300):
        assert server.get("/" + quote(chr(code))).status == 404
    assert heap() < before + 1500
