# Tests a real board, and writes what came of it to board-report.md, to be pasted into an issue.
#
#     make test-board BOARD=/dev/ttyUSB0 [HOST=192.168.1.7[:80]]
#
# The board must be in this network: its boot.py connects it, or HOST names it.  mpremote copies
# the packages to it, and what the tests need; the latter is removed again.

import os
import platform
import re
import sys
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from mpremote.transport import TransportError

sys.path.insert(0, str(Path(__file__).parent))

import board  # noqa: E402
import test_board_files as files  # noqa: E402
import test_board_load as load  # noqa: E402
import test_board_streams as streams  # noqa: E402

from cases import CASES  # noqa: E402
from eventstreams import state  # noqa: E402
from harness import PACKAGES, ROOT  # noqa: E402
from test_http import check, seen  # noqa: E402

REPORT = ROOT / "board-report.md"
REQUESTS = 200
EXPECTED = re.compile("ZeroDivisionError|ValueError|KeyboardInterrupt")  # and nothing else
FACTS = """
import gc, os, sys
gc.collect()
print(os.uname().machine)
print(sys.platform, "MicroPython", os.uname().release, os.uname().version)
print(gc.mem_free(), "bytes of heap are free")
for name in ("lwip", "_thread", "ssl", "bluetooth"):
    try:
        __import__(name)
        print("has", name)
    except ImportError:
        print("has no", name)
"""
ADDRESS = """
import network
for name in ("WLAN", "LAN"):
    try:
        interface = getattr(network, name)(*[0][: name == "WLAN"])
        if interface.isconnected():
            print(interface.ifconfig()[0])
            break
    except Exception:
        pass
"""
CLEAN = """
import os
for name in ("data.txt", "own.txt"):
    if name in os.listdir():
        os.remove(name)
for name in os.listdir():
    if name.startswith("run_") and name.endswith("httpserver.py"):
        os.remove(name)
if "www" in os.listdir():
    for name in os.listdir("www"):
        os.remove("www/" + name)
    os.rmdir("www")
"""


class Report:
    """What is tried, and how it ends; the last line of each part says how many passed."""

    def __init__(self):
        self.lines, self.failures, self.passed, self.failed = [], [], 0, 0

    def say(self, line):
        self.lines.append(line)
        print(line, flush=True)

    def attempt(self, name, function, *arguments):
        """Tries something, once more after a while if the board could not be reached."""
        for again in (True, False):
            try:
                function(*arguments)
                self.passed += 1
                return
            except OSError as problem:  # all connections of a Pico W are taken for 10 s
                failure = repr(problem)
                if again:
                    time.sleep(11)
            except (AssertionError, TransportError) as problem:
                failure = repr(problem)
                break
        self.failed += 1
        self.failures.append(f"- {name}: `{failure[:600]}`")
        print(self.failures[-1], flush=True)

    def part(self, title):
        self.say(f"| {title} | {self.passed} | {self.failed} |")
        self.passed = self.failed = 0

    def write(self):
        text = [*self.lines, "", "## Failures", "", *(self.failures or ["None."]), ""]
        REPORT.write_text("\n".join(text))
        print(f"written: {REPORT}")


def table(report, program):
    def case_passes(case):
        seen(program)
        check(program, case, "whole")

    for case in CASES:
        report.attempt(f"{case.name}, sent `{case.send[:200]!r}`", case_passes, case)


def life(report, program):
    """What the tests of the emulated board do, as far as a real one can."""
    report.attempt("an upload breaks off", files.test_an_upload_that_breaks_off, program)
    report.attempt("static files", files.test_static_files, program)
    report.attempt("files up and down", files.test_up_and_down, program)
    report.attempt("files on one connection", files.test_one_connection_for_all, program)
    for target in ("/tick", "/events"):
        for how in ("FIN", "RST"):
            name = f"a stream's client leaves: {target}, {how}"
            report.attempt(name, streams.test_who_leaves_is_noticed, program, target, how)
    report.attempt("two listeners", streams.test_all_listeners_get_the_same, program)
    begin, heap = time.monotonic(), state(program)["heap"]
    report.attempt(f"{2 * REQUESTS} requests", load.ask, program, REQUESTS)
    seconds, grown = time.monotonic() - begin, state(program)["heap"] - heap
    report.say(f"| {2 * REQUESTS} requests: {seconds:.1f} s, heap {grown:+} bytes | | |")


def try_package(report, target, package, folder):
    for name, part in (("http_app", table), ("board_app", life)):
        try:
            program = board.Program(target, board.application(name, package, folder))
        except TransportError as problem:
            report.failures.append(f"- {package}: {name} does not start: {problem}")
            continue
        try:
            program.wait_listening(30)
            part(report, program)
        except AssertionError as problem:
            report.failures.append(f"- {package}, {name}: {problem}")
        finally:
            program.kill()
        report.part(f"{package}: {part.__name__}")
        if unexpected := {line for line in program.tracebacks if not EXPECTED.match(line)}:
            report.failures.append(f"- {package}, {name}: tracebacks `{sorted(unexpected)}`")


def copy(target, package, folder):
    for name, content in board.files(package).items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    target.mpremote("cp", "-r", *sorted(os.listdir(folder)), ":", cwd=folder, timeout=600)


def main():
    tty = sys.argv[1]
    host, _, port = (sys.argv[2] if len(sys.argv) > 2 else "").partition(":")
    target = board.Board(os.path.realpath(tty), port=int(port or 80))
    report = Report()
    report.say("# Board report\n")
    report.say("\n".join(f"- {line}" for line in target.run(FACTS).splitlines()))
    target.host = host or target.run(ADDRESS, timeout=60).strip()
    if not target.host:
        sys.exit("The board has no address: connect it in its boot.py, or name it with HOST=")
    report.say(f"- tested from {platform.platform()}\n")
    report.say("| | passed | failed |\n|---|---|---|")
    try:
        for package in PACKAGES:
            with TemporaryDirectory() as folder, TemporaryDirectory() as apps:
                target.run(CLEAN)
                copy(target, package, Path(folder))
                try_package(report, target, package, Path(apps))
    finally:
        with suppress(TransportError, AssertionError):
            target.run(CLEAN)
        report.write()
    sys.exit(bool(report.failures))


if __name__ == "__main__":
    main()
