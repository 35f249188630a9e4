# basic_auth: who gets in, over handlers of every kind, and what a guess tells about the password.

import base64
import os
import shutil
import socket
import subprocess

import httpx
import pytest

from client import Client
from harness import MICROPYTHON, ROOT, translate

CHALLENGE = 'Basic realm="board", charset="UTF-8"'


@pytest.fixture
def server(start, tmp_path):
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "page.html").write_text("page")
    return start("auth_app")


def url(server, path):
    return f"http://{server.host}:{server.port}{path}"


def basic(user, password, scheme="Basic"):
    words = base64.b64encode(f"{user}:{password}".encode()).decode()
    return f"Authorization: {scheme} {words}"


RIGHT = basic("admin", "secret")


@pytest.mark.parametrize(
    "path, expected",
    [
        ("/function", "function 0"),
        ("/instance", "instance 1"),
        ("/files/page.html", "page"),
        ("/release", "released"),
    ],
)
def test_handlers_of_every_kind(server, path, expected):
    response = server.get(path)
    assert response.status == 401 and response.reason == "Unauthorized"
    assert response.header("WWW-Authenticate") == CHALLENGE
    assert expected.encode() not in response.body
    response = server.get(path, RIGHT)
    assert (response.status, response.body.decode()) == (200, expected)
    assert server.request("HEAD", path).status == 401
    assert server.request("HEAD", path, RIGHT).status == 200
    assert server.get("/open").body == b"open"


WRONG = {
    "none": [],
    "empty": ["Authorization:"],
    "scheme alone": ["Authorization: Basic"],
    "wrong password": [basic("admin", "Secret")],
    "wrong user": [basic("Admin", "secret")],
    "one less": [basic("admin", "secre")],
    "one more": [basic("admin", "secrets")],
    "nothing": [basic("", "")],
    "no password": [basic("admin", "")],
    "NUL": [basic("admin", "secret\0")],
    "not encoded": ["Authorization: Basic admin:secret"],
    "not base64": ["Authorization: Basic !!!"],
    "cut": [RIGHT[:-1]],
    "twice as long": [RIGHT + RIGHT.split()[2]],
    "twice": [RIGHT, RIGHT],
    "second right": [basic("admin", "wrong"), RIGHT],
    "not ASCII": ["Authorization: Basic \xe4\xf6"],
    "long": ["Authorization: Basic " + "A" * 3000],
    "bearer": ["Authorization: Bearer secret"],
}


def test_refuses(server):
    words = RIGHT.split()[2]
    for what, fields in WRONG.items():
        lines = f"GET /function?authorization={words} HTTP/1.1", "Host: board", *fields, "\r\n"
        with server.connect() as connection:
            connection.sendall("\r\n".join(lines).encode("latin-1"))
            response = Client(connection).answer()
        assert response.status == 401, what
        assert response.header("WWW-Authenticate") == CHALLENGE, what


def test_scheme_is_not_case_sensitive(server):
    for scheme in ("basic", "BASIC"):
        assert server.get("/function", basic("admin", "secret", scheme)).status == 200


def test_unicode_and_empty_words(server):
    response = httpx.get(url(server, "/unicode"), auth=("Zoë", "pässword: with colon ☕"))
    assert (response.status_code, response.text) == (200, "unicode")
    response = httpx.get(url(server, "/unicode"), auth=("Zoe", "pässword: with colon ☕"))
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith('Basic realm="the board\'s"')
    assert httpx.get(url(server, "/empty"), auth=("", "")).text == "empty"
    assert httpx.get(url(server, "/empty"), auth=("", "x")).status_code == 401


@pytest.mark.parametrize("realm", ['a"b', '"', "a\rb", "a\nb", "a\r\nX: y", "\\", "a\0"])
def test_realm_that_would_break_the_field(package, realm):
    program = (
        f"from {package}.auth import basic_auth\n"
        f"try:\n    basic_auth('a', 'b', {realm!r})\n"
        "except ValueError as e:\n    print('no:', e)\n"
    )
    done = subprocess.run(
        [MICROPYTHON, "-c", program],
        env={**os.environ, "MICROPYPATH": f".frozen:{ROOT}"},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "no: realm\n", done.stderr


def test_connection_lives_on(server):
    with server.connect() as connection:
        client = Client(connection)
        for _ in range(3):
            connection.sendall(
                f"GET /function HTTP/1.1\r\nHost: board\r\n{RIGHT}\r\n\r\n".encode()
            )
            assert client.answer().header("Connection") == "keep-alive"


def test_real_clients(server, tmp_path):
    auth = httpx.BasicAuth("admin", "secret")
    assert httpx.put(url(server, "/function"), content=b"abc", auth=auth).text == "function 3"
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    file = tmp_path / "upload"
    file.write_bytes(b"x" * 10_000)
    for user, expected in (
        ("admin:secret", "function 10000 200"),
        ("admin:wrong", "401"),
        (":", "401"),
    ):
        for arguments in (
            (),
            ("--expect100-timeout", "8", "-H", "Expect: 100-continue"),
            ("--anyauth",),
        ):
            command = [
                "curl",
                "-sS",
                "--max-time",
                "5",
                "-u",
                user,
                "-T",
                file,
                "-w",
                " %{http_code}",
            ]
            command += [url(server, "/function"), *arguments]
            done = subprocess.run(command, capture_output=True, text=True)
            assert done.stdout.endswith(expected), done


def test_browser_asks_and_remembers(browser, server):
    context = browser.new_context(http_credentials={"username": "admin", "password": "secret"})
    page = context.new_page()
    assert page.goto(url(server, "/files/page.html")).status == 200
    assert page.evaluate("fetch('/function').then(r => r.text())") == "function 0"
    context.close()
    context = browser.new_context(http_credentials={"username": "admin", "password": "wrong"})
    assert context.new_page().goto(url(server, "/files/page.html")).status == 401
    context.close()


def test_upload_is_refused_before_it_is_sent(server):
    head = "PUT /function HTTP/1.1\r\nHost: board\r\nContent-Length: 16000\r\n\r\n"
    with server.connect() as connection:
        connection.sendall(head.encode())
        assert Client(connection).answer().status == 401


def test_handed_over_connection(server, package):
    with server.connect() as connection:
        connection.sendall(f"GET /handed-over HTTP/1.1\r\nHost: board\r\n{RIGHT}\r\n\r\n".encode())
        client = Client(connection)
        assert client.answer().body == b"handed over"
        if package == "httpserver":
            connection.settimeout(0.3)
            with pytest.raises(socket.timeout):
                connection.recv(1)  # not even the time-out of the server ends it
        assert server.get("/release", RIGHT).status == 200
        if package == "httpserver":
            assert client.rest() == b""


def test_refusal_takes_as_long_for_a_nearly_right_password(package, tmp_path):
    program = translate("auth_timing", package, tmp_path).read_text()
    main = "import asyncio\nasyncio.run(main())" if package == "ahttpserver" else "main()"
    (tmp_path / "timing.py").write_text(f"{program}\n{main}\n")
    path = {"MICROPYPATH": f".frozen:{ROOT}"}
    for _ in range(3):  # another process may disturb a run
        done = subprocess.run(
            [MICROPYTHON, tmp_path / "timing.py"],
            env={**os.environ, **path},
            capture_output=True,
            text=True,
            check=True,
        )
        times = [int(word) for word in done.stdout.split()]
        if max(times) < 1.2 * min(times):
            break
    else:
        pytest.fail(f"first, middle, last character wrong: {times} us")
