# The example of a first set-up, with a double of the network module: phones are led to the page,
# what is entered is tried and stored, and the access point goes and comes as it should.

import json
import shutil

import dns.message
import dns.query
import httpx
import pytest

from harness import APPS, HOST, ROOT, Process, wait_until

EXAMPLE = ROOT / "examples" / "setup"
DOUBLES = ROOT / "tests" / "doubles" / "wifi"
WORLD = {"home": "12345678", 'Zoë & "co" =+%41': " pass&word=+%20ü\\'\" ", "open": ""}
PROBES = (
    "http://captive.apple.com/hotspot-detect.html",
    "http://connectivitycheck.gstatic.com/generate_204",
    "http://www.google.com/gen_204",
    "http://www.msftconnecttest.com/connecttest.txt",
    "http://www.msftncsi.com/ncsi.txt",
    "http://detectportal.firefox.com/canonical.html",
    "http://detectportal.firefox.com/success.txt?ipv4",
)


class Board:
    """A board with the example on it, whose surroundings can be changed."""

    def __init__(self, folder, known=None):
        self.folder = folder
        self.world(WORLD)
        shutil.copy(EXAMPLE / "setup.html", folder)
        if known:
            (folder / "wifi.json").write_text(json.dumps(known))
        arguments = EXAMPLE / "main.py", DOUBLES
        self.process = Process(APPS / "setup_runner.py", folder, *arguments)
        self.process.wait_listening()
        self.base = f"http://{HOST}:{self.process.port}"
        self.web = httpx.Client(base_url=self.base)

    def world(self, names):
        (self.folder / "new.json").write_text(json.dumps(names))
        (self.folder / "new.json").rename(self.folder / "world.json")

    def stored(self):
        file = self.folder / "wifi.json"
        return json.loads(file.read_text()) if file.exists() else None

    def state(self):
        return self.web.get("/setup/state").json()

    def enter(self, name, password):
        answer = self.web.post("/setup", data={"name": name, "password": password})
        assert answer.json()["state"] == "trying"
        return wait_until(lambda: (s := self.state())["state"] != "trying" and s, 10, 0.1)

    def wait_point(self, times, on):
        """Until the access point has been switched so often, last on or off."""

        def switched():
            lines = [line for line in self.process.output.splitlines() if "access point" in line]
            return len(lines) == times and lines[-1].endswith("on" if on else "off")

        wait_until(switched, 15, 0.05)


@pytest.fixture
def board(tmp_path):
    boards = []

    def board(known=None):
        boards.append(Board(tmp_path, known))
        return boards[-1]

    yield board
    for one in boards:
        one.web.close()
        one.process.finish()


def test_probes(board):
    """Each is answered by a redirect to the page, at the address that the name server tells."""
    board = board()
    board.wait_point(1, True)
    for probe in PROBES:
        host = httpx.URL(probe).host
        query = dns.message.make_query(host, "A")
        [record] = dns.query.udp(query, HOST, timeout=5, port=board.process.port).answer
        assert [data.address for data in record] == [HOST]
        path = probe.split(host)[1]
        answer = board.web.get(path, headers={"Host": host})
        assert answer.status_code == 302
        assert answer.headers["Location"] == f"http://{HOST}/setup"
    assert "<form" in board.web.get("/setup").text
    assert board.web.get("/setup/networks").json() == sorted(WORLD, reverse=True)
    assert board.state()["state"] == "waiting"


@pytest.mark.parametrize("name", WORLD)
def test_right_password(board, name):
    """It is stored, the page can say so, then the access point goes off."""
    board = board()
    board.wait_point(1, True)
    assert board.enter(name, WORLD[name]) == {
        "state": "connected",
        "name": name,
        "address": "192.168.1.7",
    }
    assert board.stored() == [name, WORLD[name]]
    board.wait_point(2, False)
    assert board.web.get("/elsewhere").status_code == 404
    form = {"name": "evil", "password": "12345678"}  # as any page could send it now
    assert board.web.post("/setup", data=form).status_code == 403


def test_wrong_password(board):
    board = board(["gone", "old password"])
    board.wait_point(1, True)
    assert board.enter("home", "wrong password")["state"] == "failed"
    assert board.stored() == ["gone", "old password"]  # what was there stays
    assert board.web.get("/elsewhere").status_code == 302
    assert board.enter("home", "12345678")["state"] == "connected"
    assert board.stored() == ["home", "12345678"]
    board.wait_point(2, False)


def test_nonsense(board):
    board = board()
    board.wait_point(1, True)
    for form in ({}, {"name": ""}, {"name": "x" * 33}, {"name": "x", "password": "1234567"}):
        assert board.web.post("/setup", data=form).status_code == 400
    assert board.web.post("/setup", content=b"%ff=%00").status_code == 400
    assert board.state()["state"] == "waiting"


def test_known_network(board):
    """The access point stays off, comes when the network stays away, goes when it is back."""
    board = board(["home", "12345678"])
    wait_until(lambda: board.state()["state"] == "connected", 5)
    assert "access point" not in board.process.output
    board.world({})
    board.wait_point(1, True)
    board.world(WORLD)
    board.wait_point(2, False)
    assert board.stored() == ["home", "12345678"]


def test_broken_file(board, tmp_path):
    (tmp_path / "wifi.json").write_text('["home", "1234')
    board().wait_point(1, True)


def test_page(board, page):
    """As somebody uses it."""
    board = board()
    board.wait_point(1, True)
    page.goto(board.base + "/setup")
    assert page.locator("#networks option").all_inner_texts() is not None
    page.wait_for_function("document.querySelectorAll('#networks option').length == 3")
    page.fill("[name=name]", "home")
    page.fill("[name=password]", "wrong password")
    page.click("button")
    page.wait_for_function("document.querySelector('[role=status]').innerText.includes('not let')")
    page.fill("[name=password]", "12345678")
    page.click("button")
    page.wait_for_function(
        "document.querySelector('[role=status]').innerText.includes('192.168.1.7')"
    )


def test_it_is_small():
    assert len((EXAMPLE / "main.py").read_text().splitlines()) <= 150
