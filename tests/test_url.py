# What url.py makes of request heads.  No network; the same file runs on CPython (pytest) and on
# MicroPython:
#
#     micropython tests/test_url.py
#
# What a whole server does with these heads is in cases.py.

import gc
import sys

sys.path.insert(0, (__file__.rsplit("/", 1)[0] if "/" in __file__ else ".") + "/..")

import url  # noqa: E402
from url import (  # noqa: E402
    MAX_FIELDS,
    MAX_HEAD,
    MAX_LINE,
    METHODS,
    HTTPRequest,
    InvalidRequest,
    inside,
    query,
    unquote,
)

HOST = b"Host: board\r\n"


def get(target, fields=HOST):
    return HTTPRequest(b"GET " + target + b" HTTP/1.1\r\n" + fields + b"\r\n")


def status_of(function, *arguments):
    """The status that a call is refused with; None when it is not refused."""
    try:
        function(*arguments)
    except InvalidRequest as e:
        assert str(e), "a refusal says why"
        return e.status


def test_attributes():
    request = get(b"/a%20b?x=1&y=%C3%A9+z", HOST + b"X-One: 1\r\n")
    assert request.method == "GET"
    assert request.url == "/a%20b?x=1&y=%C3%A9+z"
    assert request.path == "/a b"
    assert request.query == "x=1&y=%C3%A9+z"
    assert request.version == "1.1"
    assert request.parameters == {"x": "1", "y": "\u00e9 z"}
    assert request.header == {"host": "board", "x-one": "1"}


def test_request_line_alone():
    request = HTTPRequest(b"POST /form?a HTTP/1.0")
    assert (request.method, request.path, request.version) == ("POST", "/form", "1.0")
    assert request.parameters == {"a": ""}
    assert request.header == {}
    assert HTTPRequest(b"GET / HTTP/1.1\r\n").path == "/"


def test_no_query():
    request = get(b"/")
    assert (request.query, request.parameters) == ("", {})
    assert get(b"/?").parameters == {}


def test_methods():
    assert sorted(METHODS) == ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
    for method in METHODS:
        assert HTTPRequest(method.encode() + b" / HTTP/1.1").method == method


def test_request_lines_refused():
    for line, status in (
        (b"", 400),
        (b" ", 400),
        (b"  ", 400),
        (b"GET", 400),
        (b"GET /", 400),
        (b"GET  HTTP/1.1", 400),
        (b"GET / HTTP/1.1 ", 400),
        (b" GET / HTTP/1.1", 400),
        (b"GET / x HTTP/1.1", 400),
        (b"GET\t/\tHTTP/1.1", 400),
        (b"GET / http/1.1", 400),
        (b"GET / HTTP/1", 400),
        (b"GET / HTTP/1.", 400),
        (b"GET / HTTP/.1", 400),
        (b"GET / HTTP/1.11", 400),
        (b"GET / HTTP/a.b", 400),
        (b"GET / HTTP/-.1", 400),
        (b"GET / HTTP/1.\xb2", 400),
        (b"GET / HTTX/1.1", 400),
        (b"GET /\0 HTTP/1.1", 400),
        (b"GET /\x7f HTTP/1.1", 400),
        (b"GET /\n HTTP/1.1", 400),
        (b"GET /\r HTTP/1.1", 400),
        (b"GET /%00 HTTP/1.1", 400),
        (b"GET /?%00 HTTP/1.1", 400),
        (b"GET /?a=%00 HTTP/1.1", 400),
        (b"G[T / HTTP/1.1", 400),
        (b"G:T / HTTP/1.1", 400),
        (b"GET a HTTP/1.1", 400),
        (b"GET * HTTP/1.1", 400),
        (b"GET http:// HTTP/1.1", 400),
        (b"GET http:///a HTTP/1.1", 400),
        (b"GET ftp://host/a HTTP/1.1", 400),
        (b"GET / HTTP/2.0", 505),
        (b"GET / HTTP/9.9", 505),
        (b"BREW / HTTP/1.1", 501),
        (b"get / HTTP/1.1", 501),
        (b"TRACE / HTTP/1.1", 501),
    ):
        assert status_of(HTTPRequest, line) == status, line


def test_targets():
    for target, path, query_string in (
        (b"/", "/", ""),
        (b"//a//b/", "//a//b/", ""),
        (b"/a/../b/.", "/a/../b/.", ""),
        (b"/%2e%2e/", "/../", ""),
        (b"/a%2Fb%3Fc", "/a/b?c", ""),
        (b"/a?b?c", "/a", "b?c"),
        (b"/a+b", "/a+b", ""),
        (b"/%", "/%", ""),
        (b"/%zz%4", "/%zz%4", ""),
        (b"/%2541", "/%41", ""),
        (b"/\xc3\xa9", "/\u00e9", ""),
        (b"/%f0%9f%98%80", "/\U0001f600", ""),
        (b"http://host/a?b", "/a", "b"),
        (b"HTTP://host:8080/a", "/a", ""),
        (b"http://host", "/", ""),
        (b"http://host?a=/b", "/", "a=/b"),
    ):
        request = get(target)
        assert (request.path, request.query) == (path, query_string), target
    assert HTTPRequest(b"OPTIONS * HTTP/1.1").path == "*"


def test_invalid_utf8():
    for text in (
        b"%ff", b"%80", b"%c3", b"%c3a", b"%e2%82", b"%c0%ae", b"%c1%bf", b"%e0%80%af",
        b"%e0%9f%bf", b"%f0%80%80%af", b"%f0%8f%bf%bf", b"%ed%a0%80", b"%ed%bf%bf",
        b"%f4%90%80%80", b"%f5%80%80%80", b"%f8%88%80%80%80", b"%fe", b"\xff", b"\xc0\xae",
        b"\xc3", b"%C3\xff", b"%c3%c3%a9",
    ):  # fmt: skip
        for target in (b"/" + text, b"/?" + text, b"/?a=" + text, b"/a" + text + b"?b"):
            assert status_of(get, target) == 400, target
        assert status_of(unquote, text) == 400, text
        assert status_of(query, text) == 400, text
    for text in (b"%7f", b"%c2%80", b"%df%bf", b"%e0%a0%80", b"%ed%9f%bf", b"%ee%80%80",
                 b"%ef%bf%bf", b"%f0%90%80%80", b"%f4%8f%bf%bf"):  # fmt: skip
        code = bytes([int(c, 16) for c in str(text, "ascii").split("%")[1:]])
        assert unquote(text).encode() == code, text
        assert get(b"/" + text).path.encode() == b"/" + code, text


def test_characters_leave_nothing():
    # MicroPython keeps each character that a loop or chr() made: a stranger could send them all.
    if not hasattr(gc, "mem_alloc"):
        return

    def used(lead):
        for middle in range(0x80, 0xC0):
            text = b"".join([bytes([lead, middle, last]) for last in range(0x80, 0xC0)])
            assert unquote(text).encode() == text
            assert get(b"/", HOST + b"X: " + text + b"\r\n").header["x"].encode() == text
        gc.collect()
        return gc.mem_alloc()

    before = used(0xE4)
    assert used(0xE5) - before < 4096


def test_unquote():
    for text, expected in (
        ("", ""), ("a", "a"), ("%41%42", "AB"), ("%4a%4A", "JJ"), ("%", "%"), ("%%", "%%"),
        ("%4", "%4"), ("a%", "a%"), ("%4%41", "%4A"), ("%%41", "%A"), ("%zz", "%zz"),
        ("%+1", "%+1"), ("% 1", "% 1"), ("%-1", "%-1"), ("%0x", "%0x"), ("%1_", "%1_"),
        ("+", "+"), ("%2B", "+"), ("%25%34%31", "%41"), ("%C3%A9t%C3%A9", "\u00e9t\u00e9"),
        ("\u00e9%41", "\u00e9A"),
    ):  # fmt: skip
        assert unquote(text) == expected, text
        assert unquote(text.encode()) == expected, text
    assert status_of(unquote, "%00") == 400
    assert status_of(unquote, b"\0") == 400


def test_query():
    for text, expected in (
        ("", {}),
        ("a=1&b=2", {"a": "1", "b": "2"}),
        ("a", {"a": ""}),
        ("a=", {"a": ""}),
        ("a&b", {"a": "", "b": ""}),
        ("a=1&a=2", {"a": "1"}),
        ("a&a=2", {"a": ""}),
        ("%61=1&a=2", {"a": "1"}),
        ("a=b=c", {"a": "b=c"}),
        ("a+b=c+d", {"a b": "c d"}),
        ("a=%2B+%20", {"a": "+  "}),
        ("a=%26b%3Dc", {"a": "&b=c"}),
        ("a;b=1", {"a;b": "1"}),
        ("a=%C3%A9", {"a": "\u00e9"}),
        ("a=%zz%", {"a": "%zz%"}),
        ("a=%2541", {"a": "%41"}),
        ("a=\u00e9", {"a": "\u00e9"}),
    ):
        assert query(text) == expected, text
        assert query(text.encode()) == expected, text


def test_query_with_all_values():
    for text, expected in (
        ("", {}),
        ("day=mo&day=tu", {"day": ["mo", "tu"]}),
        ("a=1&b=2&a=3", {"a": ["1", "3"], "b": ["2"]}),
        ("a&a=&a=2", {"a": ["", "", "2"]}),
        ("%61=1&a=1", {"a": ["1", "1"]}),
        ("a=%C3%A9&a=+&&", {"a": ["\u00e9", " "]}),
    ):
        assert query(text, all=True) == query(text, True) == expected, text
        assert query(text.encode(), all=True) == expected, text
        assert query(text, all=False) == {name: values[0] for name, values in expected.items()}
    assert status_of(lambda text: query(text, all=True), "a=1&a=%ff") == 400
    assert get(b"/?day=mo&day=tu").parameters == {"day": "mo"}


def test_cookies_are_joined_in_their_own_way():
    fields = b"Cookie: a=1; b=2\r\nX: 1\r\nCOOKIE:\tc=3 \r\nSet-Cookie: 4\r\nX: 2\r\n"
    fields += b"Set-Cookie: 5\r\nCookie: d\r\nCookie2: e\r\nCookie2: f\r\n"
    header = HTTPRequest(b"GET / HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n").header
    assert header["cookie"] == "a=1; b=2; c=3; d"
    assert (header["x"], header["set-cookie"], header["cookie2"]) == ("1, 2", "4, 5", "e, f")


def test_control_bytes_in_a_value():
    for number in range(256):
        byte = bytes([number])
        expected = 400 if number < 32 and number != 9 or number == 127 else None
        for field in (b"X: a" + byte + b"b", b"Cookie: " + byte, b"Y:z" + byte):
            head = b"GET / HTTP/1.1\r\n" + HOST + field + b"\r\n\r\n"
            assert status_of(HTTPRequest, head) == expected, head
    for byte in (b"\1", b"\x1f", b"\x7f"):
        head = b"GET / HTTP/1.1\r\nHost: a" + byte + b"b\r\n\r\n"
        assert status_of(HTTPRequest, head) == 400, head


def test_header():
    fields = b"X-ONE:1\r\nx-one: 2\r\nY:\t a:b \t\r\nZ:\r\nq: \xc3\xa9\r\nl: \xe9\r\n"
    request = get(b"/", HOST + fields)
    assert request.header == {
        "host": "board",
        "x-one": "1, 2",
        "y": "a:b",
        "z": "",
        "q": "\u00e9",
        "l": "\u00e9",
    }
    assert request.header is request.header
    for name, value in request.header.items():
        assert isinstance(name, str) and isinstance(value, str)


def test_values_are_utf8_or_latin1():
    for value, expected in (
        (b"\xff\xfe", "\u00ff\u00fe"),
        (b"\xc0\xae", "\u00c0\u00ae"),
        (b"\xed\xa0\x80", "\u00ed\u00a0\u0080"),
        (b"\xc3\xa9\xff", "\u00c3\u00a9\u00ff"),
        (b"\xf0\x9f\x98\x80", "\U0001f600"),
    ):
        assert get(b"/", HOST + b"X: " + value + b"\r\n").header["x"] == expected, value


def test_fields_refused():
    for field in (
        b"nocolon", b":", b": x", b"X : y", b"X\t: y", b" X: y", b"\tX: y", b"X Y: z", b"X(: y",
        b"X\xe9: y", b"X\0: y", b"X: \0", b"X: a\0b", b"X: a\nb", b"X: a\rb", b"X: a\r", b"X: a\n",
        b"X: a\r\n b", b"X: a\r\n\tb", b"X\n: y", b"\nX: y", b"\rX: y", b" ", b"\t", b"\r", b"\n",
    ):  # fmt: skip
        assert status_of(get, b"/", HOST + field + b"\r\n") == 400, field
        assert status_of(get, b"/", field + b"\r\n" + HOST) == 400, field


def test_line_ends():
    good = b"GET / HTTP/1.1\r\nHost: board\r\n\r\n"
    assert HTTPRequest(good)
    for head in (
        good.replace(b"\r\n", b"\n"),
        good.replace(b"\r\n", b"\r"),
        good.replace(b"\r\n", b"\n\r"),
        good.replace(b"\r\n", b"\r\r\n"),
        good.replace(b"1.1\r\n", b"1.1\n"),
        good.replace(b"board\r\n", b"board\n"),
        good[:-2] + b"\n",
        good[:-2] + b"\r",
        good[:-2],
        good[:-1],
        good + b"\r\n",
        good + b"x",
        good + good,
    ):
        assert status_of(HTTPRequest, head) == 400, head


def test_host():
    assert status_of(get, b"/", b"") == 400
    assert status_of(get, b"/", b"X: y\r\n") == 400
    assert status_of(get, b"/", b"Host:\r\n") == 400
    assert status_of(get, b"/", b"Host: \t\r\n") == 400
    assert status_of(get, b"/", HOST + HOST) == 400
    assert status_of(get, b"/", HOST + b"hOST: other\r\n") == 400
    assert status_of(get, b"/", b"Host: a,b\r\n") == 400
    assert status_of(get, b"/", b"Host: a\r\nHost:\r\n") == 400
    assert get(b"/", b"Host: [::1]:80\r\n").header["host"] == "[::1]:80"
    assert HTTPRequest(b"GET / HTTP/1.0\r\n\r\n").header == {}


def with_length(*values):
    fields = b"".join([b"Content-Length: " + value + b"\r\n" for value in values])
    return status_of(get, b"/", HOST + fields)


def test_content_length():
    for value in (b"0", b"5", b"9999999999", b"0000000005", b" 5\t"):
        assert with_length(value) is None, value
    for value in (b"", b"-1", b"+1", b"-0", b"1.0", b"1e1", b"0x1", b"1_0", b"1 0", b"a", b"1a",
                  b'"1"', b"1,1", b"1, 1", b"1,", b",1", b"00000000005", b"99999999999", b"9" * 30,
                  b"\xb2", b"\xd9\xa1", b"\x0b1", b"1\x0c"):  # fmt: skip
        assert with_length(value) == 400, value
    assert with_length(b"5", b"5") == 400
    assert with_length(b"5", b"6") == 400
    assert with_length(b"5", b"") == 400
    assert with_length(b"", b"5") == 400


def test_transfer_encoding():
    def status(*fields):
        return status_of(get, b"/", HOST + b"".join([field + b"\r\n" for field in fields]))

    for value in (b"chunked", b"Chunked", b"\tCHUNKED "):
        assert status(b"Transfer-Encoding: " + value) is None, value
    for value in (b"gzip", b"identity", b"gzip, chunked", b"chunked, gzip", b"chunked,", b"",
                  b"xchunked", b"chunked;a", b'"chunked"', b"\x0bchunked",
                  b"chunked, chunked"):  # fmt: skip
        assert status(b"Transfer-Encoding: " + value) in (400, 501), value
    assert status(b"Transfer-Encoding: gzip") == 501
    assert status(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked") in (400, 501)
    assert status(b"Transfer-Encoding: chunked", b"Content-Length: 5") == 400
    assert status(b"Content-Length: 0", b"transfer-encoding: chunked") == 400
    assert status(b"Content-Length: 5", b"Transfer-Encoding:") in (400, 501)
    assert status(b"Transfer-Encoding : chunked") == 400
    old = b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert status_of(HTTPRequest, old) in (400, 501)


def test_expect():
    def status(value):
        return status_of(get, b"/", HOST + b"Content-Length: 5\r\nExpect: " + value + b"\r\n")

    assert status(b"100-continue") is None
    assert status(b"100-Continue ") is None
    for value in (b"", b"100", b"100-continue, x", b"x", b"100-continue\r\nExpect: x"):
        assert status(value) == 417, value


def test_limits():
    filler = MAX_LINE - len(b"GET / HTTP/1.1")
    assert status_of(HTTPRequest, b"GET /" + b"x" * filler + b" HTTP/1.1") is None
    assert status_of(HTTPRequest, b"GET /" + b"x" * (filler + 1) + b" HTTP/1.1") == 414
    start = b"GET / HTTP/1.1\r\n" + HOST + b"X: "
    filler = MAX_HEAD - len(start) - 4
    assert status_of(HTTPRequest, start + b"x" * filler + b"\r\n\r\n") is None
    assert status_of(HTTPRequest, start + b"x" * (filler + 1) + b"\r\n\r\n") == 431
    assert status_of(get, b"/", HOST + b"X: y\r\n" * (MAX_FIELDS - 1)) is None
    assert status_of(get, b"/", HOST + b"X: y\r\n" * MAX_FIELDS) == 431
    assert (MAX_LINE, MAX_HEAD, MAX_FIELDS) == (2048, 4096, 64)


def test_what_is_remembered():
    # The fields of the last request are not looked at twice: nobody may notice.
    tails = [
        b" HTTP/1.1\r\n\r\n",
        b" HTTP/1.1\r\n" + HOST + b"\r\n",
        b" HTTP/1.0\r\n" + HOST + b"\r\n",
        b" HTTP/2.0\r\n" + HOST + b"\r\n",
        b"  HTTP/1.1\r\n" + HOST + b"\r\n",
        b" x HTTP/1.1\r\n" + HOST + b"\r\n",
        b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n",
        b" HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\n\r\n",
        b" HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n",
        b" HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\n",
        b" HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n",
        b" HTTP/1.1",
    ]
    heads = [b"GET /" + tail for tail in tails]
    for start in b"HEAD /", b"POST /", b"GET /a\r\nX:", b"GET ", b"/", b"":
        heads.append(start + tails[1])

    def outcome(head):
        try:
            r = HTTPRequest(head)
        except InvalidRequest as e:
            return e.status
        return r.method, r.url, r.version, r.length, r.expect, r.keep_alive, r.header

    def afresh(head):
        url._seen = ()
        return outcome(head)

    for first in heads:
        for second in heads:
            expected = afresh(second)
            afresh(first)
            assert outcome(second) == expected, (first, second)


def test_invalid_request():
    error = InvalidRequest("why")
    assert error.status == 400 and str(error) == "why"
    assert InvalidRequest("why", 409).status == 409
    assert isinstance(error, Exception) and not isinstance(error, ValueError)


def test_inside():
    assert inside("www", "a.html") == "www/a.html"
    assert inside("www/", "a.html") == "www/a.html"
    assert inside("/sd/www", "css/a b.css") == "/sd/www/css/a b.css"
    assert inside("www", "a..b/c.") == "www/a..b/c."
    assert inside("www", "\u00e9") == "www/\u00e9"
    for path in ("..", "../x", "a/../x", "a/..", "a/../../x", "/x", "//x", "/", "\\x", "a\\x",
                 "..\\x", "a\0", ".x", "a/.x", ".", "a/./x", "a/.", "/../x", "...", "a/..."):
        assert status_of(inside, "www", path) == 404, path


if __name__ == "__main__":
    for name, function in sorted(list(globals().items())):
        if name[:5] == "test_":
            function()
            print("passed", name)
