# The pattern of docs/events.md: who comes back gets what was missed, from a ring of last events.
# Here the ring outlives the program too, in a file; and each event tells a number.

import json
import os
import sys

from ahttpserver import HTTPServer
from ahttpserver.broadcast import Broadcast
from ahttpserver.sse import EventSource
from run_sse_ahttpserver import Lock, hold, restart, run, sleep
from sse_page import answer, root

app = HTTPServer("127.0.0.1", int(sys.argv[1]), max_connections=32)
pace = float(sys.argv[2])  # seconds from event to event
events = Broadcast()
lock = Lock()  # for httpserver: the ring and who listens change together
ring = []  # the last events as [id, data]

try:
    with open("ring.json") as file:
        ring = json.load(file)
except OSError:
    pass


def after(last):
    """The events behind the one with this id; all, if it is not in the ring."""
    ids = [id for id, data in ring]
    return ring[ids.index(last) + 1 :] if last in ids else ring[:]


async def tell(data):
    ring.append(["%d" % data, data])
    del ring[:-50]
    with open("ring.new", "w") as file:
        json.dump(ring, file)
    os.rename("ring.new", "ring.json")
    await events.send(data, id=ring[-1][0])


app.route("GET", "/")(root)


@app.route("GET", "/log")
async def log(reader, writer, request):
    """Replays what was missed, then listens."""
    eventsource = await EventSource(reader, writer)
    await eventsource.send(retry=100)
    last = request.header.get("last-event-id")
    async with lock:
        while after(last):
            last, data = after(last)[0]
            await eventsource.send(data, id=last)
        return await events.join(reader, writer)


@app.route("GET", "/plain")
async def plain(reader, writer, request):
    """The same without a Broadcast."""
    eventsource = await EventSource(reader, writer)
    await eventsource.send(retry=100)
    return await hold(writer, follow, eventsource, request.header.get("last-event-id"))


async def follow(eventsource, last):
    while True:
        async with lock:
            missed = after(last)
        for last, data in missed:  # noqa: B007
            await eventsource.send(data, id=last)
        await sleep(0.02)


@app.route("GET", "/restart")
async def again(reader, writer, request):
    await answer(writer, "see you")
    restart(app, 0.3)


async def produce():
    number = ring[-1][1] if ring else 0
    while True:
        number += 1
        async with lock:
            await tell(number)
        await sleep(pace)


run(app, produce)
