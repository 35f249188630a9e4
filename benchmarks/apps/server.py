# The routes that are measured, for ahttpserver; tests/mirror.py translates them for httpserver.
#
#     micropython server.py PORT

import gc
import json
import sys

from hold_ahttpserver import hold

from ahttpserver import HTTPResponse, HTTPServer, sendfile
from ahttpserver.sse import EventSource
from run_ahttpserver import run, sleep

try:
    from ahttpserver.broadcast import Broadcast
except ImportError:  # optional module
    Broadcast = None

app = HTTPServer("127.0.0.1", int(sys.argv[1]), max_connections=128)
PLAIN = "text/plain"


@app.route("GET", "/")
async def hello(reader, writer, request):
    await HTTPResponse(200, PLAIN).send(writer, b"Hello, World!")


@app.route("GET", "/kept")
async def kept(reader, writer, request):
    await HTTPResponse(200, PLAIN, close=False).send(writer, b"Hello, World!")


@app.route("GET", "/parameters")
async def parameters(reader, writer, request):
    body = json.dumps(request.parameters)
    await HTTPResponse(200, "application/json").send(writer, body)


@app.route("POST", "/echo")
async def echo(reader, writer, request):
    await HTTPResponse(200, PLAIN).send(writer, await reader.read())


@app.route("GET", "/file")
async def file(reader, writer, request):
    await HTTPResponse(200, "application/octet-stream").send(writer)
    await sendfile(writer, "100k.bin")


@app.route("GET", "/large")
async def large(reader, writer, request):
    await HTTPResponse(200, "application/octet-stream").send(writer)
    await sendfile(writer, "1m.bin")


# Ten events a second: from a task (a thread in httpserver) for each client ...

@app.route("GET", "/events")
async def events(reader, writer, request):
    eventsource = await EventSource(reader, writer)
    return await hold(beat, eventsource)


async def beat(eventsource):
    number = 0
    while True:
        await sleep(0.1)
        number += 1
        await eventsource.send(number, id=number)


# ... or from one for all clients.

if Broadcast:
    broadcast = Broadcast()

    @app.route("GET", "/broadcast")
    async def join(reader, writer, request):
        return await broadcast.join(reader, writer)


async def produce():
    if Broadcast:
        await beat(broadcast)


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


run(app, produce)
