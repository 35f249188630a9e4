# A virtual board with the real mpremote connected to it, and a web server for a folder: what the
# tests of mpremote and of mip share.  Their fixtures are in conftest.py.

import contextlib
import functools
import http.server
import signal
import subprocess
import sys
import threading
from pathlib import Path

from harness import HOST, MICROPYTHON, ROOT

BIN = Path(sys.executable).parent
HEAP = "128k"  # 64-bit words: as much as the 67 kB of a WiPy 2


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


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@contextlib.contextmanager
def serving(folder):
    """Publishes a folder over HTTP; the value is its address."""
    handler = functools.partial(_Handler, directory=str(folder))
    server = http.server.ThreadingHTTPServer((HOST, 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def content(folder):
    """What the board's folder holds, in the same form."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}
