# Measures both packages, what the interpreter can do at best, and a peer: prints one Markdown
# table and writes all figures as JSON. README.md tells what they mean. `make bench`, or:
#
#     .venv/bin/python benchmarks/run.py [--only speed,streams,latency,memory,forms,peers]
#                                        [--server NAME,...]
#                                        [--workload NAME;...] [--rounds 5] [--seconds 0.7]

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import forms
import memory
import peers
import speed
import streams
from programs import CPUS, LIMITS, LOAD_CPU, ROOT, SERVERS, available, prepare
from speed import WORKLOADS
from table import table

from harness import PACKAGES

PARTS = ("speed", "streams", "latency", "memory", "forms", "peers")
STREAMS = {
    f"{number} streams, {kind}": (path, number)
    for kind, path in (("a sender each", "/events"), ("one Broadcast", "/broadcast"))
    for number in (20, 100)
}


def options():
    def names(allowed, separator=","):
        def split(text):
            chosen = text.split(separator)
            if not set(chosen) <= set(allowed):
                raise argparse.ArgumentTypeError(f"choose from: {', '.join(allowed)}")
            return chosen

        return split

    parser = argparse.ArgumentParser(description="Benchmark the two servers.")
    parser.add_argument("--only", type=names(PARTS), default=PARTS)
    parser.add_argument("--server", type=names(SERVERS), default=SERVERS)
    parser.add_argument("--workload", type=names(WORKLOADS, ";"), default=list(WORKLOADS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.7, help="of one measurement")
    parser.add_argument("--json", type=Path, default=ROOT / "build" / "benchmark.json")
    return parser.parse_args()


def has_broadcast(server):
    return (ROOT / server / "broadcast.py").exists()


def progress(text):
    """Show what is being measured, where somebody watches."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


class Run:
    """All measurements: .figures[part][name][server] is a list with one result per round."""

    def __init__(self, chosen, folder):
        self.chosen, self.folder = chosen, folder
        self.figures = {}
        self.failures = []

    def record(self, part, name, server, measure, *arguments):
        progress(f"{part}: {name}: {server}")
        try:
            result = measure(server, *arguments)
        except Exception as failure:
            self.failures.append(f"{part}: {name}: {server}: {failure!r}")
            result = None
        results = self.figures.setdefault(part, {}).setdefault(name, {})
        results.setdefault(server, []).append(result)

    def servers(self, without=()):
        return [name for name in self.chosen.server if name not in without]

    def speed(self):
        for _ in range(self.chosen.rounds):
            for name in self.chosen.workload:
                workload = WORKLOADS[name]
                for server in self.servers(workload.without):
                    arguments = workload, self.folder, self.chosen.seconds
                    self.record("speed", name, server, speed.measure, *arguments)

    def streams(self):
        for name, (path, number) in STREAMS.items():
            without = LIMITS
            if path == "/broadcast":
                without = [name for name in SERVERS if not has_broadcast(name)]
            for server in self.servers(without):
                arguments = path, number, self.folder, 3
                self.record("streams", name, server, streams.measure_streams, *arguments)

    def latency(self):
        for _ in range(min(3, self.chosen.rounds)):
            for server in self.servers(LIMITS):
                arguments = self.folder, self.chosen.seconds
                self.record("latency", "GET", server, streams.measure_beside, *arguments)

    def memory(self):
        for server in self.servers(LIMITS):
            self.record("memory", "all", server, memory.measure, self.folder)

    def forms(self):
        for package in self.servers([name for name in SERVERS if name not in PACKAGES]):
            for form in forms.FORMS:
                self.record("forms", form, package, forms.measure, form, self.folder)

    def peers(self):
        for name in peers.OTHERS:
            self.record("peers", name, name, peers.measure, self.folder)


def main():
    chosen = options()
    os.sched_setaffinity(0, {LOAD_CPU})
    if len(CPUS) < 2:
        print("One processor only: server and load share it.", file=sys.stderr)
    for server in chosen.server:
        if why := available(server):
            print(f"Without {server}: {why}.", file=sys.stderr)
    chosen.server = [server for server in chosen.server if not available(server)]
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        run = Run(chosen, Path(folder))
        for part in chosen.only:
            getattr(run, part)()
    progress("")
    report = {"figures": run.figures, "failures": run.failures}
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    chosen.json.write_text(json.dumps(report, indent=1))
    print(table(run.figures))
    for part in (forms, peers):
        if part.__name__ in run.figures:
            print("", part.table(run.figures[part.__name__]), sep="\n")
    print(*run.failures, f"{time.monotonic() - begin:.0f} s", sep="\n", file=sys.stderr)
    return 1 if run.failures else 0


if __name__ == "__main__":
    sys.exit(main())
