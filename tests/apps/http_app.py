# The application of cases.py: what it answers shows what the server made of the request.
# /seen tells which handlers ran since it was asked last; trusted.py has the same routes.

import gc
import json
import sys

from ahttpserver import HTTPResponse, HTTPServer, InvalidRequest, sendfile
from run_ahttpserver import run

app = HTTPServer("127.0.0.1", int(sys.argv[1]), timeout=5, log=print)
seen = []

with open("data.txt", "wb") as file:
    file.write(b"0123456789\n" * 909 + b"01234567")


async def answer(writer, body, mimetype="text/plain"):
    response = HTTPResponse(200, mimetype, close=False)
    await response.send(writer, body)


def ran(request):
    if len(seen) < 60:  # more than a case needs; memory is short
        seen.append(request.method + " " + request.path)


@app.route("GET", "/seen")
async def get_seen(reader, writer, request):
    body = json.dumps(seen)
    seen.clear()
    await answer(writer, body)


@app.route("GET", "/heap")
async def heap(reader, writer, request):
    gc.collect()
    await answer(writer, str(gc.mem_alloc()))


@app.route("GET", "/")
async def root(reader, writer, request):
    ran(request)
    await answer(writer, "root")


@app.route("GET", "/hello")
async def hello(reader, writer, request):
    ran(request)
    response = HTTPResponse(200, "text/plain")
    await response.send(writer, "hello")


@app.route("GET", "/keep")
async def keep(reader, writer, request):
    ran(request)
    await answer(writer, "kept")


@app.route("GET", "/smuggled")
async def smuggled(reader, writer, request):
    ran(request)
    await answer(writer, "smuggled")


@app.route("GET", "/echo")
@app.route("POST", "/echo")
@app.route("PUT", "/echo")
@app.route("DELETE", "/echo")
@app.route("PATCH", "/echo")
async def echo(reader, writer, request):
    body = await reader.read()
    ran(request)
    facts = {
        "method": request.method,
        "url": request.url,
        "path": request.path,
        "query": request.query,
        "version": request.version,
        "parameters": request.parameters,
        "header": request.header,
        "body": str(body, "utf-8"),
    }
    await answer(writer, json.dumps(facts), "application/json")


@app.route("GET", "/method")
async def method(reader, writer, request):
    ran(request)
    response = HTTPResponse(200, close=False, header={"X-Method": request.method})
    await response.send(writer, "")


# Ways to read a body.


@app.route("POST", "/count")
async def count(reader, writer, request):
    size = int(request.parameters.get("size", 4096))
    total = 0
    while True:
        data = await reader.read(size)
        if not data:
            break
        assert len(data) <= size
        total += len(data)
    ran(request)
    await answer(writer, str(total))


@app.route("POST", "/lines")
async def lines(reader, writer, request):
    lengths = []
    while True:
        line = await reader.readline()
        if not line:
            break
        lengths.append(str(len(line)))
    ran(request)
    await answer(writer, " ".join(lengths))


@app.route("POST", "/exactly")
async def exactly(reader, writer, request):
    first = await reader.readexactly(4)
    rest = await reader.readexactly(6)
    ran(request)
    await answer(writer, first + b" " + rest)


@app.route("POST", "/into")
async def into(reader, writer, request):
    buffer = bytearray(7)
    total = 0
    while True:
        number = await reader.readinto(buffer)
        if not number:
            break
        total += number
    ran(request)
    await answer(writer, str(total))


@app.route("GET", "/beyond")
@app.route("POST", "/beyond")
async def beyond(reader, writer, request):
    first = await reader.read()
    second = await reader.read(5)
    third = await reader.readline()
    ran(request)
    await answer(writer, b"|".join([first, second, third]))


@app.route("POST", "/unread")
async def unread(reader, writer, request):
    ran(request)
    await answer(writer, "unread")


@app.route("POST", "/late")
async def late(reader, writer, request):
    response = HTTPResponse(200, "text/plain", header={"Content-Length": "11"})
    await response.send(writer)
    writer.write("first ")
    await writer.drain()
    ran(request)
    writer.write(await reader.read())


@app.route("POST", "/half")
async def half(reader, writer, request):
    data = await reader.readexactly(10)
    ran(request)
    await answer(writer, data)


# Patterns of paths.


@app.route("GET", "/item/<name>")
async def item(reader, writer, request):
    ran(request)
    await answer(writer, request.parameters["name"])


@app.route("GET", "/item/exact")
async def item_exact(reader, writer, request):
    ran(request)
    await answer(writer, "exactly")


@app.route("GET", "/rest/<path:rest>")
async def rest(reader, writer, request):
    ran(request)
    await answer(writer, request.parameters["rest"])


@app.route("OPTIONS", "/preflight")
async def preflight(reader, writer, request):
    ran(request)
    response = HTTPResponse(204, close=False, header={"X-Preflight": "yes"})
    await response.send(writer)


# Ways to answer.

INJECTIONS = (
    ("X", "a\r\nEvil: b"),
    ("X", "a\rEvil: b"),
    ("X", "a\nEvil: b"),
    ("X", "a\0b"),
    ("X\r\nEvil", "b"),
    ("X\nEvil", "b"),
    ("X\rEvil", "b"),
    ("X\0", "b"),
    ("X", ["a", "b\r\nEvil: c"]),
    ("X", "a\r\n\r\nevil"),
    ("Transfer-Encoding", "chunked"),
    ("transfer-encoding", "gzip"),
    ("TRANSFER-encoding", "identity"),
    (None, "text/html\r\nEvil: b"),
    (None, "text/html\nEvil: b"),
)


@app.route("GET", "/inject")
async def inject(reader, writer, request):
    name, value = INJECTIONS[int(request.parameters["n"])]
    ran(request)
    try:
        if name is None:
            response = HTTPResponse(200, value)
        else:
            response = HTTPResponse(200, "text/plain", header={name: value})
        await response.send(writer, "injected")
    except ValueError:
        await answer(writer, "ValueError")


@app.route("GET", "/cookies")
async def cookies(reader, writer, request):
    ran(request)
    response = HTTPResponse(200, close=False, header={"Set-Cookie": ["a=1", "b=2"]})
    await response.send(writer, "cookies")


@app.route("GET", "/text")
async def text(reader, writer, request):
    ran(request)
    await answer(writer, "20 °C")


@app.route("GET", "/type")
async def typed(reader, writer, request):
    ran(request)
    await answer(writer, "20 °C", request.parameters["is"])


@app.route("GET", "/bytes")
async def all_bytes(reader, writer, request):
    ran(request)
    await answer(writer, bytes(range(256)), "application/octet-stream")


@app.route("GET", "/buffer")
async def buffer(reader, writer, request):
    # The body is a buffer, which is filled anew before it has left.
    ran(request)
    data = bytearray(b"buffer")
    body = memoryview(data) if "view" in request.parameters else data
    await HTTPResponse(200, "text/plain", close=False).send(writer, body)
    data[0] = 66


@app.route("GET", "/empty")
async def empty(reader, writer, request):
    ran(request)
    await answer(writer, "")


@app.route("GET", "/status/<code>")
async def status(reader, writer, request):
    ran(request)
    response = HTTPResponse(int(request.parameters["code"]), "text/plain", close=False)
    if "body" in request.parameters:
        await response.send(writer, "body")
    else:
        await response.send(writer)
    if "drain" in request.parameters:
        await writer.drain()


@app.route("GET", "/file")
async def send_file(reader, writer, request):
    ran(request)
    parameters = request.parameters
    response = HTTPResponse(200, "text/plain", close="keep" not in parameters)
    await response.send(writer)
    if "start" in parameters:
        start, length = int(parameters["start"]), int(parameters["length"])
        await sendfile(writer, "data.txt", start, length)
    else:
        await sendfile(writer, "data.txt")


@app.route("GET", "/own")
async def own(reader, writer, request):
    # A whole response from a file.
    ran(request)
    with open("own.txt", "w") as file:
        file.write("HTTP/1.1 200 OK\r\nX-Own: yes\r\nConnection: close\r\n\r\n" + "own" * 1000)
    await sendfile(writer, "own.txt")


@app.route("GET", "/unchanged")
async def unchanged(reader, writer, request):
    ran(request)
    await HTTPResponse(304, None, close=False).send(writer)
    await sendfile(writer, "data.txt")


@app.route("GET", "/cut")
async def cut(reader, writer, request):
    # Runs out of memory in the middle of a file, and makes nothing of it.
    ran(request)
    await HTTPResponse(200, "text/plain", close=False).send(writer)
    transmit = writer.transmit
    pieces = []

    def fail(data):
        pieces.append(len(data))
        if len(pieces) == 3:
            raise MemoryError
        return transmit(data)

    writer.transmit = fail
    try:
        await sendfile(writer, "data.txt")
    except MemoryError:
        writer.transmit = transmit


@app.route("GET", "/missing")
async def missing(reader, writer, request):
    response = HTTPResponse(200, "text/plain")
    await response.send(writer)
    await sendfile(writer, "no such file")


@app.route("GET", "/writes")
async def writes(reader, writer, request):
    ran(request)
    response = HTTPResponse(200, "text/plain", close=False)
    await response.send(writer)
    writer.write("ab")
    writer.write(b"cd")
    writer.write(bytearray(b"ef"))


@app.route("GET", "/stream")
async def stream(reader, writer, request):
    ran(request)
    response = HTTPResponse(200, "text/plain", close=False)
    await response.send(writer)
    for word in ("one ", "two "):
        writer.write(word)
        await writer.drain()


@app.route("GET", "/length")
async def length(reader, writer, request):
    # Writes ten bytes, whatever length it announces.
    ran(request)
    header = {"Content-Length": request.parameters["n"]}
    response = HTTPResponse(200, "text/plain", close=False, header=header)
    await response.send(writer)
    if "file" in request.parameters:
        return await sendfile(writer, "data.txt")
    if "drain" in request.parameters:
        await writer.drain()
    writer.write("01234")
    writer.write("56789")


@app.route("GET", "/pieces")
async def pieces(reader, writer, request):
    # Writes pieces of these sizes from one buffer, which it fills anew each time; "d" drains.
    ran(request)
    response = HTTPResponse(200, "text/plain", close=False)
    await response.send(writer)
    number = 0
    for size in request.parameters["sizes"].split(","):
        if size == "d":
            await writer.drain()
        else:
            buffer = bytearray(bytes([97 + number % 26]) * int(size))
            writer.write([buffer, memoryview(buffer), str(buffer, "utf-8")][number % 3])
            for i in range(len(buffer)):
                buffer[i] = 0
            number += 1


@app.route("GET", "/boom")
async def boom(reader, writer, request):
    if "send" in request.parameters:
        response = HTTPResponse(200, "text/plain", close=False)
        await response.send(writer)
        writer.write("almost")
    if "drain" in request.parameters:
        await writer.drain()
    return 1 / 0


class Heavy(Exception):
    """An exception that holds much, as one with a traceback or a request may."""


@app.route("GET", "/heavy")
async def heavy(reader, writer, request):
    error = Heavy("on purpose")
    error.held = bytearray(20000)
    if "send" in request.parameters:
        await HTTPResponse(200, "text/plain").send(writer)
        writer.write("one")
        await writer.drain()
    raise error


@app.route("GET", "/refuse")
async def refuse(reader, writer, request):
    evil = "\r\nX-Evil: yes" if "evil" in request.parameters else ""
    raise InvalidRequest("refused" + evil, int(request.parameters["status"]))


@app.route("GET", "/closed")
async def closed(reader, writer, request):
    ran(request)
    await HTTPResponse(200, "text/plain", close=False).send(writer, "closed")
    writer.close()


@app.route("GET", "/raw")
async def raw(reader, writer, request):
    ran(request)
    writer.write("HTTP/1.1 200 OK\r\nX-Own: yes\r\nConnection: close\r\n\r\n")
    writer.write("raw")


if __name__ == "__main__":
    run(app)
