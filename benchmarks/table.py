# The Markdown table of a run: a row for each figure, a column for each server.

import statistics

from programs import SERVERS
from speed import UNDISTURBED, WORKLOADS

NONE = "-"
CORNER = "requests per second of processor time (share of the limit)"


def pair(figures, *names):
    return " / ".join(str(figures[name]) for name in names)


MEMORY = {
    ".mpy of the core, bytes": lambda f: f["sizes"]["core"],
    ".mpy of the optional modules": lambda f: " ".join(
        f"{name} {size}" for name, size in f["sizes"].items() if name != "core"
    ),
    "heap of importing it, bytes": lambda f: f["import"],
    "heap per request: minimal / browser's head": lambda f: pair(
        f, "request", "request, browser head"
    ),
    "heap per silent connection / event stream": lambda f: pair(f, "idle connection", "stream"),
    "smallest heap, kB: from .py / .mpy": lambda f: pair(f["smallest heap"], "py", "mpy"),
}


def limit_of(server, workload):
    """The limit server this one is compared with."""
    if server in ("ahttpserver", "microdot"):
        return "limit asyncio"
    if server == "httpserver":
        return "limit poll" if workload.kept else "limit sockets"
    return None


def speed_cell(speed, name, server):
    """Requests per second of the server's processor time; in brackets the share of the limit."""
    results = speed[name].get(server)
    if not results or None in results:
        return "failed" if results else NONE
    text = f"{median(results):.0f}"
    workload = WORKLOADS[name]
    reference = "GET" if workload.name == "parameters to JSON" else name
    limits = speed.get(reference, {}).get(limit_of(server, workload), [])
    if limits and None not in limits:
        text += f" ({median(results) / median(limits):.2f})"
    return text


def median(results):
    """Requests per second of processor time, from the rounds in which nobody else was at work."""
    best = [result for result in results if result["load cpu"] > UNDISTURBED] or results
    return statistics.median(result["per cpu second"] for result in best)


def stream_cell(results):
    if not results or None in results:
        return "failed" if results else NONE
    result = results[0]
    return f"{result['lost']} / {result['jitter p99 ms']:.1f} / {result['us per event']:.0f}"


def latency_cell(results, what):
    if not results or None in results:
        return "failed" if results else NONE
    p50, p99 = (
        statistics.median(result[what][key] for result in results) for key in ("p50", "p99")
    )
    return f"{p50:.2f} / {p99:.2f}"


def memory_cell(results, figure):
    if not results or None in results:
        return "failed" if results else NONE
    try:
        return figure(results[0])
    except KeyError:
        return NONE


def rows(figures):
    """(title, cell of each server)"""
    speed = figures.get("speed", {})
    for name in speed:
        yield name, [speed_cell(speed, name, server) for server in SERVERS]
    for name, results in figures.get("streams", {}).items():
        title = name + ": lost / jitter p99 ms / us per event"
        yield title, [stream_cell(results.get(server)) for server in SERVERS]
    latency = figures.get("latency", {}).get("GET", {})
    for what, beside in (
        ("alone", ""),
        ("silent", " beside 8 silent connections"),
        ("download", " beside a download of 1 MB"),
    ):
        if latency:
            cells = [latency_cell(latency.get(server), what) for server in SERVERS]
            yield f"GET{beside}: p50 / p99 ms", cells
    memory = figures.get("memory", {}).get("all", {})
    for title, figure in MEMORY.items():
        if memory:
            yield title, [memory_cell(memory.get(server), figure) for server in SERVERS]


def table(figures):
    lines = [f"| {CORNER} | " + " | ".join(SERVERS) + " |", "|---" * (len(SERVERS) + 1) + "|"]
    for title, cells in rows(figures):
        lines.append(f"| {title} | " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)
