# The stubs in typings/ say what the code is: every public name, argument and default, in both
# directions; and type checkers find no fault in the programs of the README with them.
#
# mypy's stubtest would have to import the modules, which only MicroPython can.

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness import MICROPYTHON, ROOT
from mirror import to_sync
from signatures import FUNCTION, definitions, public
from test_recipes import PYTHON, programs

TYPINGS = ROOT / "typings"
VENV = Path(sys.prefix)
PYRIGHT = VENV / "pyright"
OWN = {"server.pyi"}  # written twice, as what it describes
# Names of what a program gets, in stubs only.
KINDS = {"Handler", "Reader"}
# A stream is a connection, and has what sse.py adds to it.
SAME = {"_EventSource": "Connection"}


def stub(package, module):
    return TYPINGS / package / f"{module}.pyi"


@pytest.mark.parametrize("name", sorted(path.name for path in TYPINGS.glob("*httpserver/*")))
def test_mirror(name):
    ours, theirs = TYPINGS / "ahttpserver" / name, TYPINGS / "httpserver" / name
    if name in OWN:
        assert ours.exists() and theirs.exists()
    else:
        assert to_sync(ours.read_text()) == theirs.read_text()


# What the code defines


def sources(package):
    return sorted((ROOT / package).glob("*.py"))


def imported(path):
    """The (module, name) pairs that a file imports from beside it or from url.py, anywhere."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.level or node.module == "url"):
            for alias in node.names:
                yield node.module or alias.name, alias.name if node.module else None


def core(package):
    """The modules that `import package` brings, now or later."""
    reached, new = set(), {"__init__"}
    while new:
        name = new.pop()
        reached.add(name)
        path = ROOT / package / f"{name}.py"
        new |= {module for module, _ in imported(path) if module != "url"} - reached
    return reached


def optional(package):
    """The modules that programs import by name."""
    return {path.stem for path in sources(package)} - core(package)


def exported(package):
    """The names that a program can import from the package itself."""
    tree = ast.parse((ROOT / package / "__init__.py").read_text())
    names = {name for _, name in imported(ROOT / package / "__init__.py")}
    for node in tree.body:  # what is loaded when it is first named
        if getattr(node, "name", "") == "__getattr__":
            constants = [c.value for c in ast.walk(node) if isinstance(c, ast.Constant)]
            names |= {name for name in constants if str(name) in definitions(*sources(package))}
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets}
        elif isinstance(node, ast.Delete):
            names -= {target.id for target in node.targets}
    return {name for name in names if name and public(name)}


# Both directions


def stated(package):
    """What the stubs of a package define, imported names aside."""
    return definitions(*sorted((TYPINGS / package).glob("*.pyi")))


def differences(stubs, code):
    for name, wanted in stubs.items():
        if name in KINDS:
            continue
        found = code.get(SAME.get(name, name))
        if isinstance(wanted, str) or not isinstance(found, dict):
            if wanted != found:
                yield f"{name}({wanted}) in the stub, {name}({found}) in the code"
        else:
            for method, given in wanted.items():
                if found.get(method) != given:
                    yield f"{name}.{method}({given}) in the stub, {found.get(method)} in the code"


def test_the_stubs_say_what_the_code_is(package):
    """Functions, methods, their arguments and defaults."""
    code = definitions(*sources(package))
    assert list(differences(stated(package), code)) == []
    url = definitions(TYPINGS / "url.pyi")
    assert list(differences(url, definitions(ROOT / "url.py"))) == []


def test_differences_are_found(tmp_path):
    (tmp_path / "loop.py").write_text("def close(self, good=True): pass")
    (tmp_path / "code.py").write_text("""
class Base:
    def get(self, name, n=-1, _private=None): pass
class Server(Base):
    close = loop.close
    def __init__(self, port=80): pass
def send(data, id=None): pass
""")
    (tmp_path / "stub.pyi").write_text("""
class Server:
    def __init__(self, port: int = 8080) -> None: ...
    def get(self, name: str, n: int = -1) -> bytes: ...
    def put(self) -> None: ...
    def close(self, good: bool = True) -> None: ...
async def send(data: str) -> None: ...
""")
    code = definitions(*tmp_path.glob("*.py"))
    found = differences(definitions(tmp_path / "stub.pyi"), code)
    names = sorted(text.split("(")[0] for text in found)
    assert names == ["Server.__init__", "Server.put", "send"]


def names_in(path):
    """All public names that a stub binds at its top."""
    names = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname for alias in node.names if alias.asname}
        elif isinstance(node, ast.AnnAssign):
            names.add(node.target.id)
        elif isinstance(node, FUNCTION | ast.ClassDef):
            names.add(node.name)
    return {name for name in names if public(name)}


def test_the_stubs_leave_nothing_out(package):
    assert names_in(stub(package, "__init__")) == exported(package)
    assert optional(package)
    for module in optional(package):
        assert stub(package, module).exists(), f"{module}.py has no stub in typings/{package}"
        found = definitions(ROOT / package / f"{module}.py")
        # what it calls public, but for helpers that only its own package imports
        inside = {name for path in sources(package) for _, name in imported(path)}
        missing = set(filter(public, found)) - names_in(stub(package, module)) - inside
        assert not missing, f"{module}.pyi lacks {missing}"
        for name in names_in(stub(package, module)) & set(found):
            if isinstance(found[name], dict):
                methods = {method for method in found[name] if public(method)}
                assert methods <= set(stated(package)[name]), name
    code = set(filter(public, definitions(ROOT / "url.py")))
    assert code == set(filter(public, definitions(TYPINGS / "url.pyi")))


ATTRIBUTES = """
import {package}, url
from {package}.sse import EventSource
head = b"GET / HTTP/1.1\\r\\nHost: board\\r\\n\\r\\n"
objects = dict(
    HTTPRequest=url.HTTPRequest(head),
    InvalidRequest=url.InvalidRequest("no"),
    HTTPServer={package}.HTTPServer(),
)
objects["{package}"] = {package}
objects["url"] = url
for kind, names in {wanted}.items():
    for name in names:
        if not hasattr(objects[kind], name):
            print(kind, name)
"""


def attributes(*paths):
    """{class or module: names of the attributes that the stubs annotate}"""
    found = {}
    for path in paths:
        module = path.parent.name if path.stem == "__init__" else path.stem
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.AnnAssign):
                found.setdefault(module, []).append(node.target.id)
            elif isinstance(node, ast.ClassDef):
                names = [part.target.id for part in node.body if isinstance(part, ast.AnnAssign)]
                found.update({node.name: names} if names else {})
    return found


def test_attributes_exist(package, tmp_path):
    """Asked of the objects themselves, on MicroPython."""
    wanted = attributes(stub(package, "__init__"), stub(package, "server"), TYPINGS / "url.pyi")
    assert {"HTTPRequest", "HTTPServer", package} <= set(wanted)
    (tmp_path / "ask.py").write_text(ATTRIBUTES.format(package=package, wanted=wanted))
    command = [MICROPYTHON, tmp_path / "ask.py"]
    environment = {"MICROPYPATH": f".frozen:{ROOT}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


# Type checkers

RIGHT = """
from {package} import HTTPResponse, HTTPServer, InvalidRequest, receivefile, sendfile
from {package}.auth import basic_auth
from {package}.broadcast import Broadcast
from {package}.connection import Connection
from {package}.sse import EventSource
from {package}.static import StaticFiles
from url import HTTPRequest, inside, query

app = HTTPServer(port=8080, log=print, max_connections=None, timeout=2.5)
events = Broadcast(max=2)


@app.route("GET", "/stream")
async def stream(reader: Connection, writer: Connection, request: HTTPRequest) -> None:
    eventsource = await EventSource(reader, writer, {{"Access-Control-Allow-Origin": "*"}})
    await eventsource.send(21.5, id=1, event="temperature", retry=1000)


@app.route("GET", "/events")
async def listen(reader: Connection, writer: Connection, request: HTTPRequest) -> int:
    return await events.join(reader, writer, header={{"X-Robots-Tag": "none"}})


@app.route("PUT", "/file")
@basic_auth("admin", request_password := "secret")
async def upload(reader: Connection, writer: Connection, request: HTTPRequest) -> None:
    size: int = await receivefile(reader, inside("files", request.path), max_size=1000)
    names: dict[str, str] = query(request.query)
    lists: dict[str, list[str]] = query(request.query, all=True)
    if names != lists or size:
        raise InvalidRequest("no", 409)
    response = HTTPResponse(200, "text/plain", close=False, header={{"Set-Cookie": ["a", "b"]}})
    await response.send(writer, b"done")
    await sendfile(writer, "name", start=1, length=None)
    address: str = writer.get_extra_info("peername")[0]
    writer.write(address)
    await writer.drain()
    writer.close(good=False)


class Counter:
    async def __call__(self, reader: Connection, writer: Connection, request: HTTPRequest) -> None:
        writer.write(await reader.read(10))


app.route("GET", "/counter")(Counter())
app.route("GET", "/<path:file>")(StaticFiles("www", mimetypes={{"wasm": "application/wasm"}}))


def errors(request: HTTPRequest | None, error: InvalidRequest) -> tuple[str, str] | None:
    return ("text/html", "<h1>%d</h1>" % error.status) if request else None


app.on_refuse = errors
"""
# Each of these lines is a mistake that a checker has to find.
WRONG = """
HTTPServer(prot=80)
HTTPServer(port="80")
HTTPResponse(200, "text/plain", True, "X-Robots-Tag: none")
app.route("GET", 7)
Broadcast(limit=3)
StaticFiles(folder=7)
events.joined()
request: HTTPRequest = HTTPRequest("GET / HTTP/1.1")
"""


def complaints(folder, command, **environment):
    """Runs a checker in the folder; what it prints about the files there."""
    command = [sys.executable, "-m", *command]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode in (0, 1) and not done.stderr, done.stdout + done.stderr
    lines = done.stdout.replace(f"{folder}/", "").split("\n")
    return "\n".join(line.strip() for line in lines if re.match(r" *program\w*\.py:", line))


def check_mypy(folder, files):
    stubs = VENV / "stubs-esp32"
    # of MicroPython's own modules, which programs use, only these stubs know
    options = ["--custom-typeshed-dir", stubs, "--check-untyped-defs"]
    options += ["--disable-error-code", "var-annotated", "--disable-error-code", "assignment"]
    return complaints(folder, ["mypy", *options, *files], MYPYPATH=f"{TYPINGS}:{stubs}")


def check_pyright(folder, files):
    settings = {
        "include": files,
        "stubPath": str(TYPINGS),
        "typeshedPath": str(VENV / "stubs-esp32"),
        "extraPaths": [str(VENV / "stubs-esp32"), str(ROOT)],
        "typeCheckingMode": "standard",
        "reportMissingModuleSource": False,  # of modules that only the firmware has
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    return complaints(folder, ["basedpyright", "-p", folder], PYTHONPATH=str(PYRIGHT))


@pytest.fixture(params=["mypy", "pyright"])
def checker(request):
    if request.param == "pyright" and not PYRIGHT.exists():
        pytest.skip("Pyright is installed by make pyright")
    return {"mypy": check_mypy, "pyright": check_pyright}[request.param]


def write(folder, name, text):
    (folder / name).write_text(text)
    return name


@pytest.mark.timeout(240)
def test_programs_of_the_pages(checker, tmp_path):
    """Those of README.md and docs/recipes.md, for both packages."""
    files = [
        write(tmp_path, f"program{number}_{package}.py", f"# {block}\n{program}")
        for number, block in enumerate(PYTHON)
        for package, program in programs(block)
    ]
    assert len(files) > 30
    assert checker(tmp_path, files) == ""


@pytest.mark.timeout(120)
def test_annotated_program(checker, package, tmp_path):
    text = RIGHT.format(package=package)
    if package == "httpserver":
        text = to_sync(text)
    name = write(tmp_path, "program.py", text)
    assert checker(tmp_path, [name]) == ""


@pytest.mark.timeout(120)
def test_mistakes_are_found(checker, tmp_path):
    text = RIGHT.format(package="ahttpserver") + WRONG
    name = write(tmp_path, "program.py", text)
    found = set(map(int, re.findall(r"program\.py:(\d+)", checker(tmp_path, [name]))))
    first = RIGHT.count("\n") + 2
    assert found == set(range(first, first + WRONG.strip().count("\n") + 1))
