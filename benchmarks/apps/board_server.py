# The routes that are measured on the emulated board, for ahttpserver; tests/mirror.py translates
# them for httpserver.

import gc
import sys
import time

import board

from ahttpserver import HTTPResponse, HTTPServer, sendfile
from ahttpserver.broadcast import Broadcast
from ahttpserver.sse import EventSource
from run_ahttpserver import run

app = HTTPServer("127.0.0.1", int(sys.argv[1]), max_connections=12)
broadcast = Broadcast()
PLAIN = "text/plain"

with open("10k.bin", "wb") as made:
    made.write(bytes(10000))


@app.route("GET", "/")
async def hello(reader, writer, request):
    await HTTPResponse(200, PLAIN).send(writer, b"Hello, World!")


@app.route("GET", "/file")
async def file(reader, writer, request):
    await HTTPResponse(200, "application/octet-stream").send(writer)
    await sendfile(writer, "10k.bin")


@app.route("GET", "/events")
async def events(reader, writer, request):
    eventsource = await EventSource(reader, writer)
    await eventsource.send("x")
    return await broadcast.join(reader, writer)


@app.route("GET", "/burst")
async def burst(reader, writer, request):
    """100 events; the last says how long the processor was at work for them."""
    eventsource = await EventSource(reader, writer)
    before = ticks()
    for number in range(100):
        await eventsource.send("21.5", id=number)
    await eventsource.send(ticks() - before, event="busy")


def ticks():
    """Of the processor at work: 25 in a microsecond, as -icount counts them."""
    microseconds, rest = board.busy()
    return microseconds * 25 + rest


@app.route("GET", "/busy")
async def busy(reader, writer, request):
    await HTTPResponse(200, PLAIN).send(writer, "%d %d" % (ticks(), time.ticks_us() * 25))


# Memory in use; after a collection; and with the collector off from now on.


@app.route("GET", "/memory")
async def memory(reader, writer, request):
    await HTTPResponse(200, PLAIN).send(writer, str(gc.mem_alloc()))


@app.route("GET", "/collected")
async def collected(reader, writer, request):
    gc.collect()
    await HTTPResponse(200, PLAIN).send(writer, str(gc.mem_alloc()))


@app.route("GET", "/uncollected")
async def uncollected(reader, writer, request):
    gc.collect()
    gc.disable()
    await HTTPResponse(200, PLAIN).send(writer, "")


run(app)
