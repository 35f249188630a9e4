# Pages arrive whole.  Real browsers load pages as people have them, with parts and an event stream
# of their own, while others have event streams open, with the places of a board: each part comes
# at the first try and is drawn, the stream ticks where there is a place for it, and comes by
# itself when there is one.  The browser's own log is the judge.
#
#     pytest tests/test_pages.py                 a sample, less than three minutes
#     PAGES=all pytest tests/test_pages.py       all of it, about an hour
#     LOADS=10 ...                               so many loads for each combination instead of 3

import json
import os
import struct
import time
import zlib
from contextlib import ExitStack, contextmanager
from itertools import product

import pytest

from browsers import Chromium, Firefox
from harness import HOST, wait_until
from lossy import FAR, Unavailable, lossy

ALL = os.environ.get("PAGES") == "all"
LOADS = int(os.environ.get("LOADS", 3))
PATIENCE = 30  # seconds; the slowest page, on a lossy link over TLS, needs 5

pytestmark = [pytest.mark.alone, pytest.mark.timeout(300)]

# The page looks for itself whether all is there.  A picture's last pixel says which one it is.
PAGE = """<!doctype html>
<title>{parts} parts</title>
<link rel="icon" href="icon.png">
{head}
<p>{parts} parts
{body}
<script>
let ticks = 0, source
function listen() {{
  source = new EventSource('/events')
  source.onmessage = () => ticks++
  source.onerror = () => {{ if (source.readyState == 2) setTimeout(listen, 500) }}  // 503
}}
listen()
const canvas = document.createElement('canvas').getContext('2d', {{ willReadFrequently: true }})
function drawn(image) {{
  if (!image.naturalWidth) return false
  canvas.drawImage(image, 0, 0)
  return canvas.getImageData(image.naturalWidth - 1, image.naturalHeight - 1, 1, 1).data[0]
    == image.alt
}}
function missing() {{
  const names = [...document.images].filter(image => !drawn(image))
    .map(image => new URL(image.src).pathname)
  const style = getComputedStyle(document.documentElement).getPropertyValue('--drawn')
  if (document.querySelector('link[rel=stylesheet]') && style.trim() != 'yes') names.push('css')
  if (document.querySelector('script[src]') && self.run != 'yes') names.push('js')
  return names
}}
</script>
"""
SIZES = (0, 6, 14, 30)
SERVERS = {"plain 6": (6, False), "plain 4": (4, False), "TLS 2": (2, True), "TLS 6": (6, True)}


def streams(places):
    """How many event streams a server of so many places takes."""
    return max(places - 2, places - 1 if places == 2 else 0)


def combinations():
    """All of (parts, event streams of others, kind of server, browsers at once)."""
    for parts, others, kind, browsers in product(SIZES, (0, 1, 2, 4), SERVERS, (1, 2)):
        places, _ = SERVERS[kind]
        if others <= streams(places) and (others != 1 or places == 2):
            yield parts, others, kind, browsers


SAMPLE = [
    (14, 2, "plain 6", 1),
    (14, 4, "plain 6", 1),
    (14, 0, "TLS 2", 1),
    (14, 1, "TLS 2", 1),
]
LINK_SAMPLE = [(14, 4, "plain 6", 1)]


def cells(sample):
    chosen = list(combinations()) if ALL else sample
    return pytest.mark.parametrize(
        "parts, others, kind, pages",
        chosen,
        ids=["%d parts, %d streams, %s, %d at once" % cell for cell in chosen],
    )


def picture(number):
    """A PNG of some kB, of noise; in its last pixel the number."""
    size = 20 + number
    rows = [b"\0" + os.urandom(3 * size) for _ in range(size)]
    rows[-1] = rows[-1][:-3] + bytes((number, 0, 0))

    def chunk(kind, data):
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    data = zlib.compress(b"".join(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def names(parts):
    """The paths of a page's parts: one style sheet, one script, the rest pictures."""
    return ["/style.css", "/script.js", *(f"/{i}.png" for i in range(parts - 2))][:parts]


@pytest.fixture(scope="session")
def www(tmp_path_factory):
    folder = tmp_path_factory.mktemp("www")
    (folder / "style.css").write_text(":root { --drawn: yes }\n" + "/* " + "x" * 3000 + " */\n")
    (folder / "script.js").write_text("self.run = 'yes'\n" + "// " + "x" * 3000 + "\n")
    for number in range(max(SIZES) - 2):
        (folder / f"{number}.png").write_bytes(picture(number))
    (folder / "icon.png").write_bytes(picture(1))
    (folder / "favicon.ico").write_bytes(picture(1))
    for parts in SIZES:
        pictures = [
            f'<img src="{name}" alt="{number}">' for number, name in enumerate(names(parts)[2:])
        ]
        head = '<link rel="stylesheet" href="style.css">\n<script src="script.js" defer></script>'
        page = PAGE.format(parts=parts, head=head if parts else "", body="\n".join(pictures))
        (folder / f"page{parts}.html").write_text(page)
    return folder


@pytest.fixture(scope="session")
def link():
    try:
        with lossy(delay=10, loss=1) as link:
            yield link
    except Unavailable as e:
        pytest.skip(str(e))


@pytest.fixture(scope="session")
def playwright(chromium):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright


def starter(playwright, executables, folder, link=None):
    """start(name): one of the browsers, started once; on a link, at its near end."""
    started = {}

    def start(name):
        if name not in started:
            within, dial = (), None
            executable = executables[name]
            if link:
                within, dial = link.near, lambda port: link.dial(HOST, port)
            if name == "firefox":
                started[name] = Firefox(executable, folder, within, dial)
            else:
                if link:
                    script = folder / "chromium"
                    script.write_text(f'#!/bin/sh\nexec {" ".join(within)} {executable} "$@"\n')
                    script.chmod(0o755)
                    executable = script
                started[name] = Chromium(playwright, executable)
        return started[name]

    return start, started


@pytest.fixture(scope="session")
def here(playwright, chromium, firefox, tmp_path_factory):
    executables = {"chromium": chromium, "firefox": firefox}
    start, started = starter(playwright, executables, tmp_path_factory.mktemp("here"))
    yield start
    for browser in started.values():
        browser.close()


@pytest.fixture(scope="session")
def near(playwright, chromium, firefox, tmp_path_factory, link):
    executables = {"chromium": chromium, "firefox": firefox}
    start, started = starter(playwright, executables, tmp_path_factory.mktemp("near"), link)
    yield start
    for browser in started.values():
        browser.close()


@pytest.fixture(params=["chromium", "firefox"])
def browser(request, here):
    return here(request.param)


@pytest.fixture(params=["chromium", "firefox"])
def near_browser(request, near):
    return near(request.param)


class Site:
    """A running server with its pages, and the event streams of others."""

    def __init__(self, server, host, dial, kind, context):
        self.server, self.dial = server, dial
        self.places, self.tls = SERVERS[kind]
        self.context = context if self.tls else None
        self.url = f"http{'s' * self.tls}://{host}:{server.port}"
        self.others = []

    def connect(self):
        connection = self.dial()
        if self.tls:
            connection = self.context.wrap_socket(connection, server_hostname=HOST)
        return connection

    def listen(self, number):
        """So many others open event streams, and keep them."""
        for _ in range(number):
            connection = self.connect()
            connection.sendall(b"GET /events HTTP/1.1\r\nHost: board\r\n\r\n")
            assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")
            self.others.append(connection)

    def leave(self):
        while self.others:
            self.others.pop().close()

    @property
    def room(self):
        """For so many event streams there is a place."""
        return streams(self.places) - len(self.others)


@pytest.fixture
def site(start, www, tmp_path, certificate, context):
    """site(kind): a server of that kind on loopback."""
    with ExitStack() as stack:

        def site(kind, **arguments):
            arguments = board(tmp_path, www, certificate, kind, **arguments)
            server = start("pages_app", json.dumps(arguments), heap="512k")
            site = Site(server, HOST, server.connect, kind, context)
            stack.callback(site.leave)
            return site

        yield site


@pytest.fixture
def far_site(start, www, tmp_path, certificate, context, link):
    """site(kind): a server of that kind at the far end of the link."""
    with ExitStack() as stack:

        def site(kind):
            arguments = board(tmp_path, www, certificate, kind, host=FAR)
            server = start("pages_app", json.dumps(arguments), heap="512k", within=link.far)

            def dial():
                return link.dial(FAR, server.port)

            site = Site(server, FAR, dial, kind, context)
            stack.callback(site.leave)
            return site

        yield site


def board(folder, www, certificate, kind, **arguments):
    """Puts pages and certificate into the folder; returns the arguments of such a server."""
    if not (folder / "www").exists():
        (folder / "www").symlink_to(www)
        for name in ("cert.der", "key.der"):
            (folder / name).symlink_to(certificate / name)
    places, tls = SERVERS[kind]
    return {"max_connections": places, "ssl": tls, **arguments}


# What makes a load whole -----------------------------------------------------------------------


def state(tab):
    return tab.js("document.readyState == 'complete' && missing().concat(ticks ? [] : ['ticks'])")


def come(tab, stream):
    """Waits until a page has all it needs, or PATIENCE is over; returns what is missing."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        missing = state(tab)
        if missing == [] or not stream and missing == ["ticks"]:
            return []
        if missing and missing != ["ticks"]:
            return [name for name in missing if name != "ticks"]  # all has come that will
        time.sleep(0.02)
    return missing or ["the page itself"]


def problems(tab, parts, stream, again=False):
    """What was not as it should be with one load; stream: there is a place for its own."""
    found = {f"{name} is missing" for name in come(tab, stream)}
    log = list(tab.log)
    for name, outcome in log:
        # 304: Firefox may ask for a part twice in one load.  Aborted is what the browser itself
        # does not want any more: what belongs to the page before, or a stream after its 503.
        fine = outcome in (200, 304) or "ABORTED" in str(outcome)
        if not fine and ((name, outcome) != ("/events", 503) or stream):
            found.add(f"{name}: {outcome}")
    if not again:
        found |= {
            f"{name} did not come"
            for name in [f"/page{parts}.html", *names(parts)]
            if (name, 200) not in log
        }
    return sorted(found)


@contextmanager
def tabs_of(browser, number):
    """Tabs, each in a profile of its own."""
    profiles = [browser.profile() for _ in range(number)]
    try:
        yield [profile.tab() for profile in profiles]
    finally:
        for profile in profiles:
            profile.close()


def load_often(browser, site, parts, pages):
    """Loads a page in new profiles, so many at once, several times; returns what was wrong."""
    failed = []
    for load in range(LOADS):
        with tabs_of(browser, pages) as tabs:
            begin = time.monotonic()
            for tab in tabs:
                tab.open(f"{site.url}/page{parts}.html")
            # with two pages and one place nobody knows whose stream gets it
            sure = site.room >= pages
            found = [problem for tab in tabs for problem in problems(tab, parts, sure)]
            if found:
                seconds = time.monotonic() - begin
                more = f" and {len(found) - 4} more" if len(found) > 4 else ""
                failed.append(f"load {load}, {seconds:.1f} s: {', '.join(found[:4])}{more}")
            if load == LOADS - 1 and not failed and not sure:
                failed += stream_comes(site, tabs)
    return failed


def stream_comes(site, tabs):
    """Others leave: now as many pages as there are places for get their stream."""
    site.leave()
    expected = min(len(tabs), site.room)
    end = time.monotonic() + PATIENCE
    while (ticking := sum(bool(tab.js("ticks")) for tab in tabs)) < expected:
        if time.monotonic() > end:
            return [f"{ticking} streams of {expected} tick after the others have left"]
        time.sleep(0.05)
    return []


def check(failed):
    assert not failed, f"{len(failed)} of {LOADS} loads were not whole\n" + "\n".join(failed)


@cells(SAMPLE)
def test_page_is_whole(browser, site, parts, others, kind, pages):
    site = site(kind)
    site.listen(others)
    check(load_often(browser, site, parts, pages))


@cells(LINK_SAMPLE)
def test_page_is_whole_on_a_lossy_link(near_browser, far_site, parts, others, kind, pages):
    site = far_site(kind)
    site.listen(others)
    check(load_often(near_browser, site, parts, pages))


@pytest.mark.parametrize("kind", SERVERS if ALL else ["plain 6"])
def test_ten_reloads(browser, site, kind):
    site = site(kind)
    with tabs_of(browser, 1) as [tab]:
        tab.open(f"{site.url}/page14.html")
        assert not problems(tab, 14, True)
        for number in range(10):
            tab.log.clear()
            tab.js("self.old = true")
            tab.reload()
            wait_until(lambda: tab.js("!self.old"), PATIENCE)
            # the stream of the page before may still have the only place for one
            found = problems(tab, 14, True, again=True)
            assert found in ([], ["/events: 503"][: streams(site.places) == 1]), number


@pytest.mark.parametrize("kind", SERVERS if ALL else ["plain 6"])
def test_five_tabs(browser, site, kind):
    site = site(kind)
    profile = browser.profile()
    try:
        tabs = [profile.tab() for _ in range(5)]
        for tab in tabs:
            tab.open(f"{site.url}/page14.html")
        found = [problem for tab in tabs for problem in problems(tab, 14, False, again=True)]
        assert not found
        for _ in range(5 - streams(site.places)):  # each that leaves makes room for another
            ticking = wait_ticking(tabs, streams(site.places))
            ticking[0].close()
            tabs.remove(ticking[0])
        wait_ticking(tabs, streams(site.places))
    finally:
        profile.close()


def wait_ticking(tabs, number):
    """Returns those tabs whose streams tick, as soon as they are so many."""

    def ticking():
        found = [tab for tab in tabs if tab.js("ticks")]
        return len(found) >= number and found

    return wait_until(ticking, PATIENCE, 0.05)
