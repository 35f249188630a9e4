# A board for the tests: the emulated one (QEMU's mps2-an385 with MicroPython over lwIP), or a real
# one on a serial line.  Both run programs through the raw REPL; the real mpremote works on both.
#
#     make board
#     .venv/bin/python tests/board/board.py [--port 8080] [--heap 128k] [--link board-port]
#
# keeps an emulated board until Ctrl-C; its page is then at 127.0.0.1:8080, and
# `mpremote connect board-port` speaks to it.

import argparse
import fcntl
import hashlib
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import demos  # noqa: E402
from harness import DEMO, HOST, Process, free_port, translate, wait_until  # noqa: E402
from mirror import to_sync  # noqa: E402

ALL = os.environ.get("BOARD") == "all"  # tests, not only those that CI has time for
NETWORKS = [False, True] if ALL else [False]  # tap or not
QEMU = "qemu-system-arm"
MPREMOTE = Path(sys.executable).with_name("mpremote")
RAM = 16 << 20  # the second RAM, a file: the flash, and at its end what firmware/config.h reads
CONFIG = RAM - 32
BOARD_ADDRESS = "10.0.2.15"  # behind QEMU's own network as behind a tap device


class Board:
    """A board on a serial line (.tty) whose servers are at .host, .port."""

    def __init__(self, tty, host=None, port=80):
        self.tty, self.host, self.port = str(tty), host, port

    def mpremote(self, *command, cwd=ROOT, timeout=120):
        """Runs mpremote to its end and returns what it printed; fails when it does."""
        done = subprocess.run(
            [MPREMOTE, "connect", self.tty, *map(str, command)],
            cwd=cwd,
            timeout=timeout,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}"
        return done.stdout

    @contextmanager
    def raw_repl(self, reset=True):
        """The transport of mpremote in its raw REPL; reset: after a soft one."""
        transport = SerialTransport(self.tty)
        try:
            transport.enter_raw_repl(soft_reset=reset)
            yield transport
            transport.exit_raw_repl()
        finally:
            transport.close()

    def run(self, code, reset=True, timeout=20):
        """Runs a program to its end and returns what it printed."""
        with self.raw_repl(reset) as transport:
            output, error = transport.exec_raw(code, timeout)
        assert not error, error.decode()
        return output.decode().replace("\r\n", "\n")

    def socket(self):
        return socket.socket()

    def close(self):
        pass


class Emulated(Board):
    """QEMU with the firmware.

    ram: a file with its flash, which is made if it is missing.  net: a tap.Network; otherwise QEMU
    itself stands between the client and the board.  threads: how many beside the main one.
    """

    def __init__(self, ram, net=None, heap="192k", threads=0, pcbs=0, flash=0, icount=None):
        self.net = net
        with open(ram, "ab") as file:
            file.truncate(RAM)
        with open(ram, "r+b") as file:
            file.seek(CONFIG)
            file.write(struct.pack("<4I", size(heap), flash, threads, pcbs))
        command = [QEMU, "-display", "none", "-monitor", "none", "-serial", "pty"]
        command += ["-semihosting-config", "enable=on,target=native", "-kernel", firmware()]
        command += ["-machine", "mps2-an385,memory-backend=ram"]
        command += ["-object", f"memory-backend-file,id=ram,size={RAM},mem-path={ram},share=on"]
        command += ["-icount", icount] if icount else []
        nic = f"tap,fd={net.tap}" if net else "user,hostfwd=tcp:127.0.0.1:{}-:80"
        host, port = (BOARD_ADDRESS, 80) if net else (HOST, free_port())
        # Not a pipe: QEMU tells of each frame that the board is too slow for, and stood still when
        # a pipe that nobody empties was full.
        with TemporaryFile() as output:
            self.process = subprocess.Popen(
                [*command, "-nic", nic.format(port) + ",model=lan9118"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[net.tap] if net else [],
            )

            def redirected():
                ended = self.process.poll() is not None  # first: then said is all that it said
                said = os.pread(output.fileno(), 4096, 0).decode()
                assert not ended, f"QEMU has ended: {said}"
                return re.search(r"redirected to (\S+)\s", said)

            tty = wait_until(redirected, 30)[1]
        super().__init__(tty, host, port)

    def socket(self):
        return self.net.socket() if self.net else super().socket()

    def close(self):
        self.process.terminate()
        self.process.wait()


def firmware():
    """The path of what `make board` has built, the latest."""
    built = ROOT.glob("build/board/firmware-*/firmware.elf")
    return max(built, key=os.path.getmtime)


def lost(heaps):
    """Bytes that each round has cost, of the heap after each: a table that grows does so once."""
    return min(after - before for before, after in pairwise(heaps))


def size(text):
    """Bytes of heap, of "192k"."""
    return int(text[:-1]) * 1024 if text.endswith("k") else int(text)


class Client(Process):
    """The clients' side of harness.Process, for a server that a board has started by itself."""

    # A request that arrives with its connection waits in lwIP for up to 250 ms: see README.md.
    LATER = 0.002
    running, output = True, ""

    def __init__(self, board):
        self.board, self.host, self.port = board, board.host, board.port

    def socket(self):
        return self.board.socket()

    def connect(self, timeout=10):
        connection = self.socket()
        connection.settimeout(timeout)
        try:
            connection.connect((self.host, self.port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            connection.close()
            raise
        time.sleep(self.LATER)
        return connection

    def wait_listening(self, timeout=10):
        """Returns when a request is answered; fails with the output when none is."""
        end = time.monotonic() + timeout
        while True:
            with suppress(OSError, AssertionError):
                return self.get("/favicon.ico", timeout=2)
            going = self.running and time.monotonic() < end
            assert going, f"the server does not answer:\n{self.output}"
            time.sleep(0.05)


class Program(Client):
    """A program running on a board, with all that harness.Process has for its clients."""

    def __init__(self, board, code, reset=True):
        super().__init__(board)
        self.announced, self.exit_expected = [], False
        self._said, self._error = bytearray(), None
        self._repl = board.raw_repl(reset)
        self._transport = self._repl.__enter__()
        self._transport.exec_raw_no_follow(code)
        self._reader = threading.Thread(target=self._follow, daemon=True)
        self._reader.start()

    def _follow(self):
        with suppress(TransportError, OSError, TypeError):  # the line was closed meanwhile
            _, self._error = self._transport.follow(None, self._said.extend)

    @property
    def output(self):
        text = (bytes(self._said) + (self._error or b"")).decode(errors="replace")
        return text.replace("\x04", "").replace("\r\n", "\n")

    @property
    def running(self):
        return self._reader.is_alive()

    def wait_output(self, text, timeout=10):
        wait_until(lambda: text in self.output or not self.running, timeout)
        assert text in self.output, self.output

    def wait_end(self, timeout=10):
        """Returns when the program has ended by itself."""
        self._reader.join(timeout)
        assert not self.running, f"it goes on:\n{self.output}"

    def busy(self):
        return False

    def interrupt(self):
        self._transport.serial.write(b"\x03")

    def kill(self):
        """Interrupts the program, if it runs, and leaves the raw REPL."""
        if self._transport.serial.is_open:
            if self.running:
                self.interrupt()
                self._reader.join(5)
            with suppress(OSError):
                self._repl.__exit__(None, None, None)

    def finish(self):
        """Ends the program and fails when it had ended or printed what nobody announced."""
        if self.exit_expected:
            self._reader.join(5)
        time.sleep(0.1)
        running, problems, output = self.running, self.unexpected(), self.output
        self.kill()
        assert running != self.exit_expected, f"running: {running}\n{output}"
        assert not problems, f"{problems}\n{output}"


def files(package):
    """What a board needs for the tests of a package: name on the board -> content."""
    paths = [*sorted((ROOT / package).glob("*.py"))]
    paths += [ROOT / name for name in ("url.py", DEMO[package] + ".py", *demos.FILES)]
    contents = {str(path.relative_to(ROOT)): path.read_bytes() for path in paths}
    apps = ROOT / "tests" / "apps"
    runners = [apps / f"run{word}_{package}.py" for word in ("", "_sse")]
    contents.update((path.name, path.read_bytes()) for path in runners)
    page = (apps / "sse_page.py").read_text()
    contents["sse_page.py"] = (page if package == "ahttpserver" else to_sync(page)).encode()
    return contents


def image(kind, contents):
    """A board's RAM with files.  The real mpremote copies them, which takes 10 s: it is kept.

    kind: of such images only the latest is kept."""
    digest = hashlib.sha256(repr(contents).encode() + firmware().read_bytes()).hexdigest()[:16]
    path = ROOT / "build" / "board" / f"flash-{kind}-{digest}"
    with open(path.with_name(f"lock-{kind}"), "w") as lock, TemporaryDirectory() as folder:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            return path
        for old in path.parent.glob(f"flash-{kind}-*"):
            old.unlink()
        for name, content in contents.items():
            (Path(folder) / name).parent.mkdir(exist_ok=True)
            (Path(folder) / name).write_bytes(content)
        board = Emulated(Path(folder) / "ram")
        try:
            board.mpremote("cp", "-r", *{name.split("/")[0] for name in contents}, ":", cwd=folder)
        finally:
            board.close()
        shutil.copyfile(Path(folder) / "ram", path)
        return path


def application(name, package, folder, *args):
    """The code of a test application, as it runs on a board's port 80."""
    return adapt(translate(name, package, folder).read_text(), *args)


def adapt(code, *args):
    """A program for this machine's loopback, as it runs on a board."""
    arguments = ["", "80", *map(str, args)]
    code = code.replace('"127.0.0.1"', '"0.0.0.0"')
    return f"import sys\n\nsys.argv[:] = {arguments}\n{code}"


@contextmanager
def emulated(package, ram, **options):
    """A new board with a package on it; ram: where to put its file."""
    shutil.copyfile(image(package, files(package)), ram)
    with closing(Emulated(ram, **options)) as board:
        yield board


@contextmanager
def running(name, package, folder, *args, **options):
    """A Program: a test application on a new board, looked at when the with statement ends."""
    with emulated(package, folder / "ram", **options) as board:
        program = Program(board, application(name, package, folder, *args))
        try:
            program.wait_listening()
            yield program
            program.finish()
        finally:
            program.kill()


def main():
    parser = argparse.ArgumentParser(description="Run the emulated board until Ctrl-C.")
    parser.add_argument("--heap", default="192k")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--link", default="board-port")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # QEMU ends with it
    link = Path(chosen.link)
    ram = ROOT / "build" / "board" / "ram"
    globals()["free_port"] = lambda: chosen.port
    board = Emulated(ram, heap=chosen.heap)
    link.unlink(missing_ok=True)
    link.symlink_to(board.tty)
    print(f"http://{board.host}:{board.port}/    mpremote connect {link}", flush=True)
    try:
        board.process.wait()
    except KeyboardInterrupt:
        pass
    finally:
        link.unlink(missing_ok=True)
        board.close()


if __name__ == "__main__":
    main()
