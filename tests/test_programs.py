# Programs that others have written read what the servers send: clients in four languages, proxies
# with their default settings, a browser. Those that are not from PyPI come from Debian; a test is
# skipped where its program is missing, but not in CI (REQUIRE_PROGRAMS=1).

import asyncio
import http.client
import json
import subprocess
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import aiohttp
import httpx
import pytest
import requests
import sseclient
from httpx_sse import connect_sse

from harness import HOST, free_port, listening, wait_until

LINES = "".join(f"line {number} é\n" for number in range(100))
BROKEN = "line 0 é\n"
PAGE = """<!doctype html><title>21.5 °C</title><link rel="stylesheet" href="style.css">
<p id="script"></p><script src="app.js"></script>
<form method="post" action="/save">
<input name="wifi"><input name="wifi"><button>save</button>
</form>
"""


@pytest.fixture
def server(start, tmp_path):
    www = tmp_path / "www"
    www.mkdir()
    (www / "index.html").write_text(PAGE)
    (www / "style.css").write_text('p::after { content: "°" }')
    (www / "app.js").write_text('document.getElementById("script").textContent = "é"')
    server = start("programs_app")
    yield server
    server.get("/release")


def url(server, path):
    return f"http://{server.host}:{server.port}{path}"


def run(*command, status=0):
    """What a program prints; fails when its exit status is another."""
    done = subprocess.run([str(word) for word in command], capture_output=True, timeout=30)
    assert done.returncode == status, done.stderr.decode()
    return done.stdout.decode()


# Clients -----------------------------------------------------------------------------------------


def test_sseclient_on_requests(server):
    """It wants to see 128 bytes at once, or a chunk."""
    with requests.get(url(server, "/one"), stream=True, timeout=10) as response:
        event = next(sseclient.SSEClient(response).events())
        assert (event.event, event.data) == ("t", "21.5 °C")
    with requests.get(url(server, "/three"), stream=True, timeout=10) as response:
        events = list(sseclient.SSEClient(response).events())
    assert [(event.id, event.data) for event in events] == [("0", "0"), ("1", "1"), ("2", "2")]


def test_requests(server):
    with requests.Session() as session:
        for _ in range(3):
            assert session.get(url(server, "/lines"), timeout=10).text == LINES
            response = session.get(url(server, "/degrees"), timeout=10)
            assert response.text == "21.5 °C" and response.encoding == "utf-8"
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        requests.get(url(server, "/broken"), timeout=10)
    files = {"file": ("x.bin", b"x")}
    assert requests.post(url(server, "/save"), files=files, timeout=10).status_code < 500


def test_http_client_of_python(server):
    with urllib.request.urlopen(url(server, "/lines"), timeout=10) as response:
        assert response.read().decode() == LINES
    with urllib.request.urlopen(url(server, "/broken"), timeout=10) as response:
        with pytest.raises(http.client.IncompleteRead):
            response.read()


def test_aiohttp(server):
    async def talk():
        timeout = aiohttp.ClientTimeout(total=10)
        connector = aiohttp.TCPConnector(limit=1)  # or a connection that was closed is not missed
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            for _ in range(3):
                async with session.get(url(server, "/lines")) as response:
                    assert await response.text() == LINES
            async with session.get(url(server, "/degrees")) as response:
                assert await response.text() == "21.5 °C"
            async with session.get(url(server, "/one")) as response:
                lines = [await response.content.readline() for _ in range(2)]
                assert b"".join(lines).decode() == "event: t\ndata: 21.5 °C\n"
            async with session.get(url(server, "/three")) as response:
                assert (await response.text()).count("data: ") == 3
            async with session.get(url(server, "/broken")) as response:
                with pytest.raises(aiohttp.ClientPayloadError):
                    await response.text()

    with ThreadPoolExecutor(1) as thread:  # a browser's loop may run in this one
        thread.submit(asyncio.run, talk()).result()


def test_httpx(server):
    with httpx.Client(timeout=10) as client:
        for _ in range(3):
            assert client.get(url(server, "/lines")).text == LINES
        with connect_sse(client, "GET", url(server, "/one")) as source:
            assert next(source.iter_sse()).data == "21.5 °C"
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(url(server, "/broken"))


def test_curl(server, installed):
    curl = [installed("curl"), "-sS", "--max-time", "10"]
    assert run(*curl, url(server, "/lines"), url(server, "/lines")) == LINES * 2
    assert run(*curl, "--http1.0", url(server, "/lines")) == LINES
    assert run(*curl, "-N", url(server, "/three")).count("data: ") == 3
    # 18: a part of the file only
    assert run(*curl, url(server, "/broken"), status=18) == BROKEN
    # 28: it waited for more, with the event in its hands
    assert "21.5 °C" in run(*curl, "-N", "--max-time", "1", url(server, "/one"), status=28)


def test_wget(server, installed):
    """It asks again for what broke off, up to 20 times."""
    wget = [installed("wget"), "-q", "-O", "-", "--timeout=5", "--waitretry=0"]
    assert run(*wget, url(server, "/lines")) == LINES
    assert server.output.count("GET /lines 200") == 1
    assert run(*wget, "--tries=3", url(server, "/broken"), status=4) != LINES
    assert server.output.count("GET /broken 200") == 3


NODE = """
const http = require('http')
const agent = new http.Agent({keepAlive: true, maxSockets: 1})
const get = path => new Promise(resolve => {
  let text = ''
  const request = http.get(process.argv[1] + path, {agent}, response => {
    response.setEncoding('utf8')
    response.on('data', data => text += data)
    response.on('end', () => resolve([text, request.reusedSocket]))
    response.on('error', error => resolve([text, error.code]))
  })
})
const first = async path => {
  const reader = (await fetch(process.argv[1] + path)).body.getReader()
  const {value} = await reader.read()
  await reader.cancel()
  return new TextDecoder().decode(value)
}
const fails = path => fetch(process.argv[1] + path).then(r => r.text()).catch(() => 'failed')
;(async () => console.log(JSON.stringify([
  await get('/lines'), await get('/lines'), await get('/broken'), await first('/one'),
  await (await fetch(process.argv[1] + '/lines')).text(), await fails('/broken'),
])))()
"""


def test_node(server, installed):
    found = json.loads(run(installed("node"), "-e", NODE, url(server, "")))
    assert found == [
        [LINES, False],
        [LINES, True],
        [BROKEN, "ECONNRESET"],
        "event: t\ndata: 21.5 °C\n\n",
        LINES,
        "failed",
    ]


# Proxies -----------------------------------------------------------------------------------------

NGINX = """
daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen {host}:{port};
        location / {{
            proxy_pass http://{host}:{upstream};
            {more}
        }}
    }}
}}
"""
HAPROXY = """
defaults
    mode http
    timeout connect 5s
    timeout client 20s
    timeout server 20s
listen board
    bind {host}:{port}
    server board {host}:{upstream}
"""


class Front:
    """Where a proxy listens."""

    def __init__(self):
        self.host, self.port = HOST, free_port()


@contextmanager
def proxy(folder, config, server, *command, more=""):
    """A proxy in front of a server, with this text for a configuration."""
    front = Front()
    text = config.format(host=HOST, port=front.port, upstream=server.port, more=more)
    (folder / "proxy.conf").write_text(text)
    with open(folder / "proxy.txt", "w") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)
    try:
        wait_until(lambda: process.poll() is not None or listening(front.port), 10)
        assert process.poll() is None, (folder / "proxy.txt").read_text()
        yield front
    finally:
        process.terminate()
        process.wait()


def check_front(front, server):
    """What passes a proxy is what was sent: whole, at once, and broken where it broke off."""
    with httpx.Client(timeout=10) as client:
        for _ in range(3):
            response = client.get(url(front, "/lines"))
            assert (response.status_code, response.text) == (200, LINES)
        response = client.get(url(front, "/degrees"))
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert response.text == "21.5 °C"
        assert client.head(url(front, "/lines")).status_code == 200
        assert client.get(url(front, "/nowhere")).status_code == 404
        with connect_sse(client, "GET", url(front, "/one")) as source:
            event = next(source.iter_sse())  # it is not kept until there are more
            assert (event.event, event.data) == ("t", "21.5 °C")
        with connect_sse(client, "GET", url(front, "/three")) as source:
            assert [event.data for event in source.iter_sse()] == ["0", "1", "2"]
    assert server.get("/degrees").status == 200


def breaks_off(front):
    """Whether a client of the proxy learns that an answer broke off."""
    try:
        httpx.get(url(front, "/broken"), timeout=10)
    except httpx.RemoteProtocolError:
        return True


def test_nginx_as_it_comes(server, tmp_path, installed):
    """Up to 1.29 it asks in HTTP/1.0, where only the close tells the end; it collects answers."""
    command = installed("nginx"), "-p", tmp_path, "-c", tmp_path / "proxy.conf"
    with proxy(tmp_path, NGINX, server, *command) as front:
        check_front(front, server)


def test_nginx_with_http_1_1(server, tmp_path, installed):
    command = installed("nginx"), "-p", tmp_path, "-c", tmp_path / "proxy.conf"
    more = 'proxy_http_version 1.1; proxy_set_header Connection "";'
    with proxy(tmp_path, NGINX, server, *command, more=more) as front:
        check_front(front, server)
        assert breaks_off(front)


def test_haproxy(server, tmp_path, installed):
    command = installed("haproxy"), "-db", "-f", tmp_path / "proxy.conf"
    with proxy(tmp_path, HAPROXY, server, *command) as front:
        check_front(front, server)
        assert breaks_off(front)


# A browser ---------------------------------------------------------------------------------------


def test_chromium_shows_text(server, page):
    page.goto(url(server, "/degrees"))
    assert page.evaluate("document.body.innerText") == "21.5 °C"
    page.goto(url(server, "/lines"))
    assert page.evaluate("document.body.innerText").strip() == LINES.strip()


def test_chromium_reads_pages_styles_and_scripts(server, page):
    page.goto(url(server, "/www/"))
    assert page.title() == "21.5 °C"
    assert page.inner_text("#script") == "é"
    after = "getComputedStyle(document.querySelector('p'), '::after').content"
    assert page.evaluate(after) == '"°"'


def test_chromium_saves_a_form(server, page):
    """The page is UTF-8, so its form is; an é of Latin-1 would be refused."""
    page.goto(url(server, "/www/"))
    first, second = page.query_selector_all("input")
    first.fill("Café ☕")
    second.fill("+&=%")
    page.click("button")
    assert page.evaluate("document.body.innerText") == "Café ☕ | +&=%"


def test_chromium_reads_streams(server, page):
    page.goto(url(server, "/www/"))
    assert page.evaluate("fetch('/lines').then(r => r.text())") == LINES
    assert page.evaluate("fetch('/broken').then(r => r.text()).catch(() => 'failed')") == "failed"
    assert page.evaluate(
        """() => new Promise(resolve => {
            const source = new EventSource('/one')
            source.addEventListener('t', event => { source.close(); resolve(event.data) })
        })"""
    ) == "21.5 °C"
