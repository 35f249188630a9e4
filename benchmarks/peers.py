# What others that PyPI has take: bytes of the .mpy files, and heap of importing what a page and,
# where they have it, an event stream need.  docs/comparison.md says more about them.

from pathlib import Path

from memory import compile_to, import_ram
from programs import PEERS

# name: (modules to import, files that these are, below .venv/peers)
OTHERS = {
    "microdot, with sse": (
        ["microdot", "microdot.sse"],
        ["microdot/__init__.py", "microdot/helpers.py", "microdot/microdot.py", "microdot/sse.py"],
    ),
    "uhttp-server": (["uhttp.server"], ["uhttp/server.py"]),
    "chumicro-http-server, with sockets": (
        [  # some of which it would load with the first request only
            "chumicro_http_server.server",
            "chumicro_http_server._wire",
            "chumicro_sockets._connector",
            "chumicro_sockets._adapters.mp",
            "chumicro_timing.ticks",
        ],
        [
            "chumicro_http_server/__init__.py",
            "chumicro_http_server/_wire.py",
            "chumicro_http_server/server.py",
            "chumicro_sockets/__init__.py",
            "chumicro_sockets/_connector.py",
            "chumicro_sockets/_adapters/__init__.py",
            "chumicro_sockets/_adapters/mp.py",
            "chumicro_timing/__init__.py",
            "chumicro_timing/ticks.py",
        ],
    ),
    "micropython-uaioweb": (["uaioweb"], ["uaioweb/__init__.py"]),
}


def version(name):
    """The version that is installed in .venv/peers."""
    stem = name.split(",")[0].replace("-", "_")
    [path] = PEERS.glob(f"{stem}-*.dist-info")
    return path.name.split("-")[1].removesuffix(".dist")


def measure(name, folder):
    modules, files = OTHERS[name]
    sizes = [
        compile_to(PEERS / file, folder / "peers-mpy" / Path(file).with_suffix(".mpy"), file)
        for file in files
    ]
    return {"version": version(name), ".mpy": sum(sizes), "import": import_ram(modules)}


def table(figures):
    """A row for each; figures[name][name] is a list with one result."""
    lines = ["| | .mpy, bytes | heap of importing it, bytes |", "|---|---|---|"]
    for name, results in figures.items():
        [result] = results[name]
        if result:
            title = name.replace(",", f" {result['version']},", 1)
            if title == name:
                title += " " + result["version"]
            lines.append(f"| {title} | {result['.mpy']} | {result['import']} |")
    return "\n".join(lines)
