# The application of test_faults.py: typical exchanges, and what plans faults (board.py).  The
# second argument: max_connections.

import _thread
import json
import sys

from board import faults

from ahttpserver import (
    CONNECTION_CLOSE,
    CONNECTION_KEEP_ALIVE,
    HTTPResponse,
    HTTPServer,
    receivefile,
    sendfile,
)
from ahttpserver.broadcast import Broadcast
from ahttpserver.sse import EventSource
from run_ahttpserver import run, sleep

ASYNC = "ahttpserver"[0] == "a"  # the one thing that the mirror's table cannot translate
app = HTTPServer("127.0.0.1", int(sys.argv[1]), max_connections=int(sys.argv[2]), log=print)
broadcast = Broadcast()

with open("data.txt", "wb") as file:
    file.write(b"0123456789\n" * 909 + b"01234567")


def plan(request):
    faults.plan(int(request.parameters["number"]), int(request.parameters["error"]))


@app.route("GET", "/plan/<number>/<error>")
async def plan_one(reader, writer, request):
    plan(request)
    await HTTPResponse(200).send(writer, "")


@app.route("GET", "/faults")
async def state(reader, writer, request):
    state = {
        "calls": faults.calls,
        "sockets": faults.sockets,
        "twice": faults.twice,
        "connections": len(app.connections),
    }
    await HTTPResponse(200, "application/json").send(writer, json.dumps(state))


@app.route("GET", "/good")
async def good(reader, writer, request):
    await HTTPResponse(200, "text/plain").send(writer, "good")


@app.route("GET", "/keep")
async def keep(reader, writer, request):
    await HTTPResponse(200, "text/plain", close=False).send(writer, "kept")


@app.route("POST", "/echo")
async def echo(reader, writer, request):
    await HTTPResponse(200, "text/plain", close=False).send(writer, await reader.read())


@app.route("GET", "/file")
async def get_file(reader, writer, request):
    await HTTPResponse(200, "text/plain").send(writer)
    await sendfile(writer, "data.txt")


@app.route("GET", "/chunks")
async def chunks(reader, writer, request):
    await HTTPResponse(200, "text/plain", close=False).send(writer)
    for word in "one ", "two ":
        writer.write(word)
        await writer.drain()
    await sendfile(writer, "data.txt")
    writer.write("three")


@app.route("PUT", "/file")
async def put_file(reader, writer, request):
    size = await receivefile(reader, "upload.txt")
    await HTTPResponse(201, "text/plain").send(writer, str(size))


async def feed(eventsource):
    try:
        while True:
            await eventsource.send("tick")
            await sleep(0.01)
    except OSError:
        pass
    finally:
        eventsource.close()


@app.route("GET", "/events")
async def events(reader, writer, request):
    eventsource = await EventSource(reader, writer)
    if ASYNC:
        await feed(eventsource)
        return CONNECTION_CLOSE
    _thread.start_new_thread(feed, (eventsource,))
    return CONNECTION_KEEP_ALIVE


async def held(writer):
    await sleep(3.5)
    writer.write("held")
    await writer.drain()
    writer.close()


@app.route("GET", "/plan/<number>/<error>/hold")
async def hold(reader, writer, request):
    """Takes a place until the next client has been told that there is none."""
    response = HTTPResponse(200, "text/plain", header={"Content-Length": 4})
    await response.send(writer)
    await writer.drain()
    plan(request)  # for the next client
    if ASYNC:
        await held(writer)
        return CONNECTION_CLOSE
    _thread.start_new_thread(held, (writer,))
    return CONNECTION_KEEP_ALIVE


@app.route("GET", "/broadcast")
async def joined(reader, writer, request):
    return await broadcast.join(reader, writer)


async def produce():
    while True:
        await broadcast.send("tick")
        await sleep(0.01)


run(app, produce)
