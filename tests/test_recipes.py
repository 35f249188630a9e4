# The programs in docs/recipes.md and README.md run as they are printed.  A fenced block is one of:
#
#     ```python app      a complete program, for the package that it imports.  It is run alone.
#     ```python          a snippet.  It is run in the place that "# recipes go here" marks in the
#                        frame of each package, two programs in README.md; for httpserver it is
#                        translated by the table of the mirror.
#     ```python board    needs a board, its pins or its Wi-Fi.  It is only compiled.
#     ```sh, ```js ...   not Python.  Those that matter have a test of their own.
#
# Every app and snippet must start a server that listens.  What it answers is checked by the
# function below that names its heading with @check; each recipe of docs/recipes.md has one.

import re
import shutil
import ssl
import subprocess
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import httpx
import pytest
import websockets.sync.client
from httpx_sse import connect_sse
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect as websocket

from harness import PACKAGES, ROOT, Process, translate, wait_until
from mirror import to_sync

DOCS = [ROOT / "docs" / f"{name}.md" for name in ("recipes", "uploads", "websocket", "setup")]
PAGES = [*DOCS, ROOT / "README.md"]
BLOCK = re.compile(r"^#+ (.*)$|^```(\S*) *(.*)\n((?:.*\n)*?)```$", re.M)
PLACE = "# recipes go here\n"
# The module of a board, as far as the recipes use it.
MACHINE = """
class Timer:
    ONE_SHOT = 0

    def __init__(self, number):
        pass

    def init(self, period, mode, callback):
        print("timer of", period)
        callback(self)


def reset():
    print("reset")
"""
PICTURE = bytes(range(256)) * 40


@dataclass
class Block:
    page: str
    heading: str
    language: str
    kind: str
    text: str

    def __str__(self):
        return f"{self.page}: {self.heading}"


def blocks():
    """Every fenced block of the pages."""
    for page in PAGES:
        heading = ""
        for match in BLOCK.finditer(page.read_text()):
            if match[1]:
                heading = match[1]
            else:
                yield Block(page.name, heading, *match.group(2, 3, 4))


BLOCKS = list(blocks())
PYTHON = [block for block in BLOCKS if block.language == "python"]
FRAMES = {
    package: block.text
    for block in reversed(PYTHON)
    for package in PACKAGES
    if PLACE in block.text and f"from {package} import" in block.text
}
CHECKS = {}


def check(heading):
    """Registers what a recipe is to do: a function of a client, the process and its folder."""

    def register(function):
        CHECKS[heading] = function
        return function

    return register


def programs(block):
    """The pairs (package, program) that a block stands for."""
    if block.kind == "app":
        packages = set(re.findall(r"^from (a?httpserver)\b", block.text, re.M))
        assert len(packages) == 1, f"{block} imports {packages or 'neither package'}"
        yield packages.pop(), block.text
    elif block.kind == "":
        for package in PACKAGES:
            text = block.text if package == "ahttpserver" else to_sync(block.text)
            assert PLACE in FRAMES[package]
            yield package, FRAMES[package].replace(PLACE, text)


CASES = [
    pytest.param(block, package, program, id=f"{block}-{package}")
    for block in PYTHON
    for package, program in programs(block)
]


(CERTIFICATE,) = [
    block.text for block in BLOCKS if (block.heading, block.language) == ("HTTPS", "sh")
]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory, with_ssl):
    """A folder with what the shell commands of the page make."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("certificate")
    make_certificate(CERTIFICATE, folder)
    return folder


def make_certificate(commands, folder):
    # 192.168.1.7 is the board's address; here it is this machine
    commands = commands.replace("192.168.1.7", "127.0.0.1")
    subprocess.run(["sh", "-ec", commands], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def folder(tmp_path):
    """What is on the board: see the recipes."""
    (tmp_path / "www" / "js").mkdir(parents=True)
    (tmp_path / "www" / "index.html").write_text("index")
    (tmp_path / "www" / "js" / "app.js").write_text("app")
    (tmp_path / "files").mkdir()
    (tmp_path / "settings.json").write_text('{"password": "secret"}')
    (tmp_path / "main.py").write_text("old = 1\n")
    (tmp_path / "machine.py").write_text(MACHINE)
    (tmp_path / "picture.jpg").write_bytes(PICTURE)
    for name in ("index.html", "favicon.ico"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


@pytest.mark.parametrize("block, package, program", CASES)
def test_runs_as_printed(block, package, program, folder, request):
    if "cert.der" in program:
        for file in request.getfixturevalue("certificate").iterdir():
            shutil.copy(file, folder)
    with running(program, package, folder) as process:
        if block.heading in CHECKS:
            with client(process, folder, "cert.der" in program) as web:
                CHECKS[block.heading](web, process, folder)


@contextmanager
def running(program, package, folder):
    """The process of a program that listens; it is to live to the end."""
    (folder / "printed.py").write_text(program)
    (folder / "apps").mkdir()
    runner = translate("recipe_runner", package, folder / "apps")
    process = Process(runner, folder, "printed.py", path=[folder])
    try:
        process.wait_listening()
        yield process
        process.finish()
    finally:
        process.kill()


def client(process, folder, secured):
    """An HTTP client with the server's address."""
    if secured:
        context = ssl.create_default_context(cafile=folder / "cert.pem")
        return httpx.Client(base_url=f"https://{process.host}:{process.port}", verify=context)
    return httpx.Client(base_url=f"http://{process.host}:{process.port}")


def test_every_recipe_is_checked():
    recipes = {block.heading for block in PYTHON if block.kind != "board"}
    assert recipes - set(CHECKS) == set()


def test_kinds():
    assert {block.kind for block in PYTHON} <= {"", "app", "board"}


def test_compiles():
    for block in PYTHON:
        compile(block.text, str(block), "exec")


def test_links():
    for page in PAGES:
        text = page.read_text()
        headings = re.findall("^#+ (.*)$", text, re.M)
        anchors = {
            re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings
        }
        assert set(re.findall(r"\]\(#(.*?)\)", text)) <= anchors


def socket_url(process, path):
    return f"ws://{process.host}:{process.port}{path}"


@check("An echo")
@check("With threads")
def check_echo(web, process, folder):
    for _ in range(2):
        with websocket(socket_url(process, "/echo")) as peer:
            for message in ("Hello", b"\0\xff", "ü" * 5000):
                peer.send(message)
                assert peer.recv(timeout=10) == message


@check("Speak and listen at once")
def check_ticks(web, process, folder):
    with websocket(socket_url(process, "/ticks")) as peer:
        assert peer.recv(timeout=10).isdigit()
        peer.send("20")
        for _ in range(20):
            assert peer.recv(timeout=10).isdigit()


@check("All pages together")
def check_chat(web, process, folder):
    with ExitStack() as stack:
        url = socket_url(process, "/chat")
        peers = [stack.enter_context(websocket(url)) for _ in range(3)]
        for message in ("one", "two"):
            peers[0].send(message)
            assert {peer.recv(timeout=10) for peer in peers} == {message}
            peers.pop().close()


@check("Who may connect")
def check_origins(web, process, folder):
    url = socket_url(process, "/open")
    with websocket(url, origin="https://dash.example.com") as peer:
        assert list(peer) == ["welcome"]
    with pytest.raises(InvalidStatus, match="403"):
        websocket(url, origin="https://evil.example.com")


@check("A form that uploads")
def check_upload_form(web, process, folder):
    assert "multipart/form-data" in web.get("/upload").text
    data = bytes(range(256)) * 1000
    files = [("file", ("plan.png", data)), ("file", ("b", b"b")), ("none", ("", b""))]
    answer = web.post("/upload", data={"where": "käse"}, files=files)
    assert answer.text == "where: käse\nplan.png: 256000 bytes\nb: 1 bytes\n"
    assert (folder / "files" / "plan.png").read_bytes() == data
    assert web.post("/upload", files={"file": ("../x", b"x")}).status_code == 404
    assert web.post("/upload", content=b"x").status_code == 415


@check("Two small HTTP servers for MicroPython")
def check_root(web, process, folder):
    response = web.get("/")
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.content == (folder / "index.html").read_bytes()


@check("Beside your own tasks")
def check_frame(web, process, folder):
    assert web.get("/").status_code == 404


@check("Reading a form")
def check_reading(web, process, folder):
    response = web.post("/name", data={"name": "kitchen & hall", "interval": "5"})
    assert response.status_code == 303 and response.headers["Location"] == "/"
    wait_until(lambda: "the new name: kitchen & hall" in process.output)
    assert web.post("/name", files={"name": b"kitchen"}).status_code == 415


@check("Event streams")
def check_stream(web, process, folder):
    with connect_sse(web, "GET", "/api/temperature") as source:
        events = source.iter_sse()
        assert [next(events).data for _ in range(2)] == ["21.5", "21.5"]


@check("One event for all pages")
def check_broadcast(web, process, folder):
    with ExitStack() as stack:
        pages = []
        for _ in range(2):
            source = stack.enter_context(connect_sse(web, "GET", "/api/events"))
            pages.append(source.iter_sse())
        assert web.put("/api/level", content="7").status_code == 204
        assert [next(events).data for events in pages] == ["7", "7"]


@check("After a lost connection")
def check_lost(web, process, folder):
    with connect_sse(web, "GET", "/api/log") as source:
        [event] = source.iter_sse()
    assert (event.data, event.id, event.retry) == ("started", "1", 2000)
    with connect_sse(web, "GET", "/api/log", headers={"Last-Event-ID": event.id}) as source:
        assert list(source.iter_sse()) == []


@check("A form")
def check_form(web, process, folder):
    assert 'value="board"' in web.get("/settings").text
    form = {"name": '<b>"Zoë" & co</b>', "interval": "5"}
    response = web.post("/settings", data=form)
    assert response.status_code == 303
    page = web.get(response.headers["Location"]).text
    assert 'value="&lt;b>&quot;Zoë&quot; &amp; co&lt;/b>"' in page and 'value="5"' in page
    assert web.post("/settings", data={"interval": "often"}).status_code == 400
    assert (
        web.post("/settings", data={}, headers={"Content-Type": "text/plain"}).status_code == 415
    )
    assert web.post("/settings", files={"file": b"x"}).status_code == 415
    if shutil.which("curl"):
        address = f"http://{process.host}:{process.port}/settings"
        for arguments, status in (
            (["-d", "name=kitchen", "-d", "interval=7"], "303"),
            (["-F", "name=x"], "415"),
        ):
            command = ["curl", "-s", "-o", "-", "-w", "%{http_code}", *arguments, address]
            done = subprocess.run(command, capture_output=True, text=True)
            assert done.stdout.endswith(status)
        assert 'value="kitchen"' in web.get("/settings").text


@check("JSON")
def check_json(web, process, folder):
    assert web.post("/api/mean", json=[1, 2, 6]).json() == {"mean": 3}
    for content in (b"", b"[]", b"[1, two", b"1", b'["a"]', b"\xff"):
        assert web.post("/api/mean", content=content).status_code == 400, content


@check("REST: names in the path")
def check_rest(web, process, folder):
    assert web.put("/api/leds/red", content=b"128").status_code == 204
    assert web.get("/api/leds/red").json() == 128
    assert web.get("/api/leds").json() == {"red": 128, "green": 0}
    assert web.put("/api/leds/red", content=b"256").status_code == 422
    assert web.put("/api/leds/blue", content=b"1").status_code == 404
    assert web.delete("/api/leds/green").status_code == 204
    assert web.get("/api/leds/green").status_code == 404
    response = web.post("/api/leds/red")
    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, HEAD, PUT, DELETE, OPTIONS"
    response = web.options("/api/leds/red")
    assert response.status_code == 204 and "PUT" in response.headers["Allow"]


@check("Check boxes: several values of one name")
def check_boxes(web, process, folder):
    def ticked():
        return re.findall('value="(...)" checked', web.get("/days").text)

    assert ticked() == ["Mon"]
    response = web.post("/days", data={"day": ["Fri", "Sun", "<b>", "Fri"]})
    assert response.status_code == 303 and response.headers["Location"] == "/days"
    assert ticked() == ["Fri", "Sun"]
    assert web.post("/days", content=b"").status_code == 303
    assert ticked() == []


@check("A login with a session")
def check_session(web, process, folder):
    assert web.get("/secret").status_code == 403
    assert web.post("/login", data={"password": "wrong"}).status_code == 403
    assert web.post("/login", data={"password": "secret"}).status_code == 204
    assert web.get("/secret").text == "only for you"
    oldest = web.cookies["session"]
    for _ in range(4):
        assert web.post("/login", data={"password": "secret"}).status_code == 204
    assert web.get("/secret").status_code == 200
    assert process.get("/secret", f"Cookie: session={oldest}").status == 403
    assert web.post("/logout").status_code == 204
    assert web.get("/secret").status_code == 403


@check("A log that grows")
def check_log(web, process, folder):
    assert web.get("/log").text == "started\n"
    with open(folder / "log.txt", "a") as log:
        log.write("more\n")
    assert web.get("/log?from=8").text == "more\n"
    assert web.get("/log?from=13").text == "" and web.get("/log?from=99999").text == ""
    for wrong in ("x", "-1", "1" * 10, ""):
        assert web.get("/log?from=" + wrong).status_code == 400


@check("Large JSON in pieces")
def check_large(web, process, folder):
    response = web.get("/api/measurements")
    assert response.headers["Transfer-Encoding"] == "chunked"
    assert 150_000 < len(response.content) < 170_000
    assert [one["number"] for one in response.json()] == list(range(5000))


@check("Update over the air")
def check_update(web, process, folder):
    new = b"new = 2\n" * 500
    for auth, headers, content, status in (
        (None, {}, new, 401),
        (("admin", "wrong"), {}, new, 401),
        (("admin", "secret"), {"Origin": "https://evil.example"}, new, 403),
        (("admin", "secret"), {}, b"def broken(:\n", 422),
        (("admin", "secret"), {}, b"text = '\xff'\n", 422),
        (("admin", "secret"), {}, b"#" * 50_001, 413),
    ):
        response = web.put("/update", content=content, headers=headers, auth=auth)
        assert response.status_code == status, content[:20]
    assert (folder / "main.py").read_text() == "old = 1\n" and "reset" not in process.output
    assert not (folder / "update.new").exists()
    response = web.put("/update", content=new, auth=("admin", "secret"))
    assert response.text == "starting anew\n"
    assert (folder / "main.py").read_bytes() == new
    wait_until(lambda: "timer of 1000\nreset\n" in process.output)


@check("A camera's pictures")
def check_camera(web, process, folder):
    head = b"--next\r\nContent-Type: image/jpeg\r\nContent-Length: 10240\r\n\r\n"
    part = head + PICTURE + b"\r\n"
    open_ones = []
    with ExitStack() as streams:
        for _ in range(2):
            response = streams.enter_context(web.stream("GET", "/camera"))
            assert response.headers["Content-Type"].startswith("multipart/x-mixed-replace;")
            pieces = response.iter_raw()
            open_ones.append(pieces)  # the stream ends with its iterator
            data = b""
            while len(data) < 2 * len(part):
                data += next(pieces)
            assert data.startswith(part + part)
        assert web.get("/camera").status_code == 503
    wait_until(lambda: watch(web) == 200)


def watch(web):
    with web.stream("GET", "/camera") as response:
        return response.status_code


@check("A chat by WebSocket")
def check_guests(web, process, folder):
    connect = websockets.sync.client.connect
    assert "new WebSocket" in web.get("/").text
    address = f"ws://{process.host}:{process.port}/chat"
    with ExitStack() as guests:
        one, two = (guests.enter_context(connect(address, proxy=None)) for _ in range(2))
        one.send("hello")
        assert [guest.recv(5) for guest in (one, two)] == ["hello", "hello"]
        two.close()
        one.send("käse" * 100)
        assert one.recv(5) == "käse" * 100
        one.send("x" * 1001)
        with pytest.raises(websockets.ConnectionClosed):
            one.recv(5)
        assert one.close_code == 1009
    with pytest.raises(websockets.InvalidStatus):
        connect(address, proxy=None, origin="https://evil.example")


@check("Uploading a file")
def check_upload(web, process, folder):
    data = bytes(range(256)) * 1000
    assert web.put("/files/firmware.bin", content=data).status_code == 201
    assert (folder / "files" / "firmware.bin").read_bytes() == data
    assert web.put("/files/firmware.bin", content=b"x" * 500_001).status_code == 413
    assert web.put("/files/..%2fmain.py", content=b"x").status_code == 404
    assert (folder / "files" / "firmware.bin").read_bytes() == data
    if shutil.which("curl"):
        address = f"http://{process.host}:{process.port}/files/"
        subprocess.run(["curl", "-sf", "-T", "www/index.html", address], cwd=folder, check=True)
        assert (folder / "files" / "index.html").read_text() == "index"


@check("A folder of web pages")
def check_folder(web, process, folder):
    assert web.get("/").text == "index"
    assert web.get("/js/app.js").text == "app"
    assert web.get("/..%2fprinted.py").status_code == 404


@check("A password")
def check_password(web, process, folder):
    assert web.get("/private").status_code == 401
    assert web.get("/private", auth=("admin", "wrong")).status_code == 401
    assert web.get("/private", auth=("admin", "secret")).text == "only for you"


@check("Only for pages of this site")
def check_same_site(web, process, folder):
    own = f"http://{process.host}:{process.port}"
    for headers, status in (
        ({}, 200),
        ({"Origin": own}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": own + "0"}, 403),
        ({"Origin": "null"}, 403),
    ):
        assert web.post("/restart", headers=headers).status_code == status, headers


@check("For pages of other sites")
def check_cors(web, process, folder):
    response = web.options("/api/led")
    assert response.status_code == 204
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    response = web.put("/api/led", content=b"on")
    assert response.text == "on" and response.headers["Access-Control-Allow-Origin"] == "*"


@check("HTTPS")
def check_https(web, process, folder):
    for _ in range(2):
        assert web.get("/").text == "nobody else can read this"


@check("From HTTP to HTTPS")
def check_redirect(web, process, folder):
    assert web.get("/").text == "nobody else can read this"
    with httpx.Client(base_url=f"http://127.0.0.2:{process.port}") as door:  # recipe_runner.py
        for path in ("/", "/a%20b?c=d"):
            response = door.get(path)
            assert response.status_code == 301
            assert response.headers["Location"] == "https://127.0.0.2" + path
        response = door.get("/", headers={"Host": "board.local"})
        assert response.headers["Location"] == "https://board.local/"


@pytest.mark.parametrize("package", PACKAGES)
def test_rsa_key(certificate, folder, package):
    """The other kind of key that the text names; the recipe's server takes it."""
    text = next(page for page in PAGES if page.name == "recipes.md").read_text()
    rsa, ec = re.findall("`(-newkey [^`]*)`", text)
    assert ec in CERTIFICATE
    make_certificate(CERTIFICATE.replace(ec, rsa), folder)
    assert b"RSA" in subprocess.check_output(
        ["openssl", "x509", "-in", folder / "cert.pem", "-noout", "-text"]
    )
    [program] = [
        text
        for case in CASES
        for block, name, text in [case.values]
        if block.heading == "HTTPS" and name == package
    ]
    with running(program, package, folder) as process:
        with client(process, folder, True) as web:
            check_https(web, process, folder)


@check("A restart button")
def check_restart(web, process, folder):
    assert web.post("/restart").text == "restarting\n"
    wait_until(lambda: "timer of 1000" in process.output and "reset" in process.output)


@check("Your own errors")
def check_errors(web, process, folder):
    response = web.get("/api/nothing")
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/json"
    assert response.json()["status"] == 404
    response = web.get("/nothing")
    assert response.status_code == 404 and response.text == "404 Not Found\n"


@check("A handler with a memory")
def check_instance(web, process, folder):
    assert [web.get("/visits").text for _ in range(2)] == ["visit number 1\n", "visit number 2\n"]
    assert web.get("/coffee").text == "1 cups\n"


@check("One handler, several routes and methods")
def check_several(web, process, folder):
    assert web.get("/level").text == "0"
    assert web.put("/level", content=b"42").text == "42"
    assert web.get("/api/v1/level").text == "42"
    response = web.head("/level")
    assert response.headers["Content-Length"] == "2" and response.text == ""
    assert web.put("/api/v1/level").status_code == 405


@check("A route added while the server runs")
def check_added(web, process, folder):
    assert web.get("/report").status_code == 404
    for _ in range(2):
        assert web.post("/measure").text == "see /report\n"
        assert web.get("/report").text == "the report"
