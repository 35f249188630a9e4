# The fixtures of the tests on a board.
#
# `start` is that of the other tests, with a board instead of a process:
#
#     program = start("board_app", heap="192k", tap=True)      a board.Program
#
# It takes what board.Emulated takes; tap=True puts a network of the test's own before the board.
# The environment: BOARD=all runs all tests (make test-board), otherwise they are those that CI has
# time for; REQUIRE_QEMU=1 fails instead of skipping.

import fcntl
import os
import shutil
import subprocess
from contextlib import ExitStack, closing
from pathlib import Path

import board
import pytest
import tap

from harness import ROOT

HERE = Path(__file__).parent
REQUIRED = os.environ.get("REQUIRE_QEMU") == "1"
COMPILER = "arm-none-eabi-gcc"


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent == HERE and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(300))  # building the firmware is in it


def missing(reason):
    pytest.fail(reason) if REQUIRED else pytest.skip(reason)


@pytest.fixture(scope="session")
def firmware():
    """Builds the firmware, or brings it up to date."""
    for program in (board.QEMU, COMPILER):
        if not shutil.which(program):
            missing(f"{program} is not installed")
    folder = ROOT / "build" / "board"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = subprocess.run(["make", "board"], cwd=ROOT, capture_output=True, text=True)
    if made.returncode:
        missing(f"the board's firmware cannot be built: {made.stderr[-500:]}")


@pytest.fixture
def network():
    """network() makes a network of the test's own, a tap.Network."""
    with ExitStack() as stack:

        def network():
            try:
                made = tap.Network()
            except OSError as problem:
                pytest.skip(f"no tap device can be made here: {problem}")
            return stack.enter_context(closing(made))

        yield network


@pytest.fixture
def start(firmware, package, network, tmp_path):
    """start(name, *args, tap=False, **options) runs tests/apps/name.py on a new board."""
    with ExitStack() as stack:

        def start(name, *args, tap=False, **options):
            folder = tmp_path / str(len(list(tmp_path.iterdir())))
            folder.mkdir()
            net = network() if tap else None
            return stack.enter_context(
                board.running(name, package, folder, *args, net=net, **options)
            )

        yield start
