# fetch() of a real browser: connections that are kept, uploads of a file from a page, the cache,
# and what a page of another site may do.

import hashlib
import random

import httpx
import pytest

from harness import wait_until

MEGABYTE = random.Random(5).randbytes(1 << 20)

PAGE = """<!doctype html>
<meta charset="utf-8">
<title>café</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="style.css">
<script src="app.js"></script>
<input type="file">
"""


@pytest.fixture
def board(start, tmp_path):
    """board(heap="224k") starts a server with a page."""
    www = tmp_path / "www"
    www.mkdir(exist_ok=True)
    (www / "index.html").write_text(PAGE)
    (www / "style.css").write_text("title { color: red }")
    (www / "app.js").write_text("window.loaded = true")
    (www / "docs").mkdir()
    (www / "docs" / "index.html").write_text("<title>docs</title>")
    (tmp_path / "files").mkdir()
    return lambda **options: start("fetch_app", **options)


def url(server, path="/"):
    return f"http://{server.host}:{server.port}{path}"


def test_fetch_keeps_its_connection(chromium, page, board):
    server = board()
    page.goto(url(server))
    ports = page.evaluate(
        """async () => {
            const ports = []
            for (let i = 0; i < 5; i++) {
                ports.push(await (await fetch("port", {cache: "no-store"})).text())
                await (await fetch("echo", {method: "POST", body: "x".repeat(1000 * i)})).text()
            }
            return ports
        }"""
    )
    assert len(ports) == 5 and len(set(ports)) == 1


def test_forms_and_json(chromium, page, board):
    server = board()
    page.goto(url(server))
    form, data, text = page.evaluate(
        """async () => {
            const post = async (body, headers) =>
                await (await fetch("echo", {method: "POST", body, headers})).text()
            return [
                await post(new URLSearchParams({name: "café", "a&b": "1 2"})),
                await post(JSON.stringify({led: true}), {"Content-Type": "application/json"}),
                await post("ü"),
            ]
        }"""
    )
    assert form == "application/x-www-form-urlencoded;charset=UTF-8\nname=caf%C3%A9&a%26b=1+2"
    assert data == 'application/json\n{"led":true}'
    assert text == "text/plain;charset=UTF-8\nü"


def test_upload_of_a_file(chromium, page, board, tmp_path):
    server = board(heap="128k")
    file = tmp_path / "firmware ü.bin"
    file.write_bytes(MEGABYTE)
    page.goto(url(server))
    page.set_input_files("input", file)
    for _ in range(2):
        status, text = page.evaluate(
            """async () => {
                const file = document.querySelector("input").files[0]
                const target = "upload/" + encodeURIComponent(file.name)
                const response = await fetch(target, {method: "PUT", body: file})
                return [response.status, await response.text()]
            }"""
        )
        assert (status, text) == (201, str(len(MEGABYTE)))
        stored = (tmp_path / "files" / "firmware ü.bin").read_bytes()
        assert hashlib.sha256(stored).digest() == hashlib.sha256(MEGABYTE).digest()
    assert [path.name for path in (tmp_path / "files").iterdir()] == ["firmware ü.bin"]


def test_upload_that_is_too_large(chromium, page, board, tmp_path):
    server = board()
    page.goto(url(server))
    status = page.evaluate(
        """async () => {
            const body = new Blob([new Uint8Array(2000001)])
            return (await fetch("upload/large", {method: "PUT", body})).status
        }"""
    )
    assert status == 413
    assert list((tmp_path / "files").iterdir()) == []


def test_upload_that_the_page_aborts(chromium, page, board, tmp_path):
    server = board()
    (tmp_path / "files" / "old").write_bytes(b"old")
    page.goto(url(server))
    before = server.descriptors()
    page.evaluate(
        """async () => {
            const abort = new AbortController()
            const body = new Blob([new Uint8Array(1900000)])
            const upload = fetch("upload/old", {method: "PUT", body, signal: abort.signal})
            setTimeout(() => abort.abort(), 5)
            await upload.catch(error => error)
        }"""
    )
    server.wait_descriptors(before)
    wait_until(lambda: [path.name for path in (tmp_path / "files").iterdir()] == ["old"])
    stored = (tmp_path / "files" / "old").read_bytes()
    assert stored in (b"old", bytes(1900000))  # all or nothing


def test_page_is_loaded_once(chromium, page, board):
    server = board()
    page.goto(url(server))
    assert page.evaluate("window.loaded") and page.title() == "café"
    wait_until(lambda: server.output.count(" 200\n") == 3)
    page.goto(url(server))
    assert page.evaluate("window.loaded") and page.title() == "café"
    wait_until(lambda: server.output.count(" 304\n") == 3)
    assert server.output.count(" 200\n") == 3


def test_folder_and_its_slash(chromium, page, board):
    server = board()
    page.goto(url(server, "/docs?x=1#end"))
    assert page.url == url(server, "/docs/?x=1#end")
    assert page.title() == "docs"


# Pages of other sites


@pytest.fixture
def two_sites(page, board, chromium):
    """A page of one server, and the other server."""
    server, other = board(), board()
    page.goto(url(other))
    return page, server


PUT = """async ([url, headers]) => {
    try {
        const response = await fetch(url, {method: "PUT", body: "on", headers})
        return await response.text()
    } catch (error) {
        return error.name
    }
}"""


def preflights(server):
    return server.output.count("OPTIONS ")


def test_preflight(two_sites):
    page, server = two_sites
    assert page.evaluate(PUT, [url(server, "/led"), {"X-Led": "1"}]) == "on"
    assert preflights(server) == 1
    # what the answer to the preflight does not name is not sent
    assert page.evaluate(PUT, [url(server, "/led"), {"X-Other": "1"}]) == "TypeError"
    assert server.output.count("PUT /led") == 1


def test_preflight_without_the_recipe(two_sites):
    page, server = two_sites
    assert page.evaluate(PUT, [url(server, "/closed"), {}]) == "TypeError"
    assert preflights(server) == 1 and "closed PUT" not in server.output


def test_same_site_needs_no_preflight(two_sites):
    page, server = two_sites
    page.goto(url(server))
    assert page.evaluate(PUT, ["/led", {"X-Other": "1"}]) == "on"
    assert preflights(server) == 0


def test_preflight_as_others_see_it(board):
    server = board()
    response = httpx.options(url(server, "/led"))
    assert response.status_code == 204
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Content-Length" not in response.headers
    response = httpx.options(url(server, "/closed"))
    assert response.status_code == 204
    assert "Access-Control-Allow-Origin" not in response.headers
    assert response.headers["Allow"] == "GET, HEAD, POST, PUT, OPTIONS"
