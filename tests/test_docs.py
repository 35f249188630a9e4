# What the texts say is so: links lead somewhere, versions agree, commands exist, and the exchanges
# in docs/http.md happen exactly as printed.

import ast
import re
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from harness import MICROPYTHON, PACKAGES, ROOT, Process
from signatures import arguments, definitions

sys.path.insert(0, str(ROOT))

import url  # noqa: E402

sys.path.insert(0, str(ROOT / "tools"))

import release  # noqa: E402

FOLDERS = [path for path in ROOT.glob("[!.]*") if path.is_dir() and path.name != "build"]
TEXTS = sorted([*ROOT.glob("*.md"), *(text for path in FOLDERS for text in path.rglob("*.md"))])
README = ROOT / "README.md"
COMPARISON = ROOT / "docs" / "comparison.md"
HTTP = ROOT / "docs" / "http.md"
LINK = re.compile(r"(?:\]\(|^\[[^]]+\]: )([^)\s]+)", re.M)
BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.M | re.S)
BIN = Path(sys.executable).parent
SOURCES = [ROOT / "url.py", *ROOT.glob("*httpserver/*.py")]


def name(path):
    return str(path.relative_to(ROOT))


def blocks(path, language):
    """The fenced blocks of a text."""
    return [text for word, text in BLOCK.findall(path.read_text()) if word == language]


def anchors(path):
    """The names that links can have to the headings of a text."""
    headings = re.findall(r"^#+ (.*)", BLOCK.sub("", path.read_text()), re.M)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", TEXTS, ids=name)
def test_links(path):
    text = BLOCK.sub("", path.read_text())
    for target in LINK.findall(text):
        if "://" not in target:
            file, _, anchor = target.partition("#")
            linked = (path.parent / file).resolve() if file else path
            assert linked.exists(), target
            assert not anchor or anchor in anchors(linked), target


def test_version():
    assert len(set(release.versions().values())) == 1, release.versions()


def test_limits():
    text = (ROOT / "SECURITY.md").read_text()
    rows = re.findall(r"\| (\d+)[^|]*\| `(\w+)` in `url.py` \|", text)
    code = re.findall(r"^(MAX_\w+) = (\d+)", (ROOT / "url.py").read_text(), re.M)
    assert {name: number for number, name in rows} == dict(code)


def test_known_host():
    """The defence against DNS rebinding, as SECURITY.md prints it."""
    [program] = blocks(ROOT / "SECURITY.md", "python")
    names = {"InvalidRequest": url.InvalidRequest}
    exec(program, names)
    for host, known in ((b"192.168.1.7", True), (b"evil.example", False)):
        request = url.HTTPRequest(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
        if known:
            names["known_host"](request)
        else:
            with pytest.raises(url.InvalidRequest, match="unknown host"):
                names["known_host"](request)


# README.md


def commands(path):
    """The lines of the indented blocks of a text, without their remarks."""
    text = BLOCK.sub("", path.read_text())
    return [line.split("   ")[0] for line in re.findall(r"^    +(\S.*)$", text, re.M)]


@pytest.mark.parametrize("path", [README, ROOT / "CONTRIBUTING.md"], ids=name)
def test_commands(path):
    """Each target of make exists, and each file that a command names, or make builds it."""
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M)
    code = " ".join(commands(path) + re.findall("`([^`\n]+)`", path.read_text()))
    used = set(re.findall(r"\bmake (\w+)", code))
    assert used and used <= set(targets)
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    for line in commands(path):
        words = line.split()
        if words[0] == "mpremote":
            assert (BIN / "mpremote").exists()
            for word in words[2:]:
                made = re.sub(r"^build/(mpy/)?|^:(lib/)?|\.romfs$", "", word)
                own = word in ("-r", "install", ":", "query", "deploy", "boot.py", "main.py")
                assert own or (ROOT / made.replace(".mpy", ".py")).exists(), line
        elif words[0].startswith(".venv/bin/"):
            assert (BIN / words[0].rpartition("/")[2]).exists(), line
            assert all((ROOT / word).exists() for word in words if word.endswith(".py")), line
        for group in re.findall(r"--group (\w+)", line):
            assert group in groups, line
        pinned = [package for group in groups.values() for package in group]
        assert all(word in pinned for word in words if "==" in word), line


def callables(package):
    """The arguments of what a package and url.py define, by names: a class by its __init__."""
    found = {}
    for name, given in definitions(ROOT / "url.py", *(ROOT / package).glob("*.py")).items():
        methods = {name: given} if isinstance(given, str) else given
        for method, given in methods.items():
            found.setdefault(name if method == "__init__" else method, set()).add(given)
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_api(package):
    """The functions of the API's tables exist, with these arguments and defaults."""
    text = README.read_text()
    text = text[text.index("## The API") : text.index("### If you know")]
    found = callables(package)
    cells = "".join(line.split("|")[1] for line in text.splitlines() if line[:1] == "|")
    calls = re.findall(r"`(?:\w+\.|@app\.)?(\w+)(\([^`]*\))`", cells)
    assert len(calls) > 20
    for function, given in calls:
        if function == "len":
            continue
        wanted = arguments(ast.parse(f"def f{given}: pass").body[0])
        assert wanted in found.get(function, ()), f"{function}{given}: {found.get(function)}"


def test_figures():
    """The figures in docs/comparison.md are those of the last table in benchmarks/README.md."""
    text = (ROOT / "benchmarks" / "README.md").read_text()
    table = text[text.index("## The last table") :]
    text = COMPARISON.read_text()
    ours = text[text.index("| | aim |") :].split("\n\n")[0]
    for line in ours.splitlines()[2:]:
        for cell in line.split("|")[3:6]:
            assert f"| {cell.strip()} |" in table, line


# docs/http.md


def exchanges():
    """The exchanges of docs/http.md: for each a list of (">" or "<", bytes) and how it ends.

    "closed" by the server, "open", or "..." where the text leaves off the rest."""
    found = []
    for text in blocks(HTTP, ""):
        if not text.startswith("> "):
            continue
        pieces, end = [], "open"
        for line in text.splitlines():
            if line[:2] in ("> ", "< "):
                if not pieces or pieces[-1][0] != line[0]:
                    pieces.append((line[0], b""))
                data = pieces[-1][1] + ast.literal_eval(line[2:].strip())
                pieces[-1] = line[0], data
            elif end != "...":
                end = line
        found.append((pieces, end))
    return found


@pytest.fixture
def run(tmp_path):
    """run(part) runs the program of docs/http.md that contains it, on a free port."""
    processes = []

    def run(part):
        [text] = [text for text in blocks(HTTP, "python") if part in text]
        (tmp_path / "first.py").write_text(text)  # /program sends it
        assert text.count("8080") == 1
        text = "import sys\n" + text.replace("8080", "int(sys.argv[1])")
        (tmp_path / "program.py").write_text(text)
        processes.append(Process(tmp_path / "program.py", tmp_path))
        processes[0].wait_listening()
        return processes[0]

    yield run
    for process in processes:
        process.finish()


def receive(connection, n):
    data = b""
    while len(data) < n and (piece := connection.recv(n - len(data))):
        data += piece
    return data


def test_first_socket(run):
    server = run("socket.socket()")
    head = b"GET /hello/Ada HTTP/1.1\r\nHost: board\r\n\r\n"
    for _ in range(2):
        assert server.exchange(head) == b"HTTP/1.1 200 OK\r\n\r\nHello from a socket.\n"
    assert server.output == f"{head!r}\n" * 2


def test_exchanges(run):
    first = run("@app.route")
    for pieces, end in exchanges():
        with first.connect() as connection:
            for direction, data in pieces:
                if direction == ">":
                    connection.sendall(data)
                else:
                    assert receive(connection, len(data)) == data
            if end == "closed":
                assert receive(connection, 1) == b""
            elif end == "open":
                connection.settimeout(0.2)
                with pytest.raises(socket.timeout):
                    connection.recv(1)
    assert len(exchanges()) > 10


def test_demonstration_of_url():
    output = subprocess.run([MICROPYTHON, "url.py"], cwd=ROOT, capture_output=True, text=True)
    quoted = [text for text in blocks(HTTP, "") if text.startswith("b'") and "\n   " in text]
    assert quoted
    for text in quoted:
        assert text in output.stdout


def test_functions_that_the_text_names():
    sources = "".join(path.read_text() for path in SOURCES)
    names = set(re.findall(r"`(\w+)\(\)`", HTTP.read_text())) - {"__init__"}
    assert [name for name in names if f"def {name}(" not in sources] == []
