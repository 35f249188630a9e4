# The demos' page in Chromium, served by both demos.

import os
import re
import signal
from urllib.parse import urlsplit

import pytest

from demos import running
from harness import ROOT

PAGE = ROOT / "index.html"
MAX_SIZE = 8000  # bytes
RETURN = 10_000  # ms within which a page is back after the server is
CONNECTED = "connected to "
LOST = "connection lost, trying again …"

# For what depends on the page alone, not on the server.
ONE = pytest.mark.parametrize("package", ["ahttpserver"], indirect=True)

# How far the text of an element stands out from what is behind it, as WCAG 2 reckons: the ratio,
# and the element, of the text with the least contrast on the page.
LEAST_CONTRAST = """() => {
  const rgb = color => color.match(/[\\d.]+/g).map(Number)
  const light = color => rgb(color).slice(0, 3).map(x => x / 255)
    .map(x => x <= .04045 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4)
    .reduce((sum, x, i) => sum + x * [.2126, .7152, .0722][i], 0)
  const behind = element => {
    const color = getComputedStyle(element).backgroundColor
    return (rgb(color)[3] ?? 1) ? color : behind(element.parentElement)
  }
  return [...document.body.querySelectorAll(':not(script)')]
    .filter(e => [...e.childNodes].some(n => n.nodeType == 3 && n.data.trim()))
    .map(e => [light(getComputedStyle(e).color), light(behind(e)), e.outerHTML.slice(0, 60)])
    .map(([a, b, e]) => [(Math.max(a, b) + .05) / (Math.min(a, b) + .05), e])
    .sort((a, b) => a[0] - b[0])[0]
}"""
SHIFTS = """
window.shifts = []
new PerformanceObserver(list => list.getEntries().forEach(entry => shifts.push(entry.value)))
  .observe({ type: 'layout-shift', buffered: true })
"""


@pytest.fixture
def demo(package, tmp_path, chromium):
    with running(package, tmp_path) as demo:
        yield demo


class Tab:
    """An open page of the demo, with all that its console said and that it asked for."""

    def __init__(self, context, demo):
        self.page = context.new_page()
        self.messages, self.requests = [], []
        self.page.on("console", lambda message: self.messages.append(message.text))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.add_init_script(SHIFTS)
        self.page.goto(f"http://{demo.host}:{demo.port}/")

    def text(self, name):
        return self.page.text_content(f"#{name}")

    def wait(self, name, pattern, timeout=5000):
        """Returns when the text of an element matches."""
        self.page.wait_for_function(
            "([name, pattern]) => RegExp(pattern).test(document.getElementById(name).textContent)",
            arg=[name, pattern],
            timeout=timeout,
        )

    def wait_ticking(self, times=1):
        """Returns when the clock has shown as many further times."""
        for _ in range(times):
            self.wait("time", rf"^(?!{self.text('time')})\d\d:\d\d:\d\d$")

    def wait_switch(self, on):
        self.page.wait_for_selector("#switch:checked" if on else "#switch:not(:checked)")


@pytest.fixture
def open_tab(browser, demo):
    """open_tab(...) opens the page in one more tab; the arguments are the browser context's."""
    contexts = {}

    def open_tab(**options):
        key = str(options)
        if key not in contexts:
            contexts[key] = browser.new_context(**options)
        return Tab(contexts[key], demo)

    yield open_tab
    for context in contexts.values():
        context.close()


def test_size():
    assert len(PAGE.read_bytes()) <= MAX_SIZE


def test_loads_nothing_else(demo, open_tab):
    tab = open_tab()
    tab.wait_ticking()
    tab.wait("total", r"\d")
    assert {urlsplit(url).netloc for url in tab.requests} == {f"{demo.host}:{demo.port}"}
    assert {urlsplit(url).path for url in tab.requests} <= {
        "/",
        "/favicon.ico",
        "/api/time",
        "/api/events",
    }
    assert tab.messages == []


def test_two_tabs(open_tab):
    tabs = [open_tab(), open_tab()]
    for tab in tabs:
        tab.wait("pages", "^2 pages open$")
        tab.wait_ticking(2)
        assert tab.text("state").startswith(CONNECTED)
        assert re.fullmatch(r"\d+\.\d", tab.text("free").replace("\u2007", ""))
        assert tab.page.get_attribute("#line", "d").count("L") >= 1
    assert [tab.messages for tab in tabs] == [[], []]
    tabs[1].page.close()
    tabs[0].wait("pages", "^1 page open$")


def test_switch_returns_to_every_tab(open_tab):
    tabs = [open_tab(), open_tab()]
    for tab in tabs:
        tab.wait("pages", "^2 pages open$")
    tabs[0].page.check("#switch")
    for tab in tabs:
        tab.wait_switch(True)
    tabs[1].page.focus("#switch")
    tabs[1].page.keyboard.press("Space")
    for tab in tabs:
        tab.wait_switch(False)
    tabs[0].wait_ticking(2)
    tabs[0].wait_switch(False)


@pytest.mark.parametrize("refused", [False, True])
def test_switch_stays_until_the_server_has_answered(open_tab, refused):
    """An event that left before the server knew does not turn it back; a refusal does."""
    tab, held = open_tab(), []
    tab.wait_ticking()
    tab.page.route("**/api/switch", lambda route: held.append(route))
    tab.page.check("#switch")
    tab.wait_ticking(2)
    assert tab.page.is_checked("#switch")
    if refused:
        held.pop().fulfill(status=403)
        tab.wait_switch(False)
    else:
        held.pop().continue_()
        tab.wait_ticking(2)
        tab.wait_switch(True)


def test_fifth_tab_waits_for_a_place(open_tab):
    tabs = [open_tab() for _ in range(4)]
    for tab in tabs:
        tab.wait_ticking()
    fifth = open_tab()  # the streams of four pages are all that the server takes
    fifth.wait("state", LOST)
    tabs[0].page.close()
    fifth.wait("state", CONNECTED, RETURN)
    fifth.wait_ticking()
    fifth.wait("pages", "^4 pages open$")


def test_loss_and_return(package, tmp_path, demo, open_tab):
    tabs = [open_tab(), open_tab()]
    for tab in tabs:
        tab.wait("pages", "^2 pages open$")
    demo.expect_exit()
    assert demo.get("/api/stop").status == 200
    for tab in tabs:
        tab.wait("state", LOST)
    with running(package, tmp_path / "again", demo.port):
        for tab in tabs:
            tab.wait("state", CONNECTED, RETURN)
            tab.wait_ticking()
        tabs[0].page.check("#switch")
        tabs[1].wait_switch(True)


def test_silence_counts_as_loss(demo, open_tab):
    """The Wi-Fi goes: nothing arrives any more, yet no connection ends."""
    tab = open_tab()
    tab.wait_ticking()
    os.kill(demo.pid, signal.SIGSTOP)
    try:
        tab.wait("state", LOST, 8000)
    finally:
        os.kill(demo.pid, signal.SIGCONT)
    tab.wait("state", CONNECTED, RETURN)
    tab.wait_ticking()


def test_reload_leaves_one_page(demo, open_tab):
    tab = open_tab()
    tab.wait("pages", "^1 page open$")
    tab.wait_ticking()
    descriptors = demo.descriptors()
    for _ in range(10):
        tab.page.reload()
    tab.wait("pages", "^1 page open$", RETURN)
    tab.wait("state", CONNECTED, RETURN)
    tab.wait_ticking()
    demo.wait_descriptors(descriptors)


def test_buttons(package, demo, open_tab):
    tab = open_tab()
    tab.wait_ticking()
    demo.expect_exit()
    demo.expect_traceback("ZeroDivisionError")
    tab.page.get_by_role("button", name="Get the date").click()
    tab.wait("answer", r'^GET /api/date\n200 OK\n{.*"year": "20\d\d".*}$')
    tab.wait("state", LOST)
    tab.page.get_by_role("button", name="Stop").click()
    tab.wait("answer", "^GET /api/stop\nno answer$")


def test_stop_button(demo, open_tab):
    tab = open_tab()
    tab.wait_ticking()
    demo.expect_exit()
    tab.page.get_by_role("button", name="Stop").click()
    tab.wait("answer", "^GET /api/stop\n200 OK\nThe program stops.$")
    tab.wait("state", LOST)


@ONE
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_looks(demo, open_tab, scheme):
    tab = open_tab(color_scheme=scheme)
    tab.wait_ticking()
    back = tab.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (int(re.search(r"\d+", back)[0]) > 127) == (scheme == "light")
    for on in (False, True):
        tab.page.set_checked("#switch", on)
        tab.wait_switch(on)
        contrast, element = tab.page.evaluate(LEAST_CONTRAST)
        assert contrast >= 4.5, element
    for width, height in ((320, 568), (390, 844), (768, 1024), (1280, 800)):
        tab.page.set_viewport_size({"width": width, "height": height})
        needed = tab.page.evaluate("document.documentElement.scrollWidth")
        assert needed <= width, f"{needed} pixels on a screen of {width}"


@ONE
def test_keyboard_and_screen_reader(open_tab):
    tab = open_tab()
    tab.wait_ticking()
    page = tab.page
    for role, name in (
        ("heading", "MicroPython HTTP server"),
        ("img", "Free memory in the last two minutes"),
        ("switch", "Switch"),
        ("button", "Get the date"),
        ("button", "Stop"),
    ):
        assert page.get_by_role(role, name=name, exact=True).count() == 1, name
    assert page.get_by_role("status").all_text_contents()[0].startswith(CONNECTED)
    for name in ("switch", "button", "button"):
        page.keyboard.press("Tab")
        focus = page.evaluate(
            "(({ id, localName }) => [id || localName,"
            " getComputedStyle(document.activeElement).outlineWidth])(document.activeElement)"
        )
        assert focus == [name, "3px"]


@ONE
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_moves(open_tab, width):
    tab = open_tab(viewport={"width": width, "height": 800})
    tab.wait("total", r"\d")
    tab.wait("state", CONNECTED)
    tab.page.evaluate("shifts.length = 0")
    tab.page.get_by_role("switch").check()
    tab.wait_switch(True)
    tab.wait_ticking(3)
    assert sum(tab.page.evaluate("shifts")) == 0
