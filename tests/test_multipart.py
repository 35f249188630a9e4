# Forms with files in them, as clients send them and as they must not be taken apart.

import hashlib
import itertools
import json
import random
import subprocess
from pathlib import Path

import httpx
import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from client import Client
from harness import wait_until

MEGABYTE = random.Random(7).randbytes(1 << 20)
DASHES = b"-" * 70000  # what the page of the application sends
NODE = """
const form = new FormData()
form.append("text", "ein\\nWort ü")
form.append('a "quoted" name', "")
form.append("file", new Blob([new Uint8Array(5000).fill(13)]), 'ä "1";.txt')
fetch(process.argv[1], {method: "POST", body: form}).then(r => r.text()).then(console.log)
"""


@pytest.fixture
def server(start, tmp_path):
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "old.bin").write_bytes(b"old")
    return start("multipart_app", heap="128k")


def url(server, path):
    return f"http://{server.host}:{server.port}{path}"


def state(server):
    return json.loads(server.get("/state").body)


def row(name, filename, kind, data):
    """A part as the application reports it."""
    return [name, filename, kind, len(data), hashlib.sha256(data).hexdigest()]


def part(data, *fields, name="x", filename=None):
    """A part without its boundary."""
    disposition = f'Content-Disposition: form-data; name="{name}"'
    if filename is not None:
        disposition += f'; filename="{filename}"'
    return b"".join(f"{line}\r\n".encode() for line in (disposition, *fields)) + b"\r\n" + data


def body(*parts, boundary="b", preamble=b"", epilogue=b"\r\n"):
    mark = f"--{boundary}".encode()
    pieces = [mark + b"\r\n" + part + b"\r\n" for part in parts]
    return preamble + b"".join(pieces) + mark + b"--" + epilogue


def head(length=None, path="/parts"):
    """The head of a request with such a body; in chunks without a length."""
    frame = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    fields = f"Host: board\r\nContent-Type: multipart/form-data; boundary=b\r\n{frame}"
    return f"POST {path} HTTP/1.1\r\n{fields}\r\n\r\n".encode()


def post(server, path, data, boundary="b", kind=None):
    kind = f"multipart/form-data; boundary={boundary}" if kind is None else kind
    return server.request("POST", path, f"Content-Type: {kind}", body=data)


# Clients


def test_curl(server, tmp_path, installed):
    (tmp_path / "ä.bin").write_bytes(MEGABYTE[:5000])
    (tmp_path / 'a"b\\c').write_bytes(b"")
    command = [installed("curl"), "-sS", url(server, "/parts")]
    for form in ("text=café", "file=@ä.bin", "empty=", "typed={};type=application/json"):
        command += "-F", form
    quoted = ("-F", 'quoted=@"a\\"b\\\\c"')
    for extra in ((), quoted, ("--form-escape", *quoted)):
        done = subprocess.run([*command, *extra], cwd=tmp_path, capture_output=True)
        found = json.loads(done.stdout)
        assert found[:4] == [
            row("text", None, None, "café".encode()),
            row("file", "ä.bin", "application/octet-stream", MEGABYTE[:5000]),
            row("empty", None, None, b""),
            row("typed", None, "application/json", b"{}"),
        ]
        if extra:  # --form-escape writes \" and \\ as old versions did
            [name] = {found[4][1].replace("\\\\", "\\")}
            assert name == 'a"b\\c'


def test_requests_and_httpx(server):
    files = {"file": ('ä "1";.txt', MEGABYTE[:3000], "text/plain"), "none": ("", b"")}
    expected = [
        row("text", None, None, "ein\nWort ü".encode()),
        row("file", 'ä "1";.txt', "text/plain", MEGABYTE[:3000]),
    ]
    for client in (requests, httpx):
        for _ in range(2):
            answer = client.post(url(server, "/parts"), data={"text": "ein\nWort ü"}, files=files)
            assert answer.status_code == 200
            found = answer.json()
            assert found[:2] == expected
            assert found[2][:2] == ["none", None]


def test_node(server, installed):
    command = [installed("node"), "-e", NODE, url(server, "/parts")]
    done = subprocess.run(command, capture_output=True)
    assert json.loads(done.stdout) == [
        row("text", None, None, "ein\r\nWort ü".encode()),
        row('a "quoted" name', None, None, b""),
        row("file", 'ä "1";.txt', "application/octet-stream", b"\r" * 5000),
    ]


PAGE = [
    row("text", None, None, "einWort ü--".encode()),  # the field drops line ends
    row('a "quoted" name', None, None, b""),
    row("none", None, "application/octet-stream", b""),
    row("many", 'ä "1";.txt', "text/plain", b"one"),
    row("many", "dashes.bin", "application/octet-stream", DASHES),
]


def test_chromium(server, page):
    with page.expect_navigation(url="**/parts"):
        page.goto(url(server, "/page"))
    assert json.loads(page.text_content("body")) == PAGE


def test_firefox(server, firefox_tab):
    firefox_tab.open(url(server, "/page"))
    wait_until(lambda: "found " in server.output, 20)
    [found] = [line for line in server.output.splitlines() if line.startswith("found ")]
    assert json.loads(found[6:]) == PAGE


# What is in a part's head


@pytest.mark.parametrize(
    "disposition, name, filename",
    [
        ('form-data; name="a"', "a", None),
        ("form-data; name=a; filename=b.txt; filename*=utf-8''c.txt", "a", "b.txt"),
        ('Form-Data;NAME = "a"', None, None),  # no blank may stand there
        ('Form-Data;NAME="a";FileName="b"', "a", "b"),
        ('form-data; filename="name=x; \\"y\\""; name="a"', "a", 'name=x; "y"'),
        ('form-data; name="%22%25%20"', '"%25%20', None),
        ('form-data; name=""', "", None),
        ('form-data; name="a"; filename=""', "a", None),
        ('form-data; name="a"; filename="a\\b\\\\c"', "a", "a\\b\\\\c"),
        ('form-data; name="a"; filename="unfinished', "a", "unfinished"),
        ("form-data; name=käse", "käse", None),
        ("form-data", None, None),
        ('attachment; name="a"', None, None),
        ('"form-data"; name="a"', None, None),
    ],
)
def test_disposition(server, disposition, name, filename):
    data = f"Content-Disposition: {disposition}\r\n\r\nvalue".encode()
    answer = post(server, "/parts", body(data))
    if name is None:
        assert answer.status == 400
    else:
        assert json.loads(answer.body) == [row(name, filename, None, b"value")]


@pytest.mark.parametrize(
    "lines, status",
    [
        (b"", 400),
        (b"Content-Type: text/plain\r\n", 400),
        (b'Content-Disposition : form-data; name="a"\r\n', 400),
        (b'Content-Disposition: form-data;\r\n name="a"\r\n', 400),
        (b'Content-Disposition: form-data; name="a\rb"\r\n', 400),
        (b'Content-Disposition: form-data; name="a\nb"\r\n', 400),
        (b'Content-Disposition: form-data; name="a\0b"\r\n', 400),
        (b"X: " + b"x" * 5000 + b"\r\n", 431),
        (b"X: x\r\n" * 65, 431),
        (b"X: " + b"x" * 50_000, 431),
        (b'Content-Disposition: form-data; name="\xe4"\r\nX: x\r\n', 200),
    ],
)
def test_bad_heads(server, lines, status):
    assert post(server, "/parts", body(lines + b"\r\nvalue")).status == status


@pytest.mark.parametrize(
    "kind, status",
    [
        ("multipart/form-data; boundary=b", 200),
        ('MULTIPART/Form-Data; charset=utf-8; BOUNDARY="b"', 200),
        ("multipart/form-data", 415),
        ("multipart/form-data; boundary=", 415),
        ("multipart/mixed; boundary=b", 415),
        ("application/x-www-form-urlencoded", 415),
        ("text/plain; x=multipart/form-data; boundary=b", 415),
        ("multipart/form-data; boundary=" + "b" * 71, 415),
    ],
)
def test_content_type(server, kind, status):
    assert post(server, "/parts", body(part(b"1")), kind=kind).status == status


@pytest.mark.parametrize(
    "boundary", ["b", "b" * 70, "-" * 30 + "1", "'()+_,-./:=?", '"with a blank"', "--"]
)
def test_boundaries(server, boundary):
    mark = boundary.strip('"')
    value = b"\r\n--" + mark.encode()[:-1] + b"\r\n-\r\n--\r\n" + mark.encode()
    data = body(part(value), part(b""), boundary=mark)
    answer = post(server, "/parts?n=7", data, boundary=boundary)
    assert json.loads(answer.body) == [row("x", None, None, value), row("x", None, None, b"")]


def test_what_is_around(server):
    """Both are read away: the connection lives on."""
    preambles = (b"", b"\r\n", b"for old programs\r\n", b"--x\r\n" * 2000)
    epilogues = (b"", b"\r\n", b"\r\n--b\r\n" + part(b"-" * 9000))
    with server.connect() as connection:
        client = Client(connection)
        for preamble, epilogue in itertools.product(preambles, epilogues):
            data = body(part(b"1"), preamble=preamble, epilogue=epilogue)
            connection.sendall(head(len(data)) + data)
            assert json.loads(client.answer().body) == [row("x", None, None, b"1")]


def test_padding(server):
    data = body(part(b"1")).replace(b"--b\r\n", b"--b \t\r\n")
    assert post(server, "/parts", data).status == 200


def test_no_parts(server):
    assert json.loads(post(server, "/parts", b"--b--\r\n").body) == []


# Reading


def test_skipped_parts(server):
    data = body(*(part(b"v" * 1000 * n, name=f"n{n}") for n in range(9)))
    assert json.loads(post(server, "/names", data).body) == [f"n{n}" for n in range(9)]


def test_values(server):
    data = body(part("käse".encode(), name="a"), part(b"x" * 4096, name="b"))
    assert json.loads(post(server, "/values", data).body) == {"a": "käse", "b": "x" * 4096}
    assert post(server, "/values", body(part(b"x" * 4097))).status == 413


def test_every_cut(server):
    """A body that ends too early is an error, wherever it ends."""
    data = body(part(b"1", name="a"), part(b"2", "Content-Type: text/plain", filename="f"))
    end = data.rindex(b"--b--") + 5
    for size in range(1, len(data)):
        assert post(server, "/parts", data[:size]).status == (200 if size >= end else 400), size


def test_every_seam(server):
    """It does not matter in which pieces a body comes."""
    data = body(part(b"\r\n--\r\n--a", name="a"), part(b"\r", filename="f"), epilogue=b"")
    expected = [row("a", None, None, b"\r\n--\r\n--a"), row("x", "f", None, b"\r")]
    with server.connect() as connection:
        client = Client(connection)
        for cut in range(len(data) + 1):
            pieces = [piece for piece in (data[:cut], data[cut:]) if piece]
            chunks = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces]
            connection.sendall(head() + b"".join(chunks) + b"0\r\n\r\n")
            assert json.loads(client.answer().body) == expected
        chunks = [b"1\r\n%c\r\n" % byte for byte in data]
        connection.sendall(head() + b"".join(chunks) + b"0\r\n\r\n")
        assert json.loads(client.answer().body) == expected


def test_properties(server):
    """Any values, read in pieces of any size, arrive as they were sent."""
    near = st.lists(st.sampled_from([b"\r", b"\n", b"--", b"b", b"\r\n--", b"x" * 2000]))
    values = st.lists(near.map(b"".join), max_size=4)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(values, st.integers(1, 3000))
    def check(values, n):
        values = [value for value in values if b"\r\n--b" not in b"\r\n" + value]
        found = json.loads(post(server, f"/parts?n={n}", body(*map(part, values))).body)
        assert found == [row("x", None, None, value) for value in values]

    check()


# Files


def test_large_file(server, tmp_path):
    before = state(server)["heap"]
    files = [("f", ("large.bin", MEGABYTE)), ("f", ("small.bin", b"small")), ("f", ("", b""))]
    answer = httpx.post(url(server, "/files"), data={"a": "1"}, files=files, timeout=20)
    assert answer.json() == [1 << 20, 5]
    assert (tmp_path / "files" / "large.bin").read_bytes() == MEGABYTE
    assert (tmp_path / "files" / "small.bin").read_bytes() == b"small"
    after = state(server)
    assert after["files"] == ["large.bin", "old.bin", "small.bin"]
    assert after["heap"] < before + 2000


def test_broken_upload(server, tmp_path):
    """The old file stays, and nothing is left of the new one."""
    whole = body(part(MEGABYTE[:9000], filename="old.bin"))
    assert post(server, "/files", whole[:-10]).status == 400
    with server.connect() as connection:
        connection.sendall(head(len(whole), "/files") + whole[:5000])
        wait_until(lambda: (tmp_path / "files" / "old.bin.part").exists())
    wait_until(lambda: state(server)["files"] == ["old.bin"])
    assert post(server, "/files", body(part(b"x" * (1 << 21) + b"x", filename="f"))).status == 413
    for name in ("../main.py", "/etc/passwd", ".hidden", "C:\\dir\\file"):
        assert post(server, "/files", body(part(b"x", filename=name))).status == 404
    assert state(server)["files"] == ["old.bin"]
    assert Path(tmp_path / "files" / "old.bin").read_bytes() == b"old"


@pytest.mark.parametrize("seed", range(3))
def test_mutations(server, seed):
    """Whatever comes is answered, and forgotten."""
    dice = random.Random(seed)
    data = body(part(b"1", name="a"), part(b"2" * 500, filename="f"), boundary="bound")
    heap = []
    for _ in range(2):  # the first round meets all that is made once
        for _ in range(40):
            mutated = bytearray(data)
            for _ in range(dice.randrange(1, 5)):
                at = dice.randrange(len(mutated))
                piece = dice.choice([b"", b"\r\n", b"--bound", b"\0", b'"', dice.randbytes(3)])
                mutated[at : at + dice.randrange(4)] = piece
            assert post(server, "/parts", bytes(mutated), "bound").status in (200, 400, 431)
        heap.append(state(server)["heap"])
    assert heap[1] < heap[0] + 2000
