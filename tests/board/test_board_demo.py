# Both demos on a board: from the first request to the last, in Chromium, and with one thread only.

import json
import re
import time
from contextlib import ExitStack

import board
import pytest

from demos import STOPS
from eventstreams import open_stream
from harness import DEMO, ROOT

CROSS_SITE = "Sec-Fetch-Site: cross-site"


@pytest.fixture
def target(request, firmware, package, network, tmp_path):
    """A board with the demo's files; a parameter: the options of board.Emulated."""
    options = getattr(request, "param", {})
    with board.emulated(package, tmp_path / "ram", **options) as target:
        yield target


@pytest.fixture
def demo(package, target):
    """demo(reset=True) runs the package's demo on the board."""
    name = DEMO[package]
    with ExitStack() as stack:

        def demo(reset=True):
            program = board.Program(target, f"import {name}\n\n{name}.run()\n", reset)
            stack.callback(program.kill)
            program.wait_listening()
            return program

        yield demo


def events(stream, number):
    """The data of so many events; the stream has begun."""
    data = b""
    while data.count(b"\n\n") < number:
        piece = stream.recv(4096)
        assert piece, f"the stream has ended: {data!r}"
        data += piece
    return re.findall(r"^data: (.*)", data.decode(), re.M)


def board_state(stream):
    """What the next event that is not the clock's says."""
    while True:
        for text in events(stream, 1):
            if text.startswith("{"):
                return json.loads(text)


def check_pages(running):
    page, icon = running.get("/"), running.get("/favicon.ico")
    assert page.body == (ROOT / "index.html").read_bytes()
    assert page.header("content-type").startswith("text/html")
    assert icon.body == (ROOT / "favicon.ico").read_bytes()


def check_switch(running):
    """It turns, for all pages; others' pages may not turn it."""
    for word in (b"on", b"off"):
        assert running.request("POST", "/api/switch", body=word).body == word
        with open_stream(running, "/api/events") as stream:
            assert board_state(stream)["switch"] is (word == b"on")
    assert running.request("POST", "/api/switch", body=b"maybe").status == 400
    assert running.request("POST", "/api/switch", CROSS_SITE, body=b"on").status == 403


def test_all_that_the_demo_does(demo):
    running = demo()
    check_pages(running)
    check_switch(running)
    with open_stream(running, "/api/time") as clock, open_stream(running, "/api/events") as state:
        assert all(re.fullmatch(r"\d\d:\d\d:\d\d", text) for text in events(clock, 3))
        assert board_state(state)["listeners"] == 1
    running.finish()


def stop(running, kind):
    if kind == "Ctrl-C":
        running.interrupt()
    else:
        assert running.get(f"/api/{kind}").status == 200
    running.wait_end()


def test_stop_and_start_again_on_the_same_port(target, demo):
    """In one session, without a reset; nothing is left over in lwIP."""
    reset = True
    for kind in (*STOPS, *STOPS):
        running = demo(reset)
        reset = False
        with open_stream(running, "/api/events") as stream:
            events(stream, 1)
            running.expect_exit()
            if kind == "date":
                running.expect_traceback("ZeroDivisionError")
            stop(running, kind)
        running.finish()
    state = json.loads(target.run("import board, json; print(json.dumps(board.stats()))", False))
    assert state["tcp_listen"][0] == 0
    assert state["tcp_seg"][0] == state["pbuf_pool"][0] == state["heap"][0] == 0


def test_power_on_with_main(target, package):
    """main.py starts the demo, at power-on and after each reset."""
    name = DEMO[package]
    target.run(f"with open('main.py', 'w') as file:\n file.write('import {name}; {name}.run()')")
    target.mpremote("reset")
    client = board.Client(target)
    client.wait_listening()
    check_pages(client)
    assert "stopped" in target.mpremote("exec", "print('stopped')")


def see_the_page_live(page, running):
    """The page's clock goes, and its switch turns because the board says so."""
    page.goto(f"http://{running.host}:{running.port}/")
    page.wait_for_function("document.getElementById('state').textContent.includes('connected')")
    first = page.text_content("#time")
    page.wait_for_function(f"document.getElementById('time').textContent != {first!r}")
    page.check("#switch")
    page.wait_for_function("document.body.classList.contains('on')")


@pytest.mark.parametrize("target", [{}, {"threads": 1}], ids=["", "one thread"], indirect=True)
def test_page(target, demo, page):
    """With one thread beside the main one an RP2040 has all it needs for its own page."""
    page.set_default_timeout(20_000)
    running = demo()
    see_the_page_live(page, running)
    time.sleep(2)  # a thread that fails tells so, and the demo would end
    running.expect_exit()
    page.click("text=Stop")
    page.wait_for_function("document.getElementById('answer').textContent.includes('200 OK')")
    running.wait_end()
    running.finish()
