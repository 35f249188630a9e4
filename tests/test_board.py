# From the clone to the board: the real mpremote copies the packages to a virtual board
# (virtual_board.py), main.py starts the demo at power-on, and people interrupt, reset and
# mount it.  Other ways of installing: test_install.py.

import shutil
import signal
import subprocess

import httpx
import pytest
import serial
from httpx_sse import connect_sse

from boards import content
from harness import DEMO, HOST, ROOT, free_port, listening, wait_until

# Under a mount, and only there, imports were seen to fail or hang near the end of a heap of which
# half was free.  A mount is for development, so this heap is never full before the server runs.
MOUNT_HEAP = "512k"

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def port():
    return free_port()


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
    copied = content(board.root)
    for path in [*(ROOT / package).glob("*.py"), ROOT / "url.py"]:
        assert copied[path.relative_to(ROOT).as_posix()] == path.read_bytes()
    module = DEMO[package]
    code = f"import {module}; print({module}.__file__)"
    assert f"{module}.py" in board.mpremote("exec", code)


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
