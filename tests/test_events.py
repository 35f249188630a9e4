# The programs of docs/events.md run as they are printed, and so does the script of its page.

import re
import time

import httpx
import pytest
from httpx_sse import connect_sse

from eventstreams import events, open_stream, reset
from harness import PACKAGES, ROOT, Process, translate, wait_until
from mirror import to_sync

TEXT = (ROOT / "docs" / "events.md").read_text()
BLOCK = re.compile(r"^##+ (.*)$|^```(.*)\n((?:.*\n)*?)```$", re.M)
FRAME = {
    "ahttpserver": """
import asyncio
from ahttpserver import HTTPResponse, HTTPServer
app = HTTPServer()
{}
async def main():
    await app.start()
    await asyncio.Event().wait()
asyncio.run(main())
""",
    "httpserver": """
from httpserver import HTTPResponse, HTTPServer
app = HTTPServer()
{}
app.start()
""",
}


def blocks():
    """(heading, kind, text) of each fenced block."""
    heading = ""
    for match in BLOCK.finditer(TEXT):
        heading = match[1] or heading
        if match[2]:
            yield heading, match[2], match[3]


def printed(heading, kind="python app", pause=1):
    """The text of a block; the second that its program pauses may be made shorter."""
    [text] = [block[2] for block in blocks() if block[:2] == (heading, kind)]
    assert pause == 1 or "sleep(1)" in text
    return text.replace("sleep(1)", f"sleep({pause})")


@pytest.fixture
def run(tmp_path):
    """run(program) runs it for the package that it imports."""
    processes = []

    def run(program):
        [package] = set(re.findall(r"\b(a?httpserver)\b", program))
        (tmp_path / "printed.py").write_text(program)
        (tmp_path / "apps").mkdir()
        runner = translate("recipe_runner", package, tmp_path / "apps")
        processes.append(Process(runner, tmp_path, "printed.py"))
        processes[-1].wait_listening()
        return processes[-1]

    yield run
    try:
        for process in processes:
            process.finish()
    finally:
        for process in processes:
            process.kill()


def test_all_are_tried():
    headings = {heading for heading, kind, _ in blocks() if kind == "python app"}
    assert headings == {*PLAIN, *BROADCAST, *RING, "Heartbeats"}


PLAIN = "A stream for each page", "With threads"
BROADCAST = "One stream for all pages", "From a thread"
RING = "Nothing lost, nothing twice", "And with threads"


@pytest.mark.parametrize("heading", PLAIN)
def test_plain(run, heading):
    server = run(printed(heading, pause=0.2))
    descriptors = server.descriptors()
    with events(server, "/api/uptime") as stream, events(server, "/api/uptime") as other:
        for _ in range(2):
            for event in next(stream), next(other):
                assert event.event == "uptime" and event.data.isdigit()
    server.wait_descriptors(descriptors)


@pytest.mark.parametrize("heading", BROADCAST)
def test_broadcast(run, heading):
    server = run(printed(heading, pause=0.2))
    descriptors = server.descriptors()
    with events(server, "/api/events") as stream, events(server, "/api/events") as other:
        found = [next(other).data for _ in range(3)]
        before = [next(stream).data for _ in range(3)]
        while before[-3:] != found:  # the other one came a little later
            assert len(before) < 20
            before.append(next(stream).data)
    server.wait_descriptors(descriptors)


def snippet(heading, package):
    """A program with a block that is not complete, for the package."""
    text = printed(heading, "python")
    return FRAME[package].format(text if package == "ahttpserver" else to_sync(text))


def test_all_snippets_are_tried():
    headings = {heading for heading, kind, _ in blocks() if kind == "python"}
    assert headings == {"What there is, then what changes", "Fields of your own"}


@pytest.mark.parametrize("package", PACKAGES)
def test_fields(run, package):
    server = run(snippet("Fields of your own", package))
    address = f"http://{server.host}:{server.port}/api/shared"
    with httpx.Client() as client, connect_sse(client, "GET", address) as source:
        found = source.response.headers
        assert found["Access-Control-Allow-Origin"] == "*"
        assert found["Cache-Control"] == "no-store"
        assert found["X-Accel-Buffering"] == "no"


@pytest.mark.parametrize("package", PACKAGES)
def test_switch(run, package):
    server = run(snippet("What there is, then what changes", package))
    with events(server, "/api/switch") as stream:
        assert next(stream).data == "off"
        for word in ("on", "off", "on"):
            assert server.request("PUT", "/api/switch", body=word.encode()).status == 204
            assert next(stream).data == word
    with events(server, "/api/switch") as stream:
        assert next(stream).data == "on"


@pytest.mark.parametrize("heading", RING)
def test_ring(run, heading):
    server = run(printed(heading, pause=0.15))
    data, last = [], {}
    for _ in range(4):
        with events(server, "/api/log", **last) as stream:
            some = [next(stream) for _ in range(6)]
        last = {"last_event_id": some[-1].id}
        data += [event.data for event in some if event.data]
        time.sleep(0.2)
    first = int(data[0].split()[-1])
    assert data == [f"event number {number}" for number in range(first, first + len(data))]
    assert len(data) > 15


def test_heartbeats(run):
    server = run(printed("Heartbeats", pause=0.01))
    stream = open_stream(server, "/api/door")
    try:
        wait_until(lambda: stream.recv(100).strip(b"\n") == b":")
    finally:
        reset(stream)


def test_page(run, page):
    """It comes back after a 503."""
    program = printed("One stream for all pages").replace(', event="memory"', "")
    server = run(program.replace("HTTPServer()", "HTTPServer(max_connections=3)"))
    page.goto(f"http://{server.host}:{server.port}/")  # 404, but of this origin
    script = printed("In the page", "js").replace("3000", "300")
    with open_stream(server, "/api/events"):
        page.add_script_tag(content=script)
        time.sleep(0.5)
        assert not page.title()
    page.wait_for_function("/^[0-9]+$/.test(document.title)")


def test_hidden_page(run, page):
    server = run(printed("One stream for all pages").replace(', event="memory"', ""))
    page.goto(f"http://{server.host}:{server.port}/")
    listen = printed("In the page", "js").partition("\nlisten(")[0]
    page.add_script_tag(content=listen + printed("Six connections", "js"))
    page.wait_for_function("/^[0-9]+$/.test(document.title)")
    hide = "value => Object.defineProperty(document, 'hidden', {value, configurable: true})"
    change = "document.dispatchEvent(new Event('visibilitychange'))"
    descriptors = server.descriptors()
    page.evaluate(hide, True)
    page.evaluate(change)
    server.wait_descriptors(descriptors - 1)
    page.evaluate(hide, False)
    page.evaluate("document.title = ''")
    page.evaluate(change)
    page.wait_for_function("/^[0-9]+$/.test(document.title)")
