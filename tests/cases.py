# What the servers have to answer, as one table: request bytes -> what must come back.
#
# Each case is named after the RFC section it checks (9110: semantics, 9112: HTTP/1.1 on the wire,
# 3986: URLs), and is run against both packages: whole, in pieces, and with the client's sending
# side shut down.  And against aiohttp, a server others trust; the end of this file lists where it
# differs.  test_http.py runs the table, apps/http_app.py has the routes.
#
# A case says what comes back (`answers`, in order), whether the connection lives on afterwards
# (`closed`; None: whatever the answer's Connection field announced), and how many handlers ran to
# their end (`runs`): the number that request smuggling would change.  By default that is the
# number of answers below 400.

import string
from collections import namedtuple

Case = namedtuple("Case", "name send answers closed runs partial")
Answer = namedtuple("Answer", "statuses header body saw head")

CASES = []
ANY = -1

MAX_LINE = 2048  # the request line without its CR LF
MAX_HEAD = 4096  # everything up to and including the empty line
MAX_FIELDS = 64
MAX_CHUNK_LINE = 64
MAX_TRAILERS = 1024
MAX_BODY = 16384
TEXT = "text/plain; charset=utf-8"  # the type of errors, and what text/plain becomes


def answer(status, body=None, saw=None, head=False, **header):
    """One answer.  status: a code or several; saw: what the handler saw; head: answers a HEAD.

    header: content_type="text/plain" must be equal, content_length=None must be absent.
    """
    statuses = status if isinstance(status, tuple) else (status,)
    names = {name.replace("_", "-"): value for name, value in header.items()}
    return Answer(statuses, names, body, saw, head)


def case(name, send, *answers, closed=None, runs=None, partial=False):
    """Adds a case.

    send: str (Latin-1: one character is one byte).  partial: the bytes are no whole message, so
    they cannot be tried with the sending side shut down.
    """
    answers = tuple(a if isinstance(a, Answer) else answer(a) for a in answers)
    if runs is None:
        runs = sum(a.statuses[0] < 400 for a in answers)
    send = send.encode("latin-1") if isinstance(send, str) else send
    CASES.append(Case(name, send, answers, closed, runs, partial))


def request(line, *fields, body="", host=True):
    """A request: its line, a Host field, further fields, an empty line, a body."""
    lines = [line] + ["Host: board"] * host + list(fields)
    return "\r\n".join(lines) + "\r\n\r\n" + body


def get(target, *fields):
    return request("GET " + target + " HTTP/1.1", *fields)


def post(*fields, body="", target="/echo"):
    return request("POST " + target + " HTTP/1.1", *fields, body=body)


def sized(body, target="/echo"):
    return post("Content-Length: %d" % len(body), body=body, target=target)


def chunked(body, *fields, target="/echo"):
    return post("Transfer-Encoding: chunked", *fields, body=body, target=target)


# A request that must never be taken for one: whoever sees it answered was smuggled to.
SMUGGLED = get("/smuggled")

# RFC 9112 2: messages ------------------------------------------------------------------------

case("RFC 9112 2.1: a plain GET", get("/hello"),
     answer(200, "hello", content_type=TEXT, content_length="5", connection="close"),
     closed=True)
case("RFC 9112 2.1: a GET kept open", get("/keep"),
     answer(200, "kept", content_length="4"), closed=False)
case("RFC 9112 2.2: an empty line before the request", "\r\n" + get("/keep"), 200, closed=False)
case("RFC 9112 2.2: two empty lines before the request", "\r\n\r\n" + get("/keep"), 200,
     closed=False)
case("RFC 9112 2.2: an empty line between two requests", get("/keep") + "\r\n" + get("/keep"),
     200, 200, closed=False)
case("RFC 9112 2.2: blank before the first field", "GET /keep HTTP/1.1\r\n Host: board\r\n\r\n",
     400, closed=True)
case("RFC 9112 2.2: tab before the first field",
     "GET /keep HTTP/1.1\r\n\tX: y\r\nHost: board\r\n\r\n", 400, closed=True)
for where, head in {
    "an empty line before the request": "\n" + get("/keep"),
    "the request line": "GET /keep HTTP/1.1\nHost: board\r\n\r\n",
    "a field": "GET /keep HTTP/1.1\r\nHost: board\nX: y\r\n\r\n",
    "the last field": "GET /keep HTTP/1.1\r\nHost: board\n\r\n",
    "the empty line": "GET /keep HTTP/1.1\r\nHost: board\r\n\n",
    "every line": "GET /keep HTTP/1.1\nHost: board\n\n",
}.items():
    case("RFC 9112 2.2: bare LF ends " + where, head, 400, closed=True, partial=True)
case("RFC 9112 2.2: a bare LF is refused at once, not at the deadline", "GET /keep HTTP/1.1\n",
     400, closed=True, partial=True)
case("RFC 9112 2.2: a bare LF in a field is refused at once",
     "GET /keep HTTP/1.1\r\nHost: board\n", 400, closed=True, partial=True)
for where, head in {
    "the method": "G\rET /keep HTTP/1.1\r\nHost: board\r\n\r\n",
    "the target": "GET /ke\rep HTTP/1.1\r\nHost: board\r\n\r\n",
    "the version": "GET /keep HTTP/1.\r1\r\nHost: board\r\n\r\n",
    "the end of the request line": "GET /keep HTTP/1.1\r\r\nHost: board\r\n\r\n",
    "a field's name": "GET /keep HTTP/1.1\r\nHost: board\r\nX\rY: z\r\n\r\n",
    "a field's value": "GET /keep HTTP/1.1\r\nHost: board\r\nX: y\rz\r\n\r\n",
    "front of a smuggled length":
        "POST /echo HTTP/1.1\r\nHost: board\r\nX: y\rContent-Length: 5\r\n\r\n",
    "the end of a field": "GET /keep HTTP/1.1\r\nHost: board\r\nX: y\r\r\n\r\n",
}.items():
    case("RFC 9112 2.2: bare CR in " + where, head, 400, closed=True)
case("RFC 9112 2.2: a bare CR before a line end is refused at once", "GET /keep HTTP/1.1\r\r\n",
     400, closed=True, partial=True)
case("RFC 9112 2.2: lines ended by CR alone", "GET /keep HTTP/1.1\rHost: board\r\r\r\n\r\n", 400,
     closed=True)

# RFC 9112 3: the request line ----------------------------------------------------------------

for what, line in {
    "two blanks after the method": "GET  /keep HTTP/1.1",
    "two blanks before the version": "GET /keep  HTTP/1.1",
    "a blank in the target": "GET /ke ep HTTP/1.1",
    "a blank before the method": " GET /keep HTTP/1.1",
    "a blank after the version": "GET /keep HTTP/1.1 ",
    "tabs for blanks": "GET\t/keep\tHTTP/1.1",
    "a vertical tab for a blank": "GET\x0b/keep HTTP/1.1",
    "a form feed for a blank": "GET /keep\x0cHTTP/1.1",
    "a no-break space for a blank": "GET\xa0/keep HTTP/1.1",
    "no version (HTTP/0.9)": "GET /keep",
    "no target": "GET HTTP/1.1",
    "an empty target": "GET  HTTP/1.1",
    "a method alone": "GET",
    "no method": "/keep HTTP/1.1",
    "junk": "\x80\x02\x01\x03 hello",
    "a NUL in the target": "GET /ke\x00ep HTTP/1.1",
    "a control byte in the target": "GET /ke\x01ep HTTP/1.1",
    "an escape byte in the target": "GET /ke\x1bep HTTP/1.1",
    "a DEL in the target": "GET /ke\x7fep HTTP/1.1",
    "a tab in the target": "GET /ke\tep HTTP/1.1",
    "a NUL in the method": "G\x00ET /keep HTTP/1.1",
    "a NUL after the version": "GET /keep HTTP/1.1\x00",
    "no slash in the version": "GET /keep HTTP1.1",
    "another protocol": "GET /keep HTTPS/1.1",
    "another protocol, same length": "GET /keep HTCP/1.1",
    "a lower-case protocol": "GET /keep http/1.1",
    "a version without a minor": "GET /keep HTTP/1",
    "a version without a dot": "GET /keep HTTP/11",
    "a comma for the dot": "GET /keep HTTP/1,1",
    "a version with letters": "GET /keep HTTP/x.y",
    "a version of two digits": "GET /keep HTTP/1.10",
    "a version with a leading zero": "GET /keep HTTP/01.1",
    "a signed version": "GET /keep HTTP/+1.1",
    "a version with a tail": "GET /keep HTTP/1.1x",
    "a version in other digits": "GET /keep HTTP/1.\xd9\xa1",
}.items():
    case("RFC 9112 3: " + what, request(line), 400, closed=True)
for what, line in {
    "a bracket": "GE(T /keep HTTP/1.1",
    "an at sign": "GE@T /keep HTTP/1.1",
    "a slash": "GE/T /keep HTTP/1.1",
    "a quote": 'GE"T /keep HTTP/1.1',
    "a colon": "GET: /keep HTTP/1.1",
}.items():
    case("RFC 9112 3.1: no method is a token with " + what, request(line), 400, closed=True)
case("RFC 9112 3.1: no method is a token with a byte above 127",
     request("G\xc9T /keep HTTP/1.1"), (400, 501), closed=True)
for method in ("BREW", "TRACE", "get", "Get", "GETT", "GE", "PROPFIND", "X" * 100,
               "!#$%&'*+-.^_`|~"):
    case("RFC 9110 9.1: unknown method " + method[:20], request(method + " /keep HTTP/1.1"),
         answer(501, connection="close"), closed=True, runs=0)
case("RFC 9110 9.1: unknown method on an unknown path is 501, not 404",
     request("BREW /nowhere HTTP/1.1"), 501, closed=True)
case("RFC 9110 9.1: the body of an unknown method is no request",
     request("BREW /keep HTTP/1.1", "Content-Length: %d" % len(SMUGGLED), body=SMUGGLED),
     501, closed=True)
case("RFC 9110 9.3.6: CONNECT", request("CONNECT board:80 HTTP/1.1"), (501, 400, 405),
     closed=True)

case("RFC 9112 3: the longest request line",
     get("/echo?" + "x" * (MAX_LINE - len("GET /echo? HTTP/1.1"))),
     answer(200, saw={"path": "/echo"}), closed=False)
case("RFC 9112 3: a request line one byte too long",
     get("/echo?" + "x" * (MAX_LINE + 1 - len("GET /echo? HTTP/1.1"))), 414, closed=True)
case("RFC 9112 3: a request line too long is refused before its end",
     "GET /echo?" + "x" * (MAX_LINE + 1000), 414, closed=True, partial=True)
case("RFC 9112 3: a method without end is refused", "G" * (MAX_LINE + 1000), (414, 400, 501),
     closed=True, partial=True)

# RFC 9112 3.2: forms of the target -----------------------------------------------------------

case("RFC 9112 3.2.1: origin-form", get("/echo?a=1"),
     answer(200, saw={"method": "GET", "url": "/echo?a=1", "path": "/echo", "query": "a=1",
                      "version": "1.1", "parameters": {"a": "1"}}), closed=False)
case("RFC 9112 3.2.2: absolute-form", get("http://board/echo?a=1"),
     answer(200, saw={"path": "/echo", "query": "a=1", "parameters": {"a": "1"}}), closed=False)
case("RFC 9112 3.2.2: absolute-form with a port", get("http://board:80/echo"),
     answer(200, saw={"path": "/echo"}), closed=False)
case("RFC 9112 3.2.2: absolute-form, other host than Host's", get("http://elsewhere/echo"),
     answer(200, saw={"path": "/echo"}), closed=False)
case("RFC 9112 3.2.2: absolute-form without a path", get("http://board"),
     answer(200, "root"), closed=False)
case("RFC 9112 3.2.2: absolute-form, a query and no path", get("http://board?a=/echo"),
     answer(200, "root"), closed=False)
case("RFC 3986 3.1: the scheme is case-insensitive", get("HTTP://board/echo"),
     answer(200, saw={"path": "/echo"}), closed=False)
for target in ("echo", "board/echo", "?a=1", "#", "\\echo", "%2Fecho", ":"):
    case("RFC 9112 3.2: a target that is none of the forms: " + target,
         get(target), (400, 404), closed=None)
case("RFC 9112 3.2.4: OPTIONS *", request("OPTIONS * HTTP/1.1"), (200, 204), runs=0)
case("RFC 9112 3.2.4: * is for OPTIONS only", get("*"), (400, 404), closed=None)
case("RFC 9112 3.2: a host is no path", get("//elsewhere/echo"), 404, closed=None)

# RFC 9110 2.5 and 9112 2.3: versions ---------------------------------------------------------

case("RFC 9112 2.3: HTTP/1.0 is served and closed",
     request("GET /keep HTTP/1.0", host=False),
     answer(200, "kept", content_length="4", connection="close"), closed=True)
case("RFC 9112 2.3: HTTP/1.0 as the handler sees it",
     request("GET /echo HTTP/1.0", host=False), answer(200, saw={"version": "1.0"}), closed=True)
case("RFC 9112 9.3: HTTP/1.0 with keep-alive gets the truth",
     request("GET /keep HTTP/1.0", "Connection: keep-alive"),
     answer(200, "kept", connection="close"), closed=True)
case("RFC 9112 2.3: HTTP/1.0 POST", request("POST /echo HTTP/1.0", "Content-Length: 5",
     body="hello"), answer(200, saw={"body": "hello"}), closed=True)
case("RFC 9112 9.3: nothing is served behind HTTP/1.0",
     request("GET /keep HTTP/1.0") + SMUGGLED, answer(200, "kept"), closed=True)
case("RFC 9110 2.5: a higher minor version is served", request("GET /echo HTTP/1.2"),
     answer(200))
for version in ("2.0", "3.0", "9.9"):
    case("RFC 9110 15.6.6: HTTP/" + version, request("GET /keep HTTP/" + version), 505,
         closed=True)
case("RFC 9110 15.6.6: HTTP/0.9 in a request line", request("GET /keep HTTP/0.9"), (400, 505),
     closed=True)
case("RFC 9113 3.4: the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
     (505, 400, 501), closed=True)

# RFC 9112 5: fields --------------------------------------------------------------------------

case("RFC 9110 5.1: names are case-insensitive", get("/echo", "X-One: 1", "x-TWO: 2"),
     answer(200, saw={"header": {"x-one": "1", "x-two": "2", "host": "board"}}), closed=False)
case("RFC 9110 5.3: repeated fields are joined in order", get("/echo", "X: 1", "Y: 2", "x: 3"),
     answer(200, saw={"header": {"x": "1, 3", "y": "2"}}), closed=False)
case("RFC 9110 5.5: values are trimmed", get("/echo", "X: \t  a b\tc \t ", "Y:z"),
     answer(200, saw={"header": {"x": "a b\tc", "y": "z"}}), closed=False)
case("RFC 9110 5.5: an empty value", get("/echo", "X:", "Y:  "),
     answer(200, saw={"header": {"x": "", "y": ""}}), closed=False)
case("RFC 9110 5.5: colons in a value", get("/echo", "X: a:b: c"),
     answer(200, saw={"header": {"x": "a:b: c"}}), closed=False)
case("RFC 9110 5.5: UTF-8 in a value", get("/echo", "X: \xc3\xa9"),
     answer(200, saw={"header": {"x": "\u00e9"}}), closed=False)
case("RFC 9110 5.5: Latin-1 in a value", get("/echo", "X: \xe9t\xe9"),
     answer(200, saw={"header": {"x": "\u00e9t\u00e9"}}), closed=False)
case("RFC 9110 5.6.2: all characters of a token in a name",
     get("/echo", "!#$%&'*+-.^_`|~09azAZ: x"),
     answer(200, saw={"header": {"!#$%&'*+-.^_`|~09azaz": "x"}}), closed=False)
case("RFC 9110 5.1: a name of one letter", get("/echo", "a: b"),
     answer(200, saw={"header": {"a": "b"}}), closed=False)
for what, field in {
    "no colon": "nocolon",
    "no colon, but blanks": "no colon here",
    "an empty name": ": value",
    "a colon alone": ":",
    "a blank before the colon": "X : y",
    "a tab before the colon": "X\t: y",
    "a blank before the colon of a length": "Content-Length : 5",
    "a blank before the colon of a coding": "Transfer-Encoding : chunked",
    "a blank in the name": "X Y: z",
    "a bracket in the name": "X(: y",
    "a quote in the name": 'X": y',
    "a slash in the name": "X/Y: z",
    "an at sign in the name": "@: z",
    "a byte above 127 in the name": "X\xe9: y",
    "a control byte in the name": "X\x01: y",
    "a NUL in the name": "X\x00: y",
    "a NUL in the value": "X: a\x00b",
    "a NUL as value": "X: \x00",
    "a vertical tab in the name": "\x0bX: y",
    "a DEL in the name": "X\x7f: y",
}.items():
    case("RFC 9112 5.1: " + what, post(field, "Content-Length: 5", body="hello"), 400, closed=True)
for byte in "\x01\x07\x08\x0b\x0c\x0e\x1b\x1f\x7f":
    case("RFC 9110 5.5: the control byte %02x in a value" % ord(byte),
         post("X: a%sb" % byte, "Content-Length: 5", body="hello"), 400, closed=True)
case("RFC 9110 5.5: a control byte as value", get("/keep", "X: \x01"), 400, closed=True)
case("RFC 9110 5.5: a control byte at the end of a value", get("/keep", "X: a\x1f"), 400,
     closed=True)
case("RFC 9110 5.5: a control byte in a value that frames the message",
     post("Content-Length: 5\x01", body="hello"), 400, closed=True)
case("RFC 9110 5.5: tabs and bytes above 127 are no control bytes",
     get("/echo", "X: a\tb\xc2\x85\xc2\x80"),
     answer(200, saw={"header": {"x": "a\tb\x85\x80"}}), closed=False)
case("RFC 9113 8.2.3: cookies are joined in their own way",
     get("/echo", "Cookie: a=1; b=2", "X: y", "COOKIE: c=3", "X: z", "cookie: d=\"4, 5\""),
     answer(200, saw={"header": {"cookie": 'a=1; b=2; c=3; d="4, 5"', "x": "y, z"}}),
     closed=False)
case("RFC 9112 5.2: a folded line", get("/keep", "X: a\r\n b"), 400, closed=True)
case("RFC 9112 5.2: a line folded by a tab", get("/keep", "X: a\r\n\tb"), 400, closed=True)
case("RFC 9112 5.2: a folded line that hides a length",
     post("X: a\r\n Content-Length: 5", body="hello"), 400, closed=True)
case("RFC 9112 5.2: a folded coding", post("Transfer-Encoding:\r\n chunked", body="0\r\n\r\n"),
     400, closed=True)
case("RFC 9112 5.2: a line of blanks in the head", get("/keep", "X: y", " "), 400, closed=True)


def with_head(size, *fields):
    """A GET whose head has exactly `size` bytes."""
    start = get("/echo", *fields, "X: ")
    return start[:-4] + "x" * (size - len(start)) + "\r\n\r\n"


case("RFC 9110 5.4: the largest head", with_head(MAX_HEAD), answer(200), closed=False)
case("RFC 9110 5.4: a head one byte too large", with_head(MAX_HEAD + 1), 431, closed=True)
case("RFC 9110 5.4: a head too large is refused before its end",
     with_head(MAX_HEAD + 2000)[:-4], 431, closed=True, partial=True)
case("RFC 9110 5.4: a name without end is refused",
     "GET /echo HTTP/1.1\r\n" + "X" * (MAX_HEAD + 1000), 431, closed=True, partial=True)
case("RFC 9110 5.4: the most fields", get("/echo", *["X: y"] * (MAX_FIELDS - 1)),
     answer(200), closed=False)
case("RFC 9110 5.4: one field too many", get("/echo", *["X: y"] * MAX_FIELDS), 431, closed=True)
case("RFC 9112 2.2: a head of empty lines only", "\r\n" * 3000, (400, 431), closed=True,
     partial=True)

# RFC 9112 3.2 and 9110 7.2: Host -------------------------------------------------------------

case("RFC 9112 3.2: no Host", request("GET /keep HTTP/1.1", host=False), 400, closed=True)
case("RFC 9112 3.2: two Hosts", get("/keep", "Host: other"), 400, closed=True)
case("RFC 9112 3.2: the same Host twice", get("/keep", "Host: board"), 400, closed=True)
case("RFC 9112 3.2: two Hosts spelt differently", get("/keep", "HOST: board"), 400, closed=True)
case("RFC 9112 3.2: an empty Host", request("GET /keep HTTP/1.1", "Host:", host=False), 400,
     closed=True)
case("RFC 9112 3.2: a comma in Host", request("GET /keep HTTP/1.1", "Host: a,b", host=False),
     400, closed=True)
case("RFC 9112 3.2: Host with a port", request("GET /echo HTTP/1.1", "Host: b:80", host=False),
     answer(200, saw={"header": {"host": "b:80"}}), closed=False)
case("RFC 9112 3.2: Host is an IPv6 address",
     request("GET /echo HTTP/1.1", "Host: [::1]:80", host=False), answer(200), closed=False)

# RFC 9112 6.2: Content-Length ----------------------------------------------------------------

case("RFC 9112 6.2: a body", sized("hello"),
     answer(200, saw={"method": "POST", "body": "hello"}), closed=False)
case("RFC 9112 6.2: an empty body", sized(""), answer(200, saw={"body": ""}), closed=False)
case("RFC 9112 6.3: neither length nor coding is no body", post(),
     answer(200, saw={"body": ""}), closed=False)
for method in ("GET", "PUT", "DELETE", "PATCH"):
    case("RFC 9112 6: a body with " + method,
         request(method + " /echo HTTP/1.1", "Content-Length: 5", body="hello"),
         answer(200, saw={"method": method, "body": "hello"}), closed=False)
case("RFC 9112 6.2: a length of ten digits", post("Content-Length: 0000000005", body="hello"),
     answer(200, saw={"body": "hello"}), closed=False)
case("RFC 9110 5.5: blanks around a length", post("Content-Length: \t 5 \t ", body="hello"),
     answer(200, saw={"body": "hello"}), closed=False)
case("RFC 9112 6.2: the body ends where its length says", sized("hello") + get("/keep"),
     answer(200, saw={"body": "hello"}), answer(200, "kept"), closed=False)
case("RFC 9112 6.2: a body that looks like a request", sized(SMUGGLED),
     answer(200, saw={"body": SMUGGLED}), closed=False)
for what, fields in {
    "plus": ["+5"], "minus": ["-5"], "minus zero": ["-0"], "hexadecimal": ["0x5"],
    "letters": ["five"], "a tail": ["5x"], "a fraction": ["5.0"], "an exponent": ["5e0"],
    "an underscore": ["0_5"], "a blank inside": ["5 5"], "nothing": [""], "quotes": ['"5"'],
    "two, different": ["5", "6"], "two in one, different": ["5, 6"], "two, equal": ["5", "5"],
    "two in one, equal": ["5, 5"],
    "two, first zero": ["0", "5"], "two, second zero": ["5", "0"], "an empty element": ["5,"],
    "an empty second": ["5", ""], "a vertical tab": ["\x0b5"], "a form feed": ["5\x0c"],
    "Arabic digits": ["\xd9\xa5"], "superscript": ["\xb2"], "full-width digits": ["\xef\xbc\x95"],
    "a semicolon": ["5;"], "eleven digits": ["00000000005"], "2 to the 32": ["4294967301" + "0"],
    "2 to the 64": ["18446744073709551621"], "a thousand digits": ["9" * 1000],
}.items():
    case("RFC 9112 6.3: a length with " + what,
         post(*["Content-Length: " + value for value in fields], body="hello"), 400, closed=True)
case("RFC 9112 6.3: a length with a bare CR", post("Content-Length: 5\r6", body="hello"), 400,
     closed=True)
case("RFC 9112 6.3: Content_Length is another field",
     post("Content_Length: 5"), answer(200, saw={"body": ""}), closed=False)
case("RFC 9110 15.5.14: the largest body", sized("x" * MAX_BODY), answer(200), closed=False)
case("RFC 9110 15.5.14: a body one byte too large, by its length alone",
     post("Content-Length: %d" % (MAX_BODY + 1)), answer(413, connection="close"), closed=True,
     partial=True)
case("RFC 9110 15.5.14: the largest length", post("Content-Length: 9999999999"), 413,
     closed=True, partial=True)
case("RFC 9110 15.5.14: a body one byte too large", sized("x" * (MAX_BODY + 1)), 413, closed=True)
case("RFC 9112 6.2: a large body read in pieces", sized("abcdefg" * 10000, "/count"),
     answer(200, "70000"), closed=False)
case("RFC 9112 6.2: a body read in odd pieces", sized("x" * 10007, "/count?size=7"),
     answer(200, "10007"), closed=False)
case("RFC 9112 6.2: a body read by lines", sized("one\r\ntwo\n\nlast", "/lines"),
     answer(200, "5 4 1 4"), closed=False)
case("RFC 9112 6.2: a body read exactly", sized("0123456789", "/exactly"),
     answer(200, "0123 456789"), closed=False)
case("RFC 9112 6.2: a body read into a buffer", sized("0123456789" * 10, "/into"),
     answer(200, "100"), closed=False)
case("RFC 9112 6.3: reads behind the body are empty", sized("hello", "/beyond") + get("/keep"),
     answer(200, "hello||"), answer(200, "kept"), closed=False)
case("RFC 9112 6.3: reads of a request without body are empty", get("/beyond") + get("/keep"),
     answer(200, "||"), answer(200, "kept"), closed=False)

# RFC 9112 6.1: Transfer-Encoding -------------------------------------------------------------

CHUNKS = "5\r\nhello\r\n0\r\n\r\n"
case("RFC 9112 7.1: a chunked body", chunked(CHUNKS),
     answer(200, saw={"body": "hello"}), closed=False)
case("RFC 9112 7.1: several chunks", chunked("1\r\nh\r\n4\r\nello\r\n6\r\n world\r\n0\r\n\r\n"),
     answer(200, saw={"body": "hello world"}), closed=False)
case("RFC 9112 7.1: no chunk but the last", chunked("0\r\n\r\n"),
     answer(200, saw={"body": ""}), closed=False)
case("RFC 9112 7.1: sizes in upper and lower case",
     chunked("A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n"),
     answer(200, saw={"body": "0123456789" * 2}), closed=False)
case("RFC 9112 7.1: a size with leading zeros", chunked("0005\r\nhello\r\n0000\r\n\r\n"),
     answer(200, saw={"body": "hello"}), closed=False)
case("RFC 9112 7.1: a body ends with its last chunk", chunked(CHUNKS) + get("/keep"),
     answer(200, saw={"body": "hello"}), answer(200, "kept"), closed=False)
case("RFC 9112 7.1: a chunk that looks like a request",
     chunked("%x\r\n%s\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)),
     answer(200, saw={"body": SMUGGLED}), closed=False)
case("RFC 9112 7.1: a chunk that looks like the last chunk",
     chunked("5\r\n0\r\n\r\n\r\n0\r\n\r\n"), answer(200, saw={"body": "0\r\n\r\n"}), closed=False)
case("RFC 9112 7.1: a chunked GET", request("GET /echo HTTP/1.1", "Transfer-Encoding: chunked",
     body=CHUNKS), answer(200, saw={"body": "hello"}), closed=False)
case("RFC 9112 7.1: a large chunked body read in pieces",
     chunked("1000\r\n%s\r\n" % ("x" * 4096) * 20 + "0\r\n\r\n", target="/count"),
     answer(200, str(20 * 4096)), closed=False)
case("RFC 9112 7.1: chunks and reads of odd sizes",
     chunked("b\r\n0123456789a\r\n" * 30 + "0\r\n\r\n", target="/count?size=7"),
     answer(200, "330"), closed=False)
case("RFC 9112 7.1: a chunked body read by lines",
     chunked("4\r\none\r\r\n5\r\n\ntwo\n\r\n5\r\n\nlast\r\n0\r\n\r\n", target="/lines"),
     answer(200, "5 4 1 4"), closed=False)
case("RFC 9112 7.1: a chunked body read exactly",
     chunked("3\r\n012\r\n7\r\n3456789\r\n0\r\n\r\n", target="/exactly"),
     answer(200, "0123 456789"))
case("RFC 9112 7.1: reads behind a chunked body are empty",
     chunked(CHUNKS, target="/beyond") + get("/keep"),
     answer(200, "hello||"), answer(200, "kept"), closed=False)
case("RFC 9110 15.5.14: the largest chunked body",
     chunked("%x\r\n%s\r\n0\r\n\r\n" % (MAX_BODY, "x" * MAX_BODY)), answer(200), closed=False)
case("RFC 9110 15.5.14: a chunked body one byte too large",
     chunked("%x\r\n%s\r\n1\r\nx\r\n0\r\n\r\n" % (MAX_BODY, "x" * MAX_BODY)), 413, closed=True)
case("RFC 9112 6.1: names of codings are case-insensitive",
     post("Transfer-Encoding: ChUnKeD", body=CHUNKS), answer(200, saw={"body": "hello"}),
     closed=False)
case("RFC 9112 6.1: blanks around a coding",
     post("transfer-encoding:\t chunked \t", body=CHUNKS), answer(200, saw={"body": "hello"}),
     closed=False)
case("RFC 9112 6.1: Content-Length beside Transfer-Encoding (CL.TE)",
     post("Content-Length: %d" % (5 + len(SMUGGLED)), "Transfer-Encoding: chunked",
          body="0\r\n\r\n" + SMUGGLED), 400, closed=True)
case("RFC 9112 6.1: Transfer-Encoding beside Content-Length (TE.CL)",
     post("Transfer-Encoding: chunked", "Content-Length: 4",
          body="%x\r\n%s\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)), 400, closed=True)
case("RFC 9112 6.1: a length of zero beside Transfer-Encoding",
     post("Content-Length: 0", "Transfer-Encoding: chunked", body="0\r\n\r\n" + SMUGGLED), 400,
     closed=True)
case("RFC 9112 6.1: a length beside an empty Transfer-Encoding",
     post("Content-Length: 5", "Transfer-Encoding:", body="hello"), (400, 501), closed=True)
case("RFC 9112 6.1: a length beside an unknown coding",
     post("Content-Length: 5", "Transfer-Encoding: identity", body="hello"), (400, 501),
     closed=True)
case("RFC 9112 6.1: Transfer-Encoding in HTTP/1.0 is faulty framing",
     request("POST /echo HTTP/1.0", "Transfer-Encoding: chunked", body=CHUNKS + SMUGGLED),
     (400, 200, 501), closed=True, runs=ANY)
for what, fields in {
    "twice in a field": ["chunked, chunked"], "two fields": ["chunked", "chunked"],
    "gzip, then chunked": ["gzip, chunked"], "gzip and chunked, two fields": ["gzip", "chunked"],
    "chunked, then gzip": ["chunked, gzip"], "chunked and gzip, two fields": ["chunked", "gzip"],
    "gzip": ["gzip"], "identity": ["identity"], "identity, then chunked": ["identity, chunked"],
    "chunked, then identity": ["chunked, identity"], "an unknown one": ["cow"],
    "unknown and chunked": ["cow, chunked"], "a prefix": ["xchunked"], "a suffix": ["chunkedx"],
    "half": ["chunk"], "a parameter": ["chunked;q=0.5"], "quotes": ['"chunked"'],
    "apostrophes": ["'chunked'"], "a comma after": ["chunked,"], "a comma before": [", chunked"],
    "a semicolon after": ["chunked;"], "nothing": [""], "a blank inside": ["chun ked"],
    "a vertical tab before": ["\x0bchunked"], "a form feed after": ["chunked\x0c"],
    "a NUL after": ["chunked\x00"], "a control byte before": ["\x01chunked"],
    "a no-break space before": ["\xa0chunked"], "a byte order mark": ["\xef\xbb\xbfchunked"],
    "a bare LF before": ["\nchunked"], "a bare CR after": ["chunked\r"],
    "a long s": ["chunked\xc5\xbf"], "a Kelvin sign for k": ["chun\xe2\x84\xaaed"],
}.items():
    case("RFC 9112 6.1: coding with " + what,
         post(*["Transfer-Encoding: " + value for value in fields], body=CHUNKS + SMUGGLED),
         (501, 400), closed=True)
case("RFC 9112 6.1: unknown codings alone are 501",
     post("Transfer-Encoding: gzip", body="xxx"), 501, closed=True)
case("RFC 9112 6.1: Transfer_Encoding is another field",
     post("Transfer_Encoding: chunked", "Content-Length: 5", body="hello"),
     answer(200, saw={"body": "hello"}), closed=False)
case("RFC 9112 6.1: TE is another field", get("/echo", "TE: trailers, chunked"),
     answer(200, saw={"header": {"te": "trailers, chunked"}}), closed=False)

# RFC 9112 7.1: the syntax of chunks ----------------------------------------------------------

case("RFC 9112 7.1.1: extensions are ignored",
     chunked('5;a=b;c;d="e f"\r\nhello\r\n0;last\r\n\r\n'),
     answer(200, saw={"body": "hello"}), closed=False)
case("RFC 9112 7.1.1: the longest chunk line",
     chunked("5;%s\r\nhello\r\n0\r\n\r\n" % ("x" * (MAX_CHUNK_LINE - 4))),
     answer(200, saw={"body": "hello"}), closed=False)
case("RFC 9112 7.1.1: a chunk line too long",
     chunked("5;%s\r\nhello\r\n0\r\n\r\n" % ("x" * (MAX_CHUNK_LINE - 1))), (400, 413, 431),
     closed=True)
case("RFC 9112 7.1.1: a chunk line without end", chunked("5;" + "x" * 5000), (400, 413, 431),
     closed=True, partial=True)
case("RFC 9112 7.1: a size of many zeros", chunked("0" * 1000 + "5\r\nhello\r\n0\r\n\r\n"),
     (400, 413, 431), closed=True)
case("RFC 9112 7.1.2: trailers are read and dropped",
     chunked("5\r\nhello\r\n0\r\nX: y\r\nContent-Length: 3\r\nHost: other\r\n\r\n") + get("/keep"),
     answer(200, saw={"body": "hello", "header": {"host": "board", "x": None}}),
     answer(200, "kept"), closed=False)
case("RFC 9112 7.1.2: a trailer that looks like a request",
     chunked("0\r\nX: GET /smuggled HTTP/1.1\r\nY: board\r\n\r\n"), answer(200), closed=False)
case("RFC 9112 7.1.2: many small trailers within the limit",
     chunked("0\r\n" + "X: y\r\n" * 150 + "\r\n"), answer(200), closed=False)
case("RFC 9112 7.1.2: trailers too large", chunked("0\r\nX: %s\r\n\r\n" % ("y" * MAX_TRAILERS)),
     (400, 413, 431), closed=True)
case("RFC 9112 7.1.2: trailers without end", chunked("0\r\n" + "X: y\r\n" * 500), (400, 413, 431),
     closed=True, partial=True)
BAD_CHUNKS = {
    "a prefix 0x": "0x5\r\nhello\r\n0\r\n\r\n",
    "a prefix 0X in the last": "5\r\nhello\r\n0x0\r\n\r\n",
    "a plus": "+5\r\nhello\r\n0\r\n\r\n",
    "a minus": "-5\r\nhello\r\n0\r\n\r\n",
    "a minus zero": "5\r\nhello\r\n-0\r\n\r\n",
    "an underscore": "0_5\r\nhello\r\n0\r\n\r\n",
    "a blank before": " 5\r\nhello\r\n0\r\n\r\n",
    "a tab before": "\t5\r\nhello\r\n0\r\n\r\n",
    "a blank after": "5 \r\nhello\r\n0\r\n\r\n",
    "a tab after": "5\t\r\nhello\r\n0\r\n\r\n",
    "a vertical tab after": "5\x0b\r\nhello\r\n0\r\n\r\n",
    "a blank inside": "0 5\r\nhello\r\n0\r\n\r\n",
    "a letter g": "g\r\nhello\r\n0\r\n\r\n",
    "a tail": "5h\r\nhello\r\n0\r\n\r\n",
    "a fraction": "5.0\r\nhello\r\n0\r\n\r\n",
    "a comma": "5,5\r\nhello\r\n0\r\n\r\n",
    "no digit": "\r\nhello\r\n0\r\n\r\n",
    "no digit but an extension": ";x\r\nhello\r\n0\r\n\r\n",
    "Arabic digits": "\xd9\xa5\r\nhello\r\n0\r\n\r\n",
    "a NUL": "5\x00\r\nhello\r\n0\r\n\r\n",
    "no size of the first chunk": "hello\r\n0\r\n\r\n",
    "a bare LF after the size": "5\nhello\r\n0\r\n\r\n",
    "a bare LF after the data": "5\r\nhello\n0\r\n\r\n",
    "a bare LF after the last size": "5\r\nhello\r\n0\n\r\n",
    "a bare LF at the very end": "5\r\nhello\r\n0\r\n\n",
    "a bare LF everywhere": "5\nhello\n0\n\n",
    "a bare LF in an extension": "5;x\ny\r\nhello\r\n0\r\n\r\n",
    "a bare CR after the size": "5\rhello\r\n0\r\n\r\n",
    "a bare CR before CR LF": "5\r\r\nhello\r\n0\r\n\r\n",
    "a bare CR in an extension": "5;x\ry\r\nhello\r\n0\r\n\r\n",
    "no CR LF after the data": "5\r\nhello0\r\n\r\n",
    "other bytes for CR LF": "5\r\nhelloXX0\r\n\r\n",
    "CR and another byte for CR LF": "5\r\nhello\rX0\r\n\r\n",
    "data longer than its size": "4\r\nhello\r\n0\r\n\r\n",
    "data shorter than its size": "6\r\nhello\r\n0\r\n\r\n",
    "a bare LF in a trailer": "0\r\nX: y\n\r\n",
    "a bare CR in a trailer": "0\r\nX: y\rz\r\n\r\n",
}  # fmt: skip
HUGE_CHUNKS = {
    "2 to the 31": "80000000\r\nhello",
    "2 to the 32 and 5": "100000005\r\nhello\r\n0\r\n\r\n",
    "2 to the 64 and 5": "10000000000000005\r\nhello\r\n0\r\n\r\n",
    "40 digits": "f" * 40 + "\r\nhello",
}
for what, body in BAD_CHUNKS.items():
    case("RFC 9112 7.1: a chunk with " + what, chunked(body + SMUGGLED), 400, closed=True)
    case("RFC 9112 7.1: unread, a chunk with " + what,
         chunked(body + SMUGGLED, target="/unread"), answer((200, 400)), closed=True, runs=ANY)
for what, body in HUGE_CHUNKS.items():
    case("RFC 9112 7.1: a chunk of " + what, chunked(body), (413, 400), closed=True, partial=True)
case("RFC 9112 7.1: a chunk larger than the body may be, at its first byte",
     chunked("%x\r\nx" % (MAX_BODY + 1)), 413, closed=True, partial=True)

# RFC 9110 9: methods -------------------------------------------------------------------------

case("RFC 9110 9.3.2: HEAD has the header of GET and no body", request("HEAD /keep HTTP/1.1"),
     answer(200, "", head=True, content_length="4", content_type=TEXT), closed=False)
case("RFC 9110 9.3.2: HEAD of a closing answer", request("HEAD /hello HTTP/1.1"),
     answer(200, "", head=True, content_length="5", connection="close"), closed=True)
case("RFC 9110 9.3.2: the handler of HEAD sees HEAD", request("HEAD /method HTTP/1.1"),
     answer(200, "", head=True, x_method="HEAD"), closed=False)
case("RFC 9110 9.3.2: HEAD of a file", request("HEAD /file HTTP/1.1"),
     answer(200, "", head=True, content_length="10007"))
case("RFC 9110 9.3.2: HEAD of a body of many writes", request("HEAD /writes HTTP/1.1"),
     answer(200, "", head=True, content_length="6"), closed=False)
case("RFC 9110 9.3.2: HEAD of a body larger than the buffer",
     request("HEAD /pieces?sizes=1000,1000,1000 HTTP/1.1") + get("/keep"),
     answer(200, "", head=True, content_length="3000"), answer(200, "kept"), closed=False)
case("RFC 9110 9.3.2: HEAD, then GET", request("HEAD /keep HTTP/1.1") + get("/keep"),
     answer(200, "", head=True), answer(200, "kept"), closed=False)
case("RFC 9110 9.3.2: HEAD of nothing", request("HEAD /nowhere HTTP/1.1"),
     answer(404, "", head=True))
case("RFC 9110 9.3.2: HEAD where only POST is", request("HEAD /count HTTP/1.1"),
     answer(405, "", head=True, allow={"POST", "OPTIONS"}))
case("RFC 9110 9.3.2: HEAD of a failing handler", request("HEAD /boom HTTP/1.1"),
     answer(500, "", head=True))
case("RFC 9110 9.3.7: OPTIONS of a path", request("OPTIONS /hello HTTP/1.1"),
     answer((200, 204), "", allow={"GET", "HEAD", "OPTIONS"}), runs=0)
case("RFC 9110 9.3.7: OPTIONS of a path with many methods", request("OPTIONS /echo HTTP/1.1"),
     answer((200, 204), allow={"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"}),
     runs=0)
case("RFC 9110 9.3.7: OPTIONS of nothing", request("OPTIONS /nowhere HTTP/1.1"), 404)
case("RFC 9110 9.3.7: OPTIONS with a handler of its own", request("OPTIONS /preflight HTTP/1.1"),
     answer(204, x_preflight="yes"))
case("RFC 9110 9.3.7: the body of OPTIONS is no request",
     request("OPTIONS /hello HTTP/1.1", "Content-Length: %d" % len(SMUGGLED), body=SMUGGLED),
     answer((200, 204)), runs=0)
case("RFC 9110 15.5.5: nothing there", get("/nowhere"), 404)
case("RFC 9110 15.5.5: an error has a length and a text",
     get("/nowhere"), answer(404, string.ascii_letters, content_type=TEXT))
case("RFC 9110 15.5.6: another method", request("DELETE /hello HTTP/1.1"),
     answer(405, allow={"GET", "HEAD", "OPTIONS"}))
case("RFC 9110 15.5.6: GET where only POST is", get("/count"),
     answer(405, allow={"POST", "OPTIONS"}))
case("RFC 9110 15.5.6: a wrong method is no 404", request("PUT /item/7 HTTP/1.1"), 405)
case("RFC 9110 15.5.6: a wrong path is no 405", request("PUT /nowhere HTTP/1.1"), 404)
case("RFC 9110 15.5.5: the body of a 404 is no request", sized(SMUGGLED, "/nowhere"), 404)
case("RFC 9110 15.5.6: the body of a 405 is no request", sized(SMUGGLED, "/hello"), 405)

# RFC 9110 10.1.1: Expect ---------------------------------------------------------------------

case("RFC 9110 10.1.1: a body that did not wait for its 100",
     post("Expect: 100-continue", "Content-Length: 5", body="hello"),
     answer(200, saw={"body": "hello"}), closed=False)
case("RFC 9110 10.1.1: 100-Continue is case-insensitive",
     post("Expect: 100-CONTINUE", "Content-Length: 5", body="hello"),
     answer(200, saw={"body": "hello"}), closed=False)
case("RFC 9110 10.1.1: 100-continue without a body", get("/keep", "Expect: 100-continue"),
     answer(200, "kept"), closed=False)
case("RFC 9110 10.1.1: HTTP/1.0 cannot expect",
     request("POST /echo HTTP/1.0", "Expect: 100-continue", "Content-Length: 5", body="hello"),
     answer(200, saw={"body": "hello"}), closed=True)
for what in ("200-ok", "100-continue, 200-ok", "100", "tea", "100-continuex"):
    case("RFC 9110 10.1.1: Expect: " + what,
         post("Expect: " + what, "Content-Length: 5", body="hello"), 417, closed=True)
case("RFC 9110 10.1.1: the body of a 417 is no request",
     post("Expect: tea", "Content-Length: %d" % len(SMUGGLED), body=SMUGGLED), 417, closed=True)

# RFC 9112 9: connections ---------------------------------------------------------------------

case("RFC 9112 9.3.2: pipelined requests are answered in order",
     get("/item/1") + sized("two") + get("/item/3") + chunked(CHUNKS) + get("/keep"),
     answer(200, "1"), answer(200, saw={"body": "two"}), answer(200, "3"),
     answer(200, saw={"body": "hello"}), answer(200, "kept"), closed=False)
case("RFC 9112 9.3.2: fifty pipelined requests", get("/keep") * 50, *[answer(200, "kept")] * 50,
     closed=False)
case("RFC 9112 9.6: nothing is answered behind a close", get("/keep", "Connection: close") +
     SMUGGLED, answer(200, "kept", connection="close"), closed=True)
case("RFC 9112 9.6: nothing is answered behind a closing answer", get("/hello") + SMUGGLED,
     answer(200, "hello", connection="close"), closed=True)
case("RFC 9112 9.6: nothing is answered behind a bad request",
     get("/keep") + "BAD\r\n\r\n" + SMUGGLED, answer(200, "kept"), answer(400), closed=True)
for value, closed in {"close": True, "Close": True, "CLOSE": True, "keep-alive": False,
                      "keep-alive, close": True, "close, te": True, "te,close": True,
                      "te , close ,": True, "closed": None, "x-close": None, "": False,
                      "upgrade": False}.items():
    case("RFC 9112 9.3: Connection: " + value, get("/keep", "Connection: " + value),
         answer(200, "kept"), closed=closed)
case("RFC 9112 9.3: Connection twice", get("/keep", "Connection: te", "Connection: close"),
     answer(200, "kept"), closed=True)
case("RFC 9110 7.8: an upgrade is not taken",
     get("/keep", "Connection: upgrade", "Upgrade: websocket"), answer(200, "kept"), closed=False)
case("RFC 9112 9.3: an unread body and an answer that would keep open",
     sized(SMUGGLED, "/unread"), answer(200, "unread"))
case("RFC 9112 9.3: an unread chunked body and an answer that would keep open",
     chunked("%x\r\n%s\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED), target="/unread"),
     answer(200, "unread"))
case("RFC 9112 9.3: a body half read",
     sized("x" * 10 + SMUGGLED, "/half"), answer(200, "x" * 10))
case("RFC 9112 9.3: a chunked body half read",
     chunked("%x\r\n%s\r\n0\r\n\r\n" % (10 + len(SMUGGLED), "x" * 10 + SMUGGLED), target="/half"),
     answer(200, "x" * 10))
case("RFC 9112 9.3: a large unread body, to the end", sized("x" * 50000, "/unread"),
     answer(200, "unread"))

# RFC 3986 2.1: percent-encoding --------------------------------------------------------------

case("RFC 3986 2.1: an escaped letter is the letter", get("/%65ch%6F"),
     answer(200, saw={"path": "/echo"}), closed=False)
case("RFC 3986 2.1: an escaped slash is a slash", get("/item%2F7"),
     answer(200, "7"), closed=False)
case("RFC 3986 2.4: decoded only once", get("/item/%2541"), answer(200, "%41"), closed=False)
case("RFC 3986 2.1: an escaped question mark begins no query", get("/echo%3Fa=1"), 404)
case("RFC 3986 2.1: UTF-8 in a path", get("/item/%C3%A9%e2%82%ac"), answer(200, "\u00e9\u20ac"),
     closed=False)
case("RFC 3986 2.1: four bytes of UTF-8", get("/item/%F0%9F%98%80"), answer(200, "\U0001f600"),
     closed=False)
case("RFC 3986 2.1: bytes above 127 count as if escaped", get("/item/\xc3\xa9?\xc3\xa9=\xc3\xa9"),
     answer(200, "\u00e9"), closed=False)
case("RFC 3986 2.1: plus in a path is a plus", get("/item/a+b"), answer(200, "a+b"), closed=False)
for text in ("%", "%4", "%zz", "%4g", "%g4", "%u0041", "100%", "%%", "%+1", "%-1",
             "%0x41", "%1_1"):
    case("RFC 3986 2.1: an invalid escape stays: " + text, get("/item/" + text),
         answer(200, text), closed=False)
for what, escape in {
    "overlong dot": "%c0%ae", "overlong slash": "%c0%af", "overlong NUL": "%c0%80",
    "overlong, three bytes": "%e0%80%af", "overlong, four bytes": "%f0%80%80%af",
    "a surrogate": "%ed%a0%80", "a pair of surrogates": "%ed%a0%bd%ed%b8%80",
    "above U+10FFFF": "%f4%90%80%80", "five bytes": "%f8%88%80%80%80", "a lone byte": "%ff",
    "a lone continuation": "%80", "a cut sequence": "%c3", "a cut sequence, then a letter": "%c3a",
    "a cut sequence of three": "%e2%82", "Latin-1": "%e9", "raw Latin-1": "\xe9",
    "raw overlong": "\xc0\xae", "half raw overlong": "\xc0%ae", "NUL": "%00",
}.items():
    lenient = "aiohttp leaves what it cannot decode; RFC 3629 10 warns of decoding it"
    case("RFC 3629 3: " + what + " in a path", get("/item/" + escape), 400, closed=True)
    case("RFC 3629 3: " + what + " in a query", get("/echo?a=" + escape), 400, closed=True)
    case("RFC 3629 3: " + what + " in a name of the query", get("/echo?%s=1" % escape), 400,
         closed=True)
for query, parameters in {
    "": {}, "a=1&b=2": {"a": "1", "b": "2"}, "a": {"a": ""}, "a=": {"a": ""},
    "a&b=2": {"a": "", "b": "2"}, "a=1&a=2": {"a": "1"}, "a=1&%61=2": {"a": "1"},
    "a&a=2": {"a": ""}, "a=b=c": {"a": "b=c"}, "a+b=c+d": {"a b": "c d"}, "a=%2B": {"a": "+"},
    "a=%26b%3D1": {"a": "&b=1"}, "%3D=%25": {"=": "%"}, "a;b=1": {"a;b": "1"},
    "a=%zz%": {"a": "%zz%"}, "a=%C3%A9": {"a": "\u00e9"}, "a=b?c=/d": {"a": "b?c=/d"},
    "a=%2541": {"a": "%41"}, "a=1&b=%41&c=+": {"a": "1", "b": "A", "c": " "},
}.items():
    case("WHATWG URL 5.1: the query ?" + query, get("/echo?" + query),
         answer(200, saw={"path": "/echo", "query": query, "parameters": parameters}),
         closed=False)
case("RFC 3986 6.2.2.3: dot segments stay, and match no other path", get("/x/../echo"), 404)
case("RFC 3986 6.2.2.3: escaped dot segments stay", get("/x/%2e%2e/echo"), 404)
case("RFC 3986 6.2.2.3: double slashes stay", get("/item//7"), 404)
case("RFC 3986 3.3: a slash at the end is another path", get("/echo/"), 404)
case("RFC 3986 3.3: paths are case-sensitive", get("/Echo"), 404)
case("routes: a name takes one segment", get("/item/a.b~c"), answer(200, "a.b~c"), closed=False)
case("routes: a name takes no empty segment", get("/item/"), 404)
case("routes: a name takes no second segment", get("/item/a/b"), 404)
case("routes: an exact route wins", get("/item/exact"), answer(200, "exactly"), closed=False)
case("routes: a path takes the rest", get("/rest/a/b/c"), answer(200, "a/b/c"), closed=False)
case("routes: a path takes an empty rest", get("/rest/"), answer(200, ""), closed=False)
case("routes: a name wins over the query", get("/item/7?name=8"), answer(200, "7"), closed=False)

# What goes out -------------------------------------------------------------------------------

for index in range(15):
    case("RFC 9110 5.5: no header injection, number %d" % index, get("/inject?n=%d" % index),
         answer(200, "ValueError"))
case("RFC 9110 5.3: a list is a repeated field", get("/cookies"),
     answer(200, "cookies", set_cookie=["a=1", "b=2"]), closed=False)
case("RFC 9110 8.3: text is UTF-8", get("/text"),
     answer(200, "20 \u00b0C", content_length="6"), closed=False)
for given, sent in {
    "text/html": "text/html; charset=utf-8",
    "text/css": "text/css; charset=utf-8",
    "text/x-log": "text/x-log; charset=utf-8",
    "TEXT/HTML": "TEXT/HTML; charset=utf-8",
    "Text/Plain": "Text/Plain; charset=utf-8",
    "text/plain; format=flowed": "text/plain; format=flowed; charset=utf-8",
    "text/html; charset=iso-8859-1": "text/html; charset=iso-8859-1",
    "text/html;charset=utf-8": "text/html;charset=utf-8",
    'text/plain; format=flowed; Charset="latin1"': 'text/plain; format=flowed; Charset="latin1"',
    "TEXT/PLAIN;CHARSET=KOI8-R": "TEXT/PLAIN;CHARSET=KOI8-R",
    "text/event-stream": "text/event-stream",
    "Text/Event-Stream": "Text/Event-Stream",
    "application/json": "application/json",
    "image/svg+xml": "image/svg+xml",
    "application/text": "application/text",
}.items():
    case("RFC 9110 8.3.2: the charset of " + given,
         get("/type?is=" + given.replace(" ", "%20").replace("+", "%2B").replace('"', "%22")),
         answer(200, "20 \u00b0C", content_type=sent), closed=False)
case("RFC 9110 8.6: bytes pass as they are", get("/bytes"),
     answer(200, bytes(range(256)), content_length="256"), closed=False)
case("RFC 9110 8.6: a body that is a bytearray", get("/buffer"),
     answer(200, "buffer", content_length="6"), closed=False)
case("RFC 9110 8.6: a body that is a memoryview", get("/buffer?view"),
     answer(200, "buffer", content_length="6"), closed=False)
case("RFC 9110 8.6: an empty body has a length", get("/empty"),
     answer(200, "", content_length="0"), closed=False)
case("RFC 9110 8.6: a file has its length", get("/file"), answer(200, content_length="10007"),
     closed=True)
case("RFC 9110 8.6: a file kept open", get("/file?keep"), answer(200, content_length="10007"),
     closed=False)
case("RFC 9110 8.6: a file's part", get("/file?start=10000&length=5"),
     answer(200, content_length="5"))
case("RFC 9110 15.5.5: a missing file is 404 though 200 was meant", get("/missing"), answer(404))
case("RFC 9110 8.6: writes before the first drain have a length", get("/writes"),
     answer(200, "abcdef", content_length="6"), closed=False)
CHUNKED_ANSWER = answer(200, "one two ", content_length=None, transfer_encoding="chunked")
case("RFC 9112 7.1: what is drained leaves in chunks", get("/stream"), CHUNKED_ANSWER,
     closed=False)
case("RFC 9112 7.1: other answers follow those in chunks",
     get("/stream") + get("/keep") + get("/stream") + get("/stream") + get("/keep"),
     CHUNKED_ANSWER, answer(200, "kept"), CHUNKED_ANSWER, CHUNKED_ANSWER, answer(200, "kept"),
     closed=False)
case("RFC 9112 7.1: chunks before a close", get("/stream", "Connection: close"),
     answer(200, "one two ", content_length=None, transfer_encoding="chunked",
            connection="close"), closed=True)
case("RFC 9112 6.1: HTTP/1.0 knows no chunks", request("GET /stream HTTP/1.0"),
     answer(200, "one two ", content_length=None, transfer_encoding=None, connection="close"),
     closed=True)
case("RFC 9112 6.1: HTTP/1.0 knows no chunks, whatever it says",
     request("GET /stream HTTP/1.0", "Connection: keep-alive", "TE: chunked"),
     answer(200, "one two ", content_length=None, transfer_encoding=None), closed=True)
case("RFC 9110 9.3.2: HEAD of what would leave in chunks", request("HEAD /stream HTTP/1.1"),
     answer(200, "", head=True, content_length=None))
for code in (204, 304):
    case("RFC 9112 6.1: no chunks in a %d" % code, get("/status/%d?drain" % code) + get("/keep"),
         answer(code, "", content_length=None, transfer_encoding=None), answer(200, "kept"),
         closed=False)
case("RFC 9112 6.3: a length given by the application", get("/length?n=10"),
     answer(200, "0123456789", content_length="10"), closed=False)
case("RFC 9110 8.6: the excess is not sent", get("/length?n=5"),
     answer((200, 500)))
case("RFC 9110 8.6: a file larger than the length given", get("/length?n=5000&file"), answer(500),
     runs=1)
case("RFC 9110 15.6.1: a handler that fails", get("/boom"), answer(500))
case("RFC 9110 15.6.1: a handler that fails after send", get("/boom?send"), answer(500))
case("RFC 9110 15: a handler that refuses", get("/refuse?status=418"), answer(418))
case("RFC 9110 15: a handler that refuses with 409", get("/refuse?status=409"), answer(409))
case("RFC 9110 15: a refusal's text cannot forge a header", get("/refuse?status=400&evil"),
     answer(400, x_evil=None))
case("RFC 9110 6.4.1: no body in a 204", get("/status/204?body"),
     answer(204, "", content_length=None), closed=False)
case("RFC 9110 6.4.1: no body in a 304", get("/status/304?body"), answer(304, ""), closed=False)
case("RFC 9110 6.4.1: 204, then another request", get("/status/204") + get("/keep"),
     answer(204, ""), answer(200, "kept"), closed=False)
case("RFC 9110 6.4.1: 304, then another request", get("/status/304") + get("/keep"),
     answer(304, ""), answer(200, "kept"), closed=False)
case("RFC 9110 6.4.1: no file in a 304, then another request", get("/unchanged") + get("/keep"),
     answer(304, ""), answer(200, "kept"), closed=False)
case("RFC 9112 9.6: output of the handler's own making closes", get("/raw"),
     answer(200, "raw", x_own="yes"), closed=True)
case("RFC 9112 9.6: a handler that closes its connection", get("/closed") + get("/keep"),
     answer(200, "closed", connection="close"), closed=True)
case("RFC 9112 9.6: a response from a file closes", get("/own"),
     answer(200, "own" * 1000, x_own="yes"), closed=True)

# Where aiohttp (3.14) differs ----------------------------------------------------------------
#
# By the beginnings of the cases' names, each with what the RFC says.  The tests check that it
# still differs.  "choice" marks what the RFC leaves open and this project decided.

CHOSEN_LIMIT = "choice: the limit is this project's"
CHOSEN_CLOSE = "choice: a handler's answer closes unless it says close=False (9112 9.6 allows it)"
LENIENT_UTF8 = "aiohttp leaves what it cannot decode; 3629 10 warns of decoding invalid sequences"
NOT_TRIED = "about this project's interface: the trusted application has no such handler"
ERROR_CLOSES = "choice: errors close (9110 10.1.1 leaves it open); aiohttp goes on behind the body"
CODINGS = "9112 6.1: 501 SHOULD be sent for an unknown coding; aiohttp goes by the last one"

TRUSTED_DIFFERS = {
    "RFC 9112 2.1: a plain GET": CHOSEN_CLOSE,
    "RFC 9112 2.2: bare LF ends an empty line before":
        "choice: 9112 2.2 says MAY recognize a single LF; aiohttp does so before a request",
    "RFC 9112 3: two blanks": "choice: 9112 3 says MAY parse on whitespace-delimited words",
    "RFC 9112 3: no version (HTTP/0.9)": "9112 3 has no such form; aiohttp answers `HTTP/0.9 200`",
    "RFC 9110 9.1: unknown method":
        "9110 9.1: SHOULD respond with 501; aiohttp answers 405 or 400 to all it has no route for",
    "RFC 9110 9.1: the body of an unknown method": "9110 9.1: SHOULD respond with 501",
    "RFC 9110 9.3.6: CONNECT": "aiohttp takes all that follows for the tunnel",
    "RFC 9112 3: a request line one byte too long": CHOSEN_LIMIT,
    "RFC 9112 3: a request line too long is refused": CHOSEN_LIMIT,
    "RFC 9112 3.2.2: absolute-form without a path":
        "9110 4.2.3: an empty path is equivalent to an absolute path of `/`; aiohttp: 404",
    "RFC 9112 3.2.2: absolute-form, a query and no path": "as above",
    "RFC 9112 3.2.4: OPTIONS *": "9110 9.3.7: `*` asks about the server; aiohttp: 404",
    "RFC 9112 9.3: HTTP/1.0 with keep-alive": "choice: 9112 9.3 lets a server keep HTTP/1.0 open",
    "RFC 9112 9.3: nothing is served behind HTTP/1.0":
        "9112 9.6: answer, then close; aiohttp refuses the first request for what follows it",
    "RFC 9112 9.6: nothing is answered behind a close": "as above",
    "RFC 9112 9.6: nothing is answered behind a closing answer": CHOSEN_CLOSE,
    "RFC 9112 9.6: nothing is answered behind a bad request":
        "9112 9.3.2: pipelined responses MUST be in order; aiohttp answers the bad one only",
    "RFC 9110 2.5: a higher minor version":
        "9110 2.5: process as the highest minor version it implements; aiohttp: 400",
    "RFC 9110 15.6.6: HTTP/": "9110 2.5: CAN send 505 (choice); aiohttp: 400, and serves 0.9",
    "RFC 9110 5.5: Latin-1 in a value": "choice: 9110 5.5: obs-text is opaque data",
    "RFC 9110 5.4: a head": CHOSEN_LIMIT,
    "RFC 9110 5.4: a name without end": CHOSEN_LIMIT,
    "RFC 9110 5.4: one field too many": CHOSEN_LIMIT,
    "RFC 9112 2.2: a head of empty lines only": "9112 2.2: at least one CRLF; aiohttp: any number",
    "RFC 9112 3.2: an empty Host": "choice: 9112 3.2 allows it for targets without an authority",
    "RFC 9112 3.2: a comma in Host": "choice: 9112 3.2 wants 400 for invalid values; aiohttp: 200",
    "RFC 9112 6.3: a length with eleven digits": CHOSEN_LIMIT,
    "RFC 9112 6.3: a length with 2 to the 32": CHOSEN_LIMIT,
    "RFC 9110 15.5.14: a": CHOSEN_LIMIT + ", and errors close",
    "RFC 9110 15.5.14: the largest length": CHOSEN_LIMIT,
    "RFC 9112 6.1: blanks around a coding":
        "9110 5.5: white space around a value is excluded; aiohttp refuses it behind this one",
    "RFC 9112 6.1: coding with gzip, then chunked": CODINGS,
    "RFC 9112 6.1: coding with identity, then chunked": CODINGS,
    "RFC 9112 6.1: coding with unknown and chunked": CODINGS,
    "RFC 9112 6.1: coding with a comma before":
        "choice: 9110 5.6.1.2 lets a server ignore empty elements of a list",
    "RFC 9112 6.1: unknown codings alone":
        "9112 6.1: SHOULD respond with 501 (but 6.3: MUST respond with 400, as aiohttp does)",
    "RFC 9112 7.1.1: a chunk line": CHOSEN_LIMIT,
    "RFC 9112 7.1: a size of many zeros": CHOSEN_LIMIT,
    "RFC 9112 7.1.2: trailers are read":
        "9110 6.5.1: a recipient MUST NOT merge them unless it knows how; aiohttp refuses some",
    "RFC 9112 7.1.2: trailers too large": CHOSEN_LIMIT,
    "RFC 9112 7.1.2: many small trailers": CHOSEN_LIMIT,
    "RFC 9112 7.1: a chunk of 2 to the 3": CHOSEN_LIMIT + ", before its data",
    "RFC 9112 7.1: a chunk larger than the body": CHOSEN_LIMIT + ", before its data",
    "RFC 9110 9.3.2: HEAD of a closing answer": CHOSEN_CLOSE,
    "RFC 9110 9.3.2: HEAD where only POST is": "aiohttp answers no OPTIONS by itself",
    "RFC 9110 9.3.7: OPTIONS of a path": "aiohttp answers no OPTIONS by itself",
    "RFC 9110 9.3.7: the body of OPTIONS": "aiohttp answers no OPTIONS by itself",
    "RFC 9110 15.5.6: another method": "aiohttp answers no OPTIONS by itself",
    "RFC 9110 15.5.6: GET where only POST is": "aiohttp answers no OPTIONS by itself",
    "RFC 9110 10.1.1: Expect: ": ERROR_CLOSES,
    "RFC 9110 10.1.1: the body of a 417": ERROR_CLOSES,
    "RFC 3986 2.1: an escaped slash": "choice: 3986 2.2 keeps %2F apart from /, the routes do not",
    "RFC 3986 2.1: bytes above 127": "choice: 3986 2 has no such characters; aiohttp: surrogates",
    "RFC 3629 3: overlong": LENIENT_UTF8,
    "RFC 3629 3: a ": LENIENT_UTF8,
    "RFC 3629 3: above": LENIENT_UTF8,
    "RFC 3629 3: five": LENIENT_UTF8,
    "RFC 3629 3: Latin-1": LENIENT_UTF8,
    "RFC 3629 3: NUL": "choice: 3986 7.3 warns of %00; aiohttp hands it to the handler",
    "RFC 9110 5.5: no header injection": NOT_TRIED,
    "RFC 9110 8.6: a file has its length": CHOSEN_CLOSE,
    "RFC 9110 8.6: a file's part": NOT_TRIED,
    "RFC 9110 8.3.2: the charset of": NOT_TRIED,
    "RFC 9112 6.1: HTTP/1.0 knows no chunks":
        "choice: Connection: close also for HTTP/1.0, where 9112 9.3 makes it needless",
    "RFC 9112 6.1: HTTP/1.0 knows no chunks, whatever": "choice: 9112 9.3: HTTP/1.0 may be kept",
    "RFC 9112 9.6: output of the handler's own making": NOT_TRIED,
    "RFC 9112 9.6: a response from a file": NOT_TRIED,
    "RFC 9110 8.6: a file larger than the length given": NOT_TRIED,
    "RFC 9110 6.4.1: no file in a 304": NOT_TRIED,
}  # fmt: skip


def trusted_differs(case):
    """Why aiohttp differs from the case; "" where it must not."""
    matching = [name for name in TRUSTED_DIFFERS if case.name.startswith(name)]
    return TRUSTED_DIFFERS[max(matching, key=len)] if matching else ""
