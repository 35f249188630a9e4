# `diff -u httpserver ahttpserver` is the lesson of this project, so the packages may differ only
# where they have to: in loop.py, and elsewhere in the words of the mirror's table.

import difflib

import pytest

from harness import ROOT
from mirror import to_sync

OWN = {"loop.py"}
NAMES = sorted({path.name for path in ROOT.glob("*httpserver/*.py")})


@pytest.mark.parametrize("name", NAMES)
def test_present_in_both(name):
    assert (ROOT / "ahttpserver" / name).exists()
    assert (ROOT / "httpserver" / name).exists()


@pytest.mark.parametrize("name", [name for name in NAMES if name not in OWN])
def test_equal_after_substitution(name):
    expected = to_sync((ROOT / "ahttpserver" / name).read_bytes().decode())
    found = (ROOT / "httpserver" / name).read_bytes().decode()
    if found == expected:
        return
    difference = difflib.unified_diff(
        expected.splitlines(True),
        found.splitlines(True),
        "translated ahttpserver/" + name,
        "httpserver/" + name,
    )
    pytest.fail("".join(difference), pytrace=False)


def test_substitutions():
    text = "async def get(reader):\n    async with lock:\n        await ahttpserver.get()\n"
    assert to_sync(text) == "def get(reader):\n    with lock:\n        httpserver.get()\n"
