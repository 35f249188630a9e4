# The same package as .py files, .mpy files, in an image for ROMFS, and frozen into the firmware:
# what its import leaves on the heap, how long it takes, and the smallest heap a server lives in.
#
# Frozen needs an interpreter that has the package inside: `make frozen` builds one.

import subprocess
import sys

from memory import least_heap, precompiled
from programs import APPS, ROOT

from harness import MICROPYTHON, PACKAGES, translate

FORMS = ("py", "mpy", "romfs", "frozen")
TIMES = 15  # an import is short, and the processor somebody else's, too: others only add time


def frozen_interpreter(package):
    """The newest interpreter that `make frozen` has built, or None."""
    found = (ROOT / "build" / "unix").glob(f"*/micropython-{package}")
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def image_of(package, folder):
    """An image with the package's .mpy files."""
    place = folder / "rom" / package
    precompiled([ROOT / package, ROOT / "url.py"], place).rename(place / "lib")
    image = folder / f"{package}.romfs"
    # What it would print is a list of the files; mpremote is a module of the same environment.
    command = [sys.executable, "-m", "mpremote", "romfs", "--output", image, "build"]
    subprocess.run([*command, place], check=True, stdout=subprocess.DEVNULL)
    return image


def importing(micropython, image, path, package):
    """(heap in bytes, time in us) of an import; the time is the shortest of several."""
    command = [micropython, "-X", "heapsize=1m", APPS / "import_form.py", image, path, package]
    results = []
    for _ in range(TIMES):
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
        results.append(tuple(map(int, done.stdout.split())))
    return results[0][0], min(time for _, time in results)


def measure(package, form, folder):
    """The figures of one form; None where there is no interpreter for it."""
    micropython = MICROPYTHON
    image, path = "-", "-"
    if form == "frozen":
        micropython = frozen_interpreter(package)
        if micropython is None:
            return None
    elif form == "romfs":
        image = image_of(package, folder)
    elif form == "mpy":
        path = precompiled([ROOT / package, ROOT / "url.py"], folder / "form")
    else:
        path = "."  # relative: the names of the files are in the heap, too
    heap, time = importing(micropython, image, path, package)
    target = folder / ("hello-" + package)
    target.mkdir(exist_ok=True)
    program = translate("hello", package, target)
    if form == "romfs":
        least = least_heap(APPS / "in_rom.py", folder, image, program)
        least -= image.stat().st_size // 1024  # it is flash on a board
    else:
        least = least_heap(
            program, folder, path=() if path in ("-", ".") else (path,), micropython=micropython
        )
    return {"import": heap, "import ms": time / 1000, "smallest heap": least}


def table(figures):
    """A row for each package and form; figures[form][package] is a list with one result."""
    lines = [
        "| | heap of importing it, bytes | time to import, ms | smallest heap, kB |",
        "|---|---|---|---|",
    ]
    for package in PACKAGES:
        for form in FORMS:
            [result] = figures.get(form, {}).get(package, [None])
            cells = ["-"] * 3
            if result:
                cells = [result["import"], f"{result['import ms']:.1f}", result["smallest heap"]]
            lines.append(f"| {package}, {form} | " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)
