# The application of test_soak.py: streams of both kinds, and ordinary requests beside them.

import gc
import sys

from ahttpserver import HTTPResponse, HTTPServer
from ahttpserver.broadcast import Broadcast
from ahttpserver.sse import EventSource
from run_sse_ahttpserver import Lock, hold, run, sleep
from sse_page import answer, shrink

app = HTTPServer("127.0.0.1", int(sys.argv[1]), timeout=1, max_connections=16)
events = Broadcast()
alive = [0]  # handlers, or threads, that feed a stream
lock = Lock()  # and count themselves


@app.route("GET", "/")
async def root(reader, writer, request):
    response = HTTPResponse(200, "text/plain", close=False)
    await response.send(writer, "hello")


@app.route("POST", "/echo")
async def echo(reader, writer, request):
    body = await reader.read()
    response = HTTPResponse(200, "text/plain")
    await response.send(writer, body)


@app.route("GET", "/state")
async def state(reader, writer, request):
    gc.collect()
    facts = {"alive": alive[0], "listeners": len(events), "heap": gc.mem_alloc()}
    facts["connections"] = len(app.connections) - 1  # but this one
    await answer(writer, facts)


@app.route("GET", "/plain")
async def plain(reader, writer, request):
    if "small" in request.parameters:
        shrink(writer)
    eventsource = await EventSource(reader, writer)
    return await hold(writer, feed, eventsource)


async def feed(eventsource):
    async with lock:
        alive[0] += 1
    number = 0
    try:
        while True:
            await eventsource.send("%d %s" % (number, "p" * (number % 200)), id=number)
            number += 1
            await sleep(0.02)
    finally:
        async with lock:
            alive[0] -= 1


@app.route("GET", "/events")
async def join(reader, writer, request):
    if "small" in request.parameters:
        shrink(writer)
    return await events.join(reader, writer)


async def produce():
    number = 0
    while True:
        await events.send("%d %s" % (number, "b" * (number % 200)), id=number)
        number += 1
        await sleep(0.02)


run(app, produce)
