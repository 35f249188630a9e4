# The application of test_broadcast.py: what is sent when is up to the test, but for /storm.

import gc
import json
import sys
from time import ticks_diff, ticks_ms

from ahttpserver import HTTPServer
from ahttpserver.broadcast import Broadcast
from ahttpserver.sse import EventSource
from run_sse_ahttpserver import hold, restart, run, sleep
from sse_page import answer, root, shrink

places = int(sys.argv[2]) if len(sys.argv) > 2 else 12
app = HTTPServer("127.0.0.1", int(sys.argv[1]), timeout=1, max_connections=places)
events = Broadcast()
few = Broadcast(max=2)
producing = []
produced = [0]


class Value:
    """Counts how often it was formatted."""

    formatted = 0

    def __str__(self):
        self.formatted += 1
        return "value"


value = Value()


app.route("GET", "/")(root)


@app.route("GET", "/state")
async def state(reader, writer, request):
    gc.collect()
    streams = [conn for conn in app.connections if conn.stream and not conn.gone]
    facts = {"listeners": len(events), "few": len(few), "streams": len(streams)}
    facts["kept"] = sum([len(conn.unsent) for conn in streams])
    facts["produced"] = produced[0]
    facts["formatted"] = value.formatted
    facts["heap"] = gc.mem_alloc()
    await answer(writer, facts)


@app.route("GET", "/events")
async def join(reader, writer, request):
    if "small" in request.parameters:
        shrink(writer)
    return await events.join(reader, writer)


@app.route("GET", "/foreign")
async def join_foreign(reader, writer, request):
    return await events.join(reader, writer, {"Access-Control-Allow-Origin": "*"})


@app.route("GET", "/keyword")
async def join_keyword(reader, writer, request):
    return await events.join(reader, writer, header={"X-Own": "yes"})


@app.route("GET", "/few")
async def join_few(reader, writer, request):
    if request.query:
        await EventSource(reader, writer)
    return await few.join(reader, writer)


@app.route("GET", "/welcome")
async def welcome(reader, writer, request):
    eventsource = await EventSource(reader, writer)
    await eventsource.send("welcome")
    return await events.join(reader, writer)


@app.route("POST", "/send")
async def send(reader, writer, request):
    """Sends the event that the body describes."""
    arguments = json.loads(await reader.read())
    await events.send(**arguments)
    await few.send(**arguments)
    await answer(writer, len(events))


@app.route("GET", "/value")
async def send_value(reader, writer, request):
    await events.send(value)
    await answer(writer, len(events))


@app.route("GET", "/bytes")
async def send_bytes(reader, writer, request):
    await events.send("ä\n€".encode(), id=0)
    await answer(writer, len(events))


@app.route("GET", "/produce")
async def produce(reader, writer, request):
    """One more producer of numbered events begins."""
    producing.append(True)
    await answer(writer, len(producing))


async def beat(name):
    """Sends a numbered event 100 times a second, as long as somebody listens."""
    number = 0
    while True:
        if len(producing) > name and len(events):
            await events.send("%d %d %s" % (name, number, "x" * (number % 200)))
            produced[0] += 1
            number += 1
        await sleep(0.01)


@app.route("GET", "/storm")
async def storm(reader, writer, request):
    """A producer that does not pause for a second."""
    eventsource = await EventSource(reader, writer)
    return await hold(writer, send_storm, eventsource)


async def send_storm(eventsource):
    start = ticks_ms()
    while ticks_diff(ticks_ms(), start) < 1200:
        await events.send("x")
    await eventsource.send("end")


@app.route("GET", "/restart")
async def again(reader, writer, request):
    await answer(writer, True)
    restart(app, 0.1)


async def beat0():
    await beat(0)


async def beat1():
    await beat(1)


async def beat2():
    await beat(2)


run(app, beat0, beat1, beat2)
