# url.py against whatever hypothesis comes up with, on CPython: it raises nothing but
# InvalidRequest, decodes as urllib.parse does, and what it takes for a request is the same request
# to h11, a strict parser that others trust: who disagree can be played off one against the other.

import re
import subprocess
import sys
from posixpath import normpath
from urllib.parse import parse_qsl, quote, unquote_to_bytes, urlencode

import h11
from hypothesis import example, given, settings
from hypothesis import strategies as st

import test_url
from harness import MICROPYTHON

url = sys.modules["url"]
REFUSALS = {400, 404, 414, 417, 431, 501, 505}

settings.register_profile("url", max_examples=500, deadline=None, database=None, derandomize=True)
settings.load_profile("url")

# Heads are put together from what parsers stumble over, so that many are accepted, or nearly.
WORDS = st.sampled_from([
    b"GET", b"POST", b"HEAD", b"OPTIONS", b"BREW", b"/", b"/a", b"*", b"http://h/p", b"?",
    b"a=b&c",
    b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"Host", b"host", b"Content-Length", b"Connection",
    b"Transfer-Encoding", b"Expect", b"chunked", b"close", b"100-continue", b"5", b"05", b"+5",
    b":", b": ", b" : ", b" ", b"\t", b",", b"\r\n", b"\r\n", b"\r\n ", b"\r", b"\n", b"\0",
    b"\x0b", b"%", b"%41", b"%ff", b"%00", b"\xc3\xa9", b"\xff", b"#", b"..", b"x" * 30,
    b"\r\n\r\n", b"\x7f",
])  # fmt: skip
TOKENS = st.text("abcXYZ09-_.!#$%&'*+^`|~", min_size=1, max_size=8).map(str.encode)
VALUES = st.binary(max_size=12)
LINES = st.one_of(
    st.tuples(TOKENS, st.sampled_from([b":", b": ", b":\t", b" :"]), VALUES).map(b"".join),
    st.lists(WORDS, max_size=4).map(b"".join),
    st.sampled_from([
        b"Content-Length: 5", b"Content-Length: 005", b"Transfer-Encoding: chunked",
        b"Connection: close", b"Expect: 100-continue", b"X: \xc3\xa9", b"X: \xe9",
    ]),
)  # fmt: skip
TARGETS = st.one_of(
    st.just(b"/"),
    st.binary(max_size=12).map(lambda data: b"/" + data),
    st.lists(WORDS, max_size=4).map(lambda words: b"/" + b"".join(words)),
)
HEADS = st.builds(
    lambda method, target, version, lines: (
        b"%s %s %s\r\nHost: board\r\n" % (method, target, version)
        + b"".join(line + b"\r\n" for line in lines)
        + b"\r\n"
    ),
    st.sampled_from([b"GET", b"POST", b"OPTIONS"]),
    TARGETS,
    st.sampled_from([b"HTTP/1.1", b"HTTP/1.0"]),
    st.lists(LINES, max_size=5),
)
ANYTHING = st.one_of(st.binary(), st.lists(WORDS, max_size=30).map(b"".join), HEADS)


def parsed(head):
    """The request, or None when it was refused with one of the known codes."""
    try:
        return url.HTTPRequest(head)
    except url.InvalidRequest as refusal:
        assert refusal.status in REFUSALS
        return None


@given(ANYTHING)
@example(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
def test_only_invalid_request(head):
    request = parsed(head)
    if request:
        assert request.method in url.METHODS
        assert request.path[0] == "/" or request.path == "*"
        assert "\0" not in request.path
        for name, value in [*request.header.items(), *request.parameters.items()]:
            assert isinstance(name, str) and isinstance(value, str)
        for name, value in request.header.items():
            assert name == name.lower()
            assert not set(value) & set("\r\n\0")


def decoded(value):
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


@given(HEADS)
def test_h11_agrees(head):
    request = parsed(head)
    if request is None:
        return
    peer = h11.Connection(h11.SERVER)
    peer.receive_data(head)
    try:
        event = peer.next_event()
    except h11.RemoteProtocolError as refusal:
        # h11 is stricter where RFC 9110 5.5 leaves a choice, control bytes in values, and with
        # bytes above 127 in the target, which count as if escaped here.
        line, fields = head.split(b"\r\n", 1)
        if str(refusal).startswith("illegal header line"):
            assert re.search(rb"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]", fields)
        else:
            assert str(refusal).startswith("illegal request line") and not line.isascii(), refusal
        return
    assert isinstance(event, h11.Request)
    assert event.method.decode() == request.method
    assert event.http_version.decode() == request.version
    fields = {}
    for name, value in event.headers:
        fields.setdefault(name.decode(), []).append(value)
    assert set(fields) == set(request.header)
    for name, values in fields.items():
        assert request.header[name] == ", ".join(decoded(value) for value in values)
    length = int(fields.get("content-length", [b"0"])[0])
    assert request.length == (None if "transfer-encoding" in fields else length)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_quoted_text_comes_back(text):
    assert url.unquote(quote(text)) == text
    assert url.unquote(quote(text, safe="").encode()) == text
    assert url.query(urlencode([("n", text), (text, "v")])) == {text: "v"} | {"n": text}


@given(st.one_of(st.binary(), st.lists(WORDS, max_size=8).map(b"".join)))
def test_unquote_agrees_with_urllib(data):
    try:
        expected = unquote_to_bytes(data).decode()
    except UnicodeDecodeError:
        expected = None
    if expected is not None and "\0" in expected:
        expected = None
    try:
        assert url.unquote(data) == expected
    except url.InvalidRequest:
        assert expected is None


QUERIES = st.sampled_from([
    "a", "b", "%41", "%", "=", "&", "+", ";", "%C3%A9", "é", "%26", "%3D", "%ff", "%00", "?", "/",
])  # fmt: skip
PATHS = st.sampled_from(["..", ".", "/", "//", "\\", "a", "%2e", "\0", "~", "b.txt", "é"])


@given(st.lists(QUERIES, max_size=12).map("".join))
def test_query_agrees_with_urllib(text):
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=None)
    except UnicodeDecodeError:
        pairs = None
    expected = None
    if pairs is not None and "%00" not in text:
        expected = dict(reversed(pairs))  # the first value of a name wins
    for form in (text, text.encode()):
        try:
            assert url.query(form) == expected
        except url.InvalidRequest:
            assert expected is None


@given(st.lists(PATHS, max_size=8).map("".join))
def test_inside_stays_inside(path):
    try:
        name = url.inside("www", path)
    except url.InvalidRequest as refusal:
        assert refusal.status == 404
    else:
        assert normpath(name) == "www" or normpath(name).startswith("www/")
        assert "\0" not in name and "\\" not in name


def test_the_examples_on_micropython():
    command = [MICROPYTHON, test_url.__file__]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    tests = [name for name in vars(test_url) if name.startswith("test_")]
    assert len(tests) > 10
    assert sorted(done.stdout.split()[1::2]) == sorted(tests)
