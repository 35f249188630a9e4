# The rooms of the packages stand one above the other: each file imports only what is below it, and
# nowhere is a circle.  So the files can be read one after the other, and who knows a room knows
# all that it rests on.  The reading order is in each __init__.py; docs/http.md tells it.

import ast
from graphlib import CycleError, TopologicalSorter

import pytest

from harness import PACKAGES, ROOT

# From the ground up.  picow.py changes the rooms below it, on boards that need it.
FLOORS = "url loop response body connection crowd server picow __init__".split()
# What stands beside them is imported by who wants it.  The server does so for these, when a
# program first needs them: what happens before the first request, routes with <names>, and what
# the package offers under its own name.
LATER = {
    ("server", "setup"),
    ("loop", "listener"),
    ("setup", "patterns"),
    ("__init__", "files"),
    ("__init__", "receivefile"),
}


def imports(path, node=None):
    """The rooms that a file imports, anywhere in it or in this node of it."""
    found = set()
    for part in ast.walk(node or ast.parse(path.read_text())):
        if isinstance(part, ast.Import):
            found |= {name.name for name in part.names}
        elif isinstance(part, ast.ImportFrom) and (part.level == 0 or part.module):
            found.add(part.module)
        elif isinstance(part, ast.ImportFrom):  # from . import name: a room or a name of __init__
            names = {name.name for name in part.names}
            rooms = {name for name in names if path.with_name(name + ".py").exists()}
            found |= rooms | ({"__init__"} if names - rooms else set())
    return found & rooms_of(path.parent)


def rooms_of(folder):
    return {"url", *(path.stem for path in folder.glob("*.py"))}


@pytest.fixture(params=PACKAGES)
def rooms(request):
    """{room: the rooms that it imports} of a package and url.py."""
    paths = [ROOT / "url.py", *(ROOT / request.param).glob("*.py")]
    return {path.stem: imports(path) for path in paths}


def test_imports_are_seen(rooms):
    assert rooms["url"] == set()
    assert {"url", "loop", "response", "body"} <= rooms["connection"]  # from . import, from .loop
    assert ("setup", "patterns") in {(room, other) for room in rooms for other in rooms[room]}
    assert "__init__" in rooms["static"]


def test_no_circle(rooms):
    try:
        TopologicalSorter(rooms).prepare()
    except CycleError as error:
        pytest.fail("a circle: " + " <- ".join(error.args[1]))


def test_nothing_is_imported_from_above(rooms):
    for floor, room in enumerate(FLOORS):
        above = rooms[room] - set(FLOORS[:floor])
        assert {(room, other) for other in above} <= LATER
    below = FLOORS[: FLOORS.index("picow")]
    assert {("setup", other) for other in rooms["setup"] - set(below)} <= LATER


@pytest.mark.parametrize("package", PACKAGES)
def test_optional_rooms_are_imported_later(package):
    """Who does not use them does not pay for them: no import of them runs with the package."""
    for room in FLOORS[1:]:
        path = ROOT / package / (room + ".py")
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                assert imports(path, node) <= set(FLOORS), f"{room}, line {node.lineno}"
