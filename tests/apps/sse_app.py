# The application of test_sse.py: streams that end, that wait, that are never silent.

import gc
import sys

from ahttpserver import HTTPServer
from ahttpserver.sse import EventSource
from run_sse_ahttpserver import Lock, hold, run, sleep
from sse_page import answer, root, shrink

app = HTTPServer("127.0.0.1", int(sys.argv[1]), timeout=1, max_connections=8)
outcomes = []  # of /wait and /flood
lock = Lock()  # streams end at the same time
told = []  # waiting streams may speak


app.route("GET", "/")(root)


@app.route("GET", "/state")
async def state(reader, writer, request):
    gc.collect()
    streams = len([conn for conn in app.connections if conn.stream])
    async with lock:
        ended = outcomes[:]
    await answer(writer, {"streams": streams, "outcomes": ended, "heap": gc.mem_alloc()})


@app.route("GET", "/wait")
async def wait(reader, writer, request):
    """Says nothing before it is told to."""
    eventsource = await EventSource(reader, writer)
    told.clear()
    return await hold(writer, speak_when_told, eventsource)


async def speak_when_told(eventsource):
    outcome = "cancelled"
    try:
        while not told:
            await sleep(0.02)
        try:
            await eventsource.send("now")
            outcome = "sent"
        except OSError:
            outcome = "OSError"
    finally:
        if outcome == "cancelled":
            await sleep(0.7)  # there may be something to put away
        async with lock:
            outcomes.append(outcome)


@app.route("GET", "/tell")
async def tell(reader, writer, request):
    told.append(True)
    await answer(writer, True)


@app.route("GET", "/brief")
async def brief(reader, writer, request):
    """Ends at once; the client is to come back."""
    eventsource = await EventSource(reader, writer)
    await eventsource.send("here", retry=int(request.parameters["retry"]))


@app.route("GET", "/foreign")
async def foreign(reader, writer, request):
    """For pages of other sites, with a cookie or two."""
    header = {"Access-Control-Allow-Origin": "*", "Set-Cookie": ["a=1", "b=2"]}
    eventsource = await EventSource(reader, writer, header)
    await eventsource.send("here")


@app.route("GET", "/forged")
async def forged(reader, writer, request):
    await EventSource(reader, writer, header={"X-Own": request.parameters["value"]})


@app.route("GET", "/flood")
async def flood(reader, writer, request):
    """200 events a second, 300 bytes each; the socket's buffer is as small as a board's."""
    if "small" in request.parameters:
        shrink(writer)
    eventsource = await EventSource(reader, writer)
    return await hold(writer, send_much, eventsource)


async def send_much(eventsource):
    number = 0
    try:
        while True:
            await eventsource.send("%d %s" % (number, "x" * 300), id=number)
            number += 1
            await sleep(0.005)
    finally:
        async with lock:
            outcomes.append("end")


run(app)
