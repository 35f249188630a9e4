# The application of test_tasks.py, for ahttpserver alone: asyncio gets what else is awaited.

import asyncio
import sys

from ahttpserver import CONNECTION_KEEP_ALIVE, HTTPResponse, HTTPServer
from ahttpserver.sse import EventSource
from run_ahttpserver import run

app = HTTPServer("127.0.0.1", int(sys.argv[1]), timeout=2)
tasks = []
PIECE = "0123456789" * 100


def response():
    return HTTPResponse(200, "text/plain", close=False)


@app.route("GET", "/wait_for")
async def wait_for(reader, writer, request):
    await asyncio.wait_for(response().send(writer, "hello"), 2)
    for _ in range(20):  # one in a few lets other tasks have a turn
        await asyncio.wait_for(writer.drain(), 2)


@app.route("GET", "/task")
async def task(reader, writer, request):
    await asyncio.create_task(response().send(writer, "hello"))
    for _ in range(20):
        await asyncio.create_task(writer.drain())


@app.route("GET", "/gather")
async def gather(reader, writer, request):
    await asyncio.gather(response().send(writer, "hello"), response().send(writer, "hello"))
    await asyncio.gather(*[writer.drain() for _ in range(20)])


@app.route("GET", "/returned")
def returned(reader, writer, request):
    return response().send(writer, "hello")


@app.route("GET", "/events")
async def events(reader, writer, request):
    eventsource = await EventSource(reader, writer)
    for i in range(0, 20, 2):
        await asyncio.gather(eventsource.send(i), eventsource.send(i + 1))


@app.route("GET", "/fed")
async def fed(reader, writer, request):
    """A task of the application's own feeds the stream when its handler has ended."""
    tasks.append(asyncio.create_task(feed(await EventSource(reader, writer))))
    return CONNECTION_KEEP_ALIVE


async def feed(eventsource):
    try:
        while True:
            await eventsource.send("x" * 1000)
    except OSError:
        print("gone")


@app.route("GET", "/interrupted")
async def interrupted(reader, writer, request):
    """Gives up waiting for the client now and then, but not what it has to say."""
    await HTTPResponse(200, "text/plain").send(writer)
    late = 0
    while not late:
        writer.write(PIECE)
        try:
            await asyncio.wait_for(writer.drain(), 0.2)
        except asyncio.TimeoutError:
            late = 1
            print("late")
    for _ in range(5):
        writer.write(PIECE)
    writer.write("end")


run(app)
