# What test_demo.py and test_page.py share: the demos with their files in a folder, as on a board.

import os
import pty
import re
import select
import shutil
import signal
import time
from contextlib import contextmanager
from unittest import mock

from harness import DEMO, HOST, MICROPYTHON, ROOT, Process, free_port, wait_until

FILES = ("index.html", "favicon.ico")
STOPS = ("stop", "date", "Ctrl-C")
PROMPT = ">>> "


def board(folder):
    """Puts the files of the demos into the folder, which is made if it is missing."""
    folder.mkdir(exist_ok=True)
    for name in FILES:
        shutil.copy(ROOT / name, folder)


@contextmanager
def running(package, folder, port=None, heap="224k"):
    """The demo of a package in a process of its own, looked at when the with statement ends."""
    board(folder)
    with mock.patch("harness.free_port", return_value=port or free_port()):
        demo = Process(ROOT / f"{DEMO[package]}.py", folder, heap=heap)
    try:
        demo.wait_listening()
        yield demo
        demo.finish()
    finally:
        demo.kill()


def stop(demo, kind):
    """Stops a demo in one of the three ways; the program is then about to end."""
    if kind == "Ctrl-C":
        os.kill(demo.pid, signal.SIGINT)
    else:
        assert demo.get(f"/api/{kind}").status == 200


class Repl(Process):
    """MicroPython's REPL in a terminal; .port is for the demo that is going to run there."""

    def __init__(self, folder, heap="224k"):
        board(folder)
        self.host, self.port, self.typed = HOST, free_port(), ""
        path = {"MICROPYPATH": f".frozen:{ROOT}", "HOME": str(folder)}
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            command = [str(MICROPYTHON), "-X", f"heapsize={heap}"]
            os.execve(command[0], command, {**os.environ, **path})
        self.wait_prompt()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._terminal)

    def type(self, text):
        os.write(self._terminal, text.encode())

    def wait_prompt(self, timeout=10):
        """Returns what was printed up to the next prompt."""
        end, output = time.monotonic() + timeout, ""
        while not output.endswith(PROMPT):
            ready, _, _ = select.select([self._terminal], [], [], max(0, end - time.monotonic()))
            assert ready, f"no prompt after {timeout} s:\n{output}"
            output += os.read(self._terminal, 4096).decode()
        return re.sub("\r+\n", "\n", output)

    def threads(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def wait_threads(self, number, timeout=5):
        wait_until(lambda: self.threads() <= number, timeout)
