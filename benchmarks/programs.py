# The servers that are compared, how each is started, and what they cost the processor.

import os
import shutil
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT / "tests"))

from harness import MICROPYTHON, PACKAGES, Process  # noqa: E402
from mirror import to_sync  # noqa: E402

APPS = HERE / "apps"
PEERS = Path(sys.prefix) / "peers"
LIMITS = ("limit asyncio", "limit sockets", "limit poll")
SERVERS = ("limit asyncio", "ahttpserver", "microdot", "limit sockets", "limit poll", "httpserver")

CPUS = sorted(os.sched_getaffinity(0))
SERVER_CPU, LOAD_CPU = CPUS[0], CPUS[-1]


def available(server):
    """None, or why this server cannot be measured."""
    if server in PACKAGES and not (ROOT / server / "server.py").exists():
        return "not written yet"
    if server == "microdot" and not (PEERS / "microdot").is_dir():
        return "not installed in .venv/peers"
    return None


def prepare(folder):
    """put what the programs need into their working folder: files to send, the translation."""
    (folder / "100k.bin").write_bytes(bytes(range(256)) * 400)
    (folder / "1m.bin").write_bytes(bytes(range(256)) * 4096)
    (folder / "server.py").write_text(to_sync((APPS / "server.py").read_text()))
    if (PEERS / "microdot").is_dir():
        shutil.copytree(PEERS / "microdot", folder / "peers" / "microdot", dirs_exist_ok=True)


def start(server, folder, variant="close", heap="256k"):
    """start a server on its own processor; returns when it listens."""
    program, arguments = APPS / "server.py", ()
    if server in LIMITS:
        program, arguments = APPS / "limit.py", (server.split()[1], variant)
    elif server == "microdot":
        program = APPS / "peer_microdot.py"
    elif server == "httpserver":
        program = folder / "server.py"
    return launch(program, folder, *arguments, heap=heap)


def launch(program, folder, *arguments, heap, path=(), micropython=MICROPYTHON):
    path = (*path, APPS, folder / "peers")
    process = Process(
        program, folder, *arguments, heap=heap, path=path, micropython=micropython
    )
    os.sched_setaffinity(process.pid, {SERVER_CPU})
    try:
        process.wait_listening()
    except BaseException:
        process.kill()
        raise
    return process


def cpu_seconds(pid):
    """processor time of all threads of a process; /proc/PID/stat has it too, in 10 ms steps"""
    return time.clock_gettime((~pid << 3) | 2)  # what clock_getcpuclockid(3) returns
