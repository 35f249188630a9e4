# What the servers cost on a board with 32 bits: instructions, which QEMU counts, and memory.  The
# figures do not depend on the machine; on another firmware than that of Debian's sources they
# differ.  README.md tells what they mean.
#
#     make board && .venv/bin/python benchmarks/emulated.py        a Markdown table, 6 minutes
#
# tests/board/test_board_budget.py guards those in BUDGET.

import re
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from memory import precompiled
from programs import APPS, PEERS, ROOT
from speed import BROWSER

sys.path.insert(0, str(ROOT / "tests" / "board"))

import board  # noqa: E402

from harness import PACKAGES, wait_until  # noqa: E402
from mirror import to_sync  # noqa: E402

SERVERS = (*PACKAGES, "microdot")
COUNTED = "shift=3"  # an instruction takes 8 ns: 125 MHz, as an RP2040
PER_TICK = 5  # instructions in one of 25 ticks in a microsecond
BIG = "1000k"

# What was measured plus about 5 %, for the import 2 %.  The collector runs once more or less
# during the 100 events, and a stream's memory is a difference of two heaps: these get 15 and 25 %.
# A request of httpserver took 6 % and 96 bytes more when all of a connection came to be there
# before a handler is called: threads and the serving loop may look at it at once.
BUDGET = {
    "ahttpserver": {
        "instructions, minimal": 234_000,
        "instructions, browser's head": 258_000,
        "instructions, file of 10 kB": 1_330_000,
        "instructions, event": 76_000,
        "import": 20_350,
        "request": 1620,
        "request, browser's head": 2155,
        "silent connection": 530,
        "stream": 380,
    },
    "httpserver": {
        "instructions, minimal": 235_000,
        "instructions, browser's head": 269_000,
        "instructions, file of 10 kB": 1_060_000,
        "instructions, event": 76_000,
        "import": 20_240,
        "request": 1060,
        "request, browser's head": 1600,
        "silent connection": 235,
        "stream": 380,
    },
}


def contents(server, form, folder):
    """The files of a server, as "py" or "mpy": name on the board -> content."""
    sources = [PEERS / "microdot"] if server == "microdot" else [ROOT / server, ROOT / "url.py"]
    if form == "mpy":
        base = precompiled(sources, folder)
        paths = [*base.rglob("*.mpy")]
    else:
        base = sources[0].parent
        paths = [path for source in sources for path in (source, *source.glob("*.py"))]
    files = {str(p.relative_to(base)): p.read_bytes() for p in paths if p.is_file()}
    if server == "microdot":
        names = ("__init__", "microdot", "helpers", "sse")
        return {name: data for name, data in files.items() if Path(name).stem in names}
    runner = ROOT / "tests" / "apps" / f"run_{server}.py"
    files = {name: data for name, data in files.items() if name.startswith((server, "url"))}
    return {**files, runner.name: runner.read_bytes()}


def program(server, name):
    """The text of an application for the board."""
    if server == "microdot":
        return board.adapt((APPS / f"{name}_microdot.py").read_text())
    path = APPS / "board_server.py" if name == "board" else ROOT / "tests" / "apps" / "hello.py"
    text = path.read_text()
    return board.adapt(to_sync(text) if server == "httpserver" else text)


@contextmanager
def running(server, folder, **options):
    """The measured application on a new board."""
    with started(server, "py", folder, {}, pcbs=16, **options) as emulated:
        running = board.Program(emulated, program(server, "board"))
        try:
            wait_until(lambda: answered(running), 60, 0.1)
            yield running
        finally:
            running.kill()


@contextmanager
def started(server, form, folder, more, **options):
    """A board with the files of a server, and more."""
    target = folder / f"{server}-{form}"
    target.mkdir(exist_ok=True)
    files = {**contents(server, form, target), **more}
    ram = target / "ram"
    kind = f"{server}-{form}-{'main' if more else 'bench'}"
    ram.write_bytes(board.image(kind, files).read_bytes())
    emulated = board.Emulated(ram, **options)
    try:
        yield emulated
    finally:
        emulated.close()


def ask(running, target, fields=None):
    """The body of an answer."""
    lines = [f"GET {target} HTTP/1.1", "Host: 10.0.2.15"]
    lines += map(": ".join, (fields or {}).items())
    answer = running.exchange("\r\n".join(lines).encode() + b"\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b" 200 " in head[:15], answer
    return body


def answered(running):
    try:
        return ask(running, "/")
    except (OSError, AssertionError):
        return None


class Work:
    """The processor's work in ticks, without the work of waiting and of asking."""

    def __init__(self, running):
        self.running = running
        self.look()
        one, two = self.look(), self.look()
        with self.running.connect():  # most waiting is for the request of an open connection
            time.sleep(1)
            three = self.look()
        # asking + rate * idle time, from a short and from a long pause
        (work, idle), (more, longer) = passed(one, two), passed(two, three)
        self.rate = (more - work) / (longer - idle)
        self.asking = work - self.rate * idle

    def look(self):
        return [int(word) for word in ask(self.running, "/busy").split()]

    def of(self, function, number):
        """Instructions of one call of the function, by so many calls."""
        function()
        before = self.look()
        for _ in range(number):
            function()
        work, idle = passed(before, self.look())
        return round((work - self.asking - self.rate * idle) / number * PER_TICK)


def passed(before, after):
    """Ticks of work and of waiting between two looks."""
    work = after[0] - before[0]
    return work, after[1] - before[1] - work


def instructions(server, folder):
    """Thousands of instructions per request and per event."""
    with running(server, folder, icount=COUNTED) as served:
        work = Work(served)
        figures = {
            "minimal": work.of(lambda: ask(served, "/"), 100),
            "browser's head": work.of(lambda: ask(served, "/", BROWSER), 100),
            "file of 10 kB": work.of(lambda: ask(served, "/file"), 30),
        }
        burst = ask(served, "/burst")
    ticks = re.search(rb"event: busy\ndata: (\d+)", burst)[1]
    figures["event"] = int(ticks) * PER_TICK // 100
    return {f"instructions, {name}": figure for name, figure in figures.items()}


def import_ram(server, form, folder):
    modules = [server, server + ".sse"]
    code = board.adapt((APPS / "import_ram.py").read_text()).replace("'80'", repr(modules)[1:-1])
    with started(server, form, folder, {}) as emulated:
        return int(emulated.run(code))


def settled(running):
    """Heap in use after a collection; asked twice, as the first answer may be a new peak."""
    ask(running, "/collected")
    return int(ask(running, "/collected"))


def heap(server, folder):
    """Bytes of heap per request, with the collector off, per silent connection and stream."""
    figures = {}
    with running(server, folder, heap=BIG) as served:
        for fields in ({}, BROWSER):
            ask(served, "/", fields)
        ask(served, "/uncollected")
        for name, fields in (("request", {}), ("request, browser's head", BROWSER)):
            before, after = (int(ask(served, "/memory")) for _ in range(2))
            for _ in range(20):
                ask(served, "/", fields)
            grown = int(ask(served, "/memory")) - after - (after - before)
            figures[name] = grown // 20
    with running(server, folder, heap=BIG) as served:
        before = settled(served)
        silent = [served.connect() for _ in range(5)]
        time.sleep(0.3)
        figures["silent connection"] = (settled(served) - before) // 5
        for connection in silent:
            connection.close()
        time.sleep(2)
        before = settled(served)
        figures["stream"] = (with_streams(served, 5) - before) // 5
    return figures


def with_streams(running, number):
    streams = [running.connect() for _ in range(number)]
    for stream in streams:
        stream.sendall(b"GET /events HTTP/1.1\r\nHost: 10.0.2.15\r\n\r\n")
        while b"data: x" not in stream.recv(1000):
            pass
    time.sleep(0.3)
    held = settled(running)
    for stream in streams:
        stream.close()
    return held


def answers(server, form, folder, kilobytes):
    """Whether hello as main.py answers 50 requests with so much heap."""
    more = {"main.py": program(server, "hello").encode()}
    with started(server, form, folder, more, heap=f"{kilobytes}k") as emulated:
        client = board.Client(emulated)
        end = time.monotonic() + 8
        while not answered(client):
            if time.monotonic() > end:
                return False
        return all(answered(client) == b"hello" for _ in range(50))


def smallest_heap(server, form, folder):
    low, high = 12, 160
    while low + 1 < high:
        middle = (low + high) // 2
        if answers(server, form, folder, middle):
            high = middle
        else:
            low = middle
    return high


def guarded(server, folder):
    """What a budget can name."""
    return {
        **instructions(server, folder),
        "import": import_ram(server, "py", folder),
        **heap(server, folder),
    }


def measure(server, folder):
    figures = guarded(server, folder)
    figures["import, .mpy"] = import_ram(server, "mpy", folder)
    for form in ("py", "mpy"):
        figures[f"smallest heap, .{form}, kB"] = smallest_heap(server, form, folder)
    return figures


def main():
    chosen = sys.argv[1:] or SERVERS
    with tempfile.TemporaryDirectory() as folder:
        figures = [measure(server, Path(folder)) for server in chosen]
    print("| 32 bits |", " | ".join(chosen), "|")
    print("|---" * (len(chosen) + 1) + "|")
    for name in figures[0]:
        print(f"| {name} |", " | ".join(str(each[name]) for each in figures), "|")


if __name__ == "__main__":
    main()
