# The application of tests/board: what programs on boards do, and what the board says of itself.

import gc
import json
import os
import sys

from ahttpserver import HTTPResponse, HTTPServer, receivefile, sendfile
from ahttpserver.broadcast import Broadcast
from ahttpserver.sse import EventSource
from ahttpserver.static import StaticFiles
from run_sse_ahttpserver import Lock, hold, run, sleep

try:
    from board import stats  # of lwIP; the emulated board has it
except ImportError:
    stats = dict

FOLDER = "www"
options = {"max_connections": int(sys.argv[2])} if len(sys.argv) > 2 else {}
app = HTTPServer("127.0.0.1", int(sys.argv[1]), **options)
events = Broadcast()
told = [0]  # so many events, one a second
lock = Lock()  # between the events and those who come back, and for the lists
ticking = []
outcomes = []  # of /tick

if FOLDER not in os.listdir():
    os.mkdir(FOLDER)


async def answer(writer, content, close=False):
    response = HTTPResponse(200, "application/json", close=close)
    await response.send(writer, json.dumps(content))


@app.route("GET", "/hello")
async def hello(reader, writer, request):
    await HTTPResponse(200, "text/plain").send(writer, "hello")


@app.route("GET", "/keep")
async def keep(reader, writer, request):
    await HTTPResponse(200, "text/plain", close=False).send(writer, "kept")


@app.route("GET", "/state")
async def state(reader, writer, request):
    gc.collect()
    facts = {"heap": gc.mem_alloc(), "connections": len(app.connections)}
    facts["listeners"] = len(events)
    async with lock:
        facts["ticking"] = len(ticking)
        facts["outcomes"] = outcomes[:]
    facts["lwip"] = stats()
    await answer(writer, facts)


# Files


@app.route("PUT", "/file/<name>")
async def put(reader, writer, request):
    await receivefile(reader, FOLDER + "/" + request.parameters["name"])
    await answer(writer, "stored")


@app.route("GET", "/file/<name>")
async def get(reader, writer, request):
    await HTTPResponse(200, "application/octet-stream", close=False).send(writer)
    await sendfile(writer, FOLDER + "/" + request.parameters["name"])


@app.route("DELETE", "/file/<name>")
async def delete(reader, writer, request):
    os.remove(FOLDER + "/" + request.parameters["name"])
    await answer(writer, "gone")


@app.route("GET", "/files")
async def files(reader, writer, request):
    await answer(writer, sorted(os.listdir(FOLDER)))


app.route("GET", "/www/<path:file>")(StaticFiles(FOLDER))


@app.route("GET", "/page")
async def page(reader, writer, request):
    await HTTPResponse(200, "text/html").send(writer)
    await sendfile(writer, "index.html")


@app.route("GET", "/big")
async def big(reader, writer, request):
    """Many thousand bytes, in pieces of a thousand."""
    thousands = int(request.parameters["thousands"])
    header = {"Content-Length": 1000 * thousands}
    await HTTPResponse(200, "application/octet-stream", header=header).send(writer)
    piece = b"x" * 1000
    for _ in range(thousands):
        writer.write(piece)
        await writer.drain()


# Streams


@app.route("GET", "/tick")
async def tick(reader, writer, request):
    """A stream with a sender of its own, five events a second."""
    eventsource = await EventSource(reader, writer)
    return await hold(writer, send_ticks, eventsource)


async def send_ticks(eventsource):
    number = 0
    async with lock:
        ticking.append(eventsource)
    try:
        while True:
            await eventsource.send(number)
            number += 1
            await sleep(0.2)
    finally:
        async with lock:
            ticking.remove(eventsource)
            outcomes.append(number)


def text(number):
    return "%d %s" % (number, "x" * 80)


@app.route("GET", "/events")
async def listen(reader, writer, request):
    """All events, an id each; who comes back gets what was told meanwhile."""
    last = request.header.get("last-event-id") or request.parameters.get("last")
    eventsource = await EventSource(reader, writer)
    async with lock:
        last = int(last or told[0])
        while last < told[0]:
            last += 1
            await eventsource.send(text(last), id=last)
        return await events.join(reader, writer)


async def produce():
    while True:
        async with lock:
            told[0] += 1
            await events.send(text(told[0]), id=told[0])
        await sleep(1)


run(app, produce)
