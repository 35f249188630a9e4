# Requests per second of the server's processor time: one cell of the table at a time.

import json
import subprocess
import sys
from dataclasses import dataclass

from programs import HERE, LIMITS, cpu_seconds, start

BROWSER = {
    "Connection": "keep-alive",
    "Cache-Control": "max-age=0",
    "Upgrade-Insecure-Requests": "1",
    "User-Agent": "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Mobile Safari/537.36",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;"
    "q=0.8",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Accept-Encoding": "gzip, deflate, br",
    "Accept-Language": "en-US,en;q=0.9",
    "Cookie": "theme=dark; lang=en; session=0123456789abcdef0123456789abcdef0123",
}
# What the same browser sends for the script of a page.
SCRIPT = {
    **BROWSER,
    "Accept": "*/*",
    "Sec-Fetch-Mode": "no-cors",
    "Sec-Fetch-Dest": "script",
    "Referer": "http://192.168.1.7/",
}
QUERY = "name=kitchen+lamp&level=50%25&colour=warm%20white"
UNDISTURBED = 0.97  # share of its processor that the load had: nobody else was at work
repeats = [None] * 20  # in all: a busy machine must not make it endless
CONNECTIONS = 5  # at a time: as many as asyncio.start_server lets wait


@dataclass
class Workload:
    """What is asked, which limit server it is compared with, and who cannot do it."""

    name: str
    path: str
    fields: dict
    limit: str  # variant of the limit servers
    body: bytes = b""
    without: tuple = ()
    others: tuple = ()  # fields of requests that are sent in turn with this one

    @property
    def kept(self):
        return self.limit == "keep"

    def requests(self):
        """The bytes of the requests, for load.py."""
        return b"\0".join(map(self.request, (self.fields, *self.others)))

    def request(self, fields):
        method = "POST" if self.body else "GET"
        fields = {"Host": "127.0.0.1", **fields}
        if self.body:
            fields["Content-Length"] = str(len(self.body))
        lines = [f"{method} {self.path} HTTP/1.1", *map(": ".join, fields.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("GET", "/", {}, "close"),
        Workload("GET, browser's head", "/", BROWSER, "close"),
        Workload("GET, two heads of a browser in turn", "/", BROWSER, "close", others=(SCRIPT,)),
        Workload("GET, kept alive", "/kept", {}, "keep", without=("limit sockets", "microdot")),
        Workload("GET, browser's head, kept alive", "/kept", BROWSER, "keep",
                 without=("limit sockets", "microdot")),
        Workload("parameters to JSON", "/parameters?" + QUERY, {}, "close", without=LIMITS),
        Workload("POST 1 kB, echoed", "/echo", {}, "echo", b"x" * 1024, ("limit poll",)),
        Workload("file of 100 kB", "/file", {}, "file", without=("limit poll",)),
    )
}  # fmt: skip


def measure(server, workload, folder, seconds):
    """One run, or the better of two: others on the machine take time from the spinning load."""
    result = run(server, workload, folder, seconds)
    if result["load cpu"] < UNDISTURBED and repeats:
        repeats.pop()
        again = run(server, workload, folder, seconds)
        result = max(result, again, key=lambda result: result["load cpu"])
    return result


def run(server, workload, folder, seconds):
    """One run against a fresh server."""
    process = start(server, folder, workload.limit)
    try:
        used = cpu_seconds(process.pid)
        result = load(process.port, seconds, workload)
        used = cpu_seconds(process.pid) - used
    finally:
        process.kill()
    if result["errors"]:
        raise RuntimeError(f"{server}, {workload.name}: {result}\n{process.output[-2000:]}")
    result["per cpu second"] = result["requests"] / used
    result["per second"] = result["requests"] / result["seconds"]
    result["server cpu"] = used / result["seconds"]
    return result


def load(port, seconds, workload):
    """Runs load.py; fails when it hangs."""
    kind = "keep" if workload.kept else "close"
    done = subprocess.run(
        load_command(port, seconds, CONNECTIONS, kind),
        input=workload.requests(),
        stdout=subprocess.PIPE,
        timeout=seconds + 10,
        check=True,
    )
    return json.loads(done.stdout)


def load_command(port, seconds, connections, kind):
    return [sys.executable, HERE / "load.py", *map(str, (port, seconds, connections)), kind]
