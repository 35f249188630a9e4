# An application that decides what errors look like: see test_refuse.py.  /mode says how.

import json
import sys

from ahttpserver import HTTPResponse, HTTPServer, InvalidRequest
from ahttpserver.auth import basic_auth
from ahttpserver.sse import EventSource
from ahttpserver.static import StaticFiles
from run_sse_ahttpserver import hold, run, sleep

app = HTTPServer("127.0.0.1", int(sys.argv[1]), timeout=1, max_connections=4)
mode = ["none"]
calls = []
guard = basic_auth("admin", "secret")

WRONG = (
    True,
    "text/plain",
    5,
    ("text/plain",),
    ("text/plain", "a", "b"),
    ("text/plain", 5),
    ("text/plain", ("a", "b")),
    (5, "text"),
    ("text/plain\r\nX-Evil: yes", "text"),
)


def on_refuse(request, error):
    word = mode[0]
    calls.append([request and request.path, error.status, str(error), sorted(error.header)])
    if word == "json":
        return "application/json", json.dumps({"error": error.status, "é": str(error)})
    if word == "page":
        return "text/html", b"<h1>\xc3\xa9</h1>"
    if word == "empty":
        return "text/plain", ""
    if word == "large":
        return "text/plain", "x" * 5000
    if word == "status":
        error.status = 410
    if word == "moved":
        error.status = 302
        error.header["Location"] = "/good"
        return "text/plain", "moved"
    if word == "field":
        error.header["X-Own"] = str(len(calls))
    if word == "raise":
        raise KeyError("hook")
    if word == "wrong status":
        error.status = 99
    if word == "wrong field":
        error.header["X-Own"] = "a\r\nX-Evil: yes"
    if word[:5] == "value":
        return WRONG[int(word[5:])]


app.on_refuse = on_refuse


@app.route("GET", "/mode/<is>")
async def set_mode(reader, writer, request):
    mode[0] = request.parameters["is"]
    calls.clear()
    await HTTPResponse(200, "text/plain").send(writer, "set")


@app.route("GET", "/calls")
async def get_calls(reader, writer, request):
    await HTTPResponse(200, "application/json").send(writer, json.dumps(calls))


@app.route("GET", "/good")
async def good(reader, writer, request):
    await HTTPResponse(200, "text/plain", False).send(writer, "good")


@app.route("GET", "/cannot/<be>")
async def cannot(reader, writer, request):
    """Errors that no answer can be made of."""
    error = InvalidRequest("cannot be", 42 if request.parameters["be"] == "status" else 409)
    error.header = {"X-Own": "a\r\nX-Evil: yes"}
    raise error


@app.route("POST", "/read")
async def read(reader, writer, request):
    body = await reader.read()
    await HTTPResponse(200, "text/plain").send(writer, str(len(body)))


@app.route("GET", "/own")
async def own(reader, writer, request):
    """An error that the handler sends itself."""
    await HTTPResponse(404, "text/plain", False).send(writer, "own")


@app.route("GET", "/refuse")
async def refuse(reader, writer, request):
    error = InvalidRequest("taken", 409)
    error.header = {"X-Handler": "yes"}
    raise error


@app.route("GET", "/boom")
async def boom(reader, writer, request):
    await HTTPResponse(200, "text/plain", False).send(writer, "almost")
    return 1 / 0


@app.route("GET", "/late")
async def late(reader, writer, request):
    await HTTPResponse(200, "text/plain").send(writer)
    writer.write("one")
    await writer.drain()
    return 1 / 0


@app.route("GET", "/stream")
async def stream(reader, writer, request):
    eventsource = await EventSource(reader, writer)
    return await hold(writer, send_all, eventsource)


async def send_all(eventsource):
    while True:
        await eventsource.send("one")
        await sleep(0.05)


app.route("GET", "/locked")(guard(good))
app.route("GET", "/www/<path:file>")(StaticFiles("www"))

run(app)
