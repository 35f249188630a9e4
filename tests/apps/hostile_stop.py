# The application of test_stop.py: starts again each time it was stopped, on the same port and in
# the same interpreter, and prints what is left then.  The second argument: how many times.

import _thread
import sys

from ahttpserver import (
    CONNECTION_CLOSE,
    CONNECTION_KEEP_ALIVE,
    HTTPResponse,
    HTTPServer,
    HTTPServerError,
)
from ahttpserver.sse import EventSource
from run_ahttpserver import sleep

ASYNC = "ahttpserver"[0] == "a"  # what the mirror's table cannot translate
app = HTTPServer("127.0.0.1", int(sys.argv[1]), timeout=5, max_connections=20, log=print)
state = {"generation": 0, "stopped": False}


@app.route("GET", "/generation")
async def generation(reader, writer, request):
    await HTTPResponse(200, "text/plain", close=False).send(writer, str(state["generation"]))


@app.route("GET", "/stop")
async def stop(reader, writer, request):
    await app.stop()
    await app.stop()  # does nothing
    state["stopped"] = True
    await HTTPResponse(200, "text/plain", close=False).send(writer, "stopped")


@app.route("GET", "/again")
async def again(reader, writer, request):
    try:
        await app.start()
    except HTTPServerError:
        await HTTPResponse(200, "text/plain").send(writer, "running already")


async def tick(eventsource):
    try:
        while True:
            await eventsource.send("tick")
            await sleep(0.05)
    except OSError:
        pass
    finally:
        print("stream ended")
        eventsource.close()


@app.route("GET", "/events")
async def events(reader, writer, request):
    eventsource = await EventSource(reader, writer)
    if ASYNC:
        await tick(eventsource)
        return CONNECTION_CLOSE
    _thread.start_new_thread(tick, (eventsource,))
    return CONNECTION_KEEP_ALIVE


@app.route("GET", "/big")
async def big(reader, writer, request):
    response = HTTPResponse(200, header={"Content-Length": 100000000})
    await response.send(writer)
    for _ in range(100000):
        writer.write(b"x" * 1000)
        await writer.drain()


@app.route("POST", "/read")
async def read(reader, writer, request):
    await reader.read()


@app.route("GET", "/sleep")
async def sleeping(reader, writer, request):
    try:
        await sleep(100)
    finally:
        await sleep(0.2)
        print("finally done")


@app.route("GET", "/stubborn")
async def stubborn(reader, writer, request):
    try:
        await sleep(100)
    finally:
        await sleep(3)
        print("too late")


def left_over():
    """How many tasks wait, or would run next, beside the one that asks."""
    if not ASYNC:
        return 0
    from asyncio import core

    return len(core._io_queue.map) + (core._task_queue.peek() is not None)


async def main():
    await app.stop()  # does nothing: it was not started
    for _ in range(int(sys.argv[2])):
        state["generation"] += 1
        state["stopped"] = False
        await app.start()  # in httpserver it returns when the server has been stopped
        while not state["stopped"]:
            await sleep(0.01)
        await sleep(0.05)
        print("left over:", left_over())
    await sleep(5)


loop = main()
if ASYNC:
    import asyncio

    asyncio.run(loop)
