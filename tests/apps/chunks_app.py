# Answers whose length is not known when their head leaves, and how they end: see test_chunks.py.

import os
import sys

from ahttpserver import HTTPResponse, HTTPServer, InvalidRequest, sendfile
from ahttpserver.broadcast import Broadcast
from ahttpserver.sse import EventSource
from run_sse_ahttpserver import hold, restart, run, sleep, stop
from sse_page import answer, shrink

app = HTTPServer("127.0.0.1", int(sys.argv[1]), timeout=1, max_connections=12, log=print)
events = Broadcast()

for name, size in ("empty.txt", 0), ("small.txt", 700), ("large.txt", 100000):
    with open(name, "w") as file:
        for i in range(0, size, 10):
            file.write("%9d\n" % i)


async def begin(writer, words=("one ",), close=False):
    """Sends a head without a length, and words behind it, each of them at once."""
    await HTTPResponse(200, "text/plain", close).send(writer)
    for word in words:
        writer.write(word)
        await writer.drain()


@app.route("GET", "/keep")
async def keep(reader, writer, request):
    await HTTPResponse(200, "text/plain", False).send(writer, "kept")


# Good ends


@app.route("GET", "/return")
async def by_return(reader, writer, request):
    await begin(writer, ("one ", "two "))
    writer.write("three")  # left to the end of the handler


@app.route("GET", "/close")
async def by_close(reader, writer, request):
    await begin(writer, ("one ", "two "))
    writer.write("three")
    writer.close()


@app.route("GET", "/nothing")
async def nothing(reader, writer, request):
    """Not a byte, and yet its head was sent without a length."""
    await begin(writer, ())
    await writer.drain()


@app.route("GET", "/empty")
async def empty(reader, writer, request):
    """An empty piece is no last chunk."""
    await begin(writer, ("", "one ", b"", "two ", ""))
    await sendfile(writer, "empty.txt")
    await writer.drain()
    await writer.drain()
    writer.write("three")


@app.route("GET", "/known")
async def known(reader, writer, request):
    await HTTPResponse(200, "text/plain", False, {"Content-Length": 8}).send(writer)
    for word in ("one ", "two "):
        writer.write(word)
        await writer.drain()


@app.route("GET", "/stopping")
async def stopping(reader, writer, request):
    """Stops the server, and its own answer is complete all the same."""
    await begin(writer)
    await stop(app, 0.1)
    writer.write("two ")
    await writer.drain()
    writer.write("three")


@app.route("GET", "/files")
async def files(reader, writer, request):
    """Files as parts of a body; "d" drains before."""
    await HTTPResponse(200, "text/plain", False).send(writer)
    for word in request.parameters["order"].split(","):
        if word == "d":
            await writer.drain()
        elif word.endswith(".txt") or word.endswith(".bin"):
            await sendfile(writer, word)
        elif word == "part":
            await sendfile(writer, "large.txt", 50, 5000)
        else:
            writer.write(word)


# Ends that look broken


@app.route("GET", "/raise")
async def by_exception(reader, writer, request):
    await begin(writer)
    raise ValueError("on purpose")


@app.route("GET", "/refuse")
async def by_refusal(reader, writer, request):
    await begin(writer)
    raise InvalidRequest("too late")


@app.route("GET", "/os")
async def by_os_error(reader, writer, request):
    await begin(writer)
    os.stat("no such file")


@app.route("GET", "/failed")
async def failed(reader, writer, request):
    """What a thread says that has failed, and what anybody may say."""
    await begin(writer)
    writer.close(False)


@app.route("POST", "/late")
async def by_time_out(reader, writer, request):
    await begin(writer)
    writer.write(await reader.read())


@app.route("GET", "/unread")
async def nobody_reads(reader, writer, request):
    shrink(writer)
    await begin(writer, ["x" * 1000] * 100)
    await sendfile(writer, "large.txt")


# Event streams


@app.route("GET", "/events/<number>")
async def some_events(reader, writer, request):
    eventsource = await EventSource(reader, writer)
    for i in range(int(request.parameters["number"])):
        await eventsource.send("event %d" % i)


@app.route("GET", "/endless")
async def endless(reader, writer, request):
    if "small" in request.parameters:
        shrink(writer)
    eventsource = await EventSource(reader, writer)
    return await hold(writer, send_all, eventsource)


async def send_all(eventsource):
    while True:
        await eventsource.send("x" * 100)
        await sleep(0.005)


@app.route("GET", "/joined")
async def joined(reader, writer, request):
    if "small" in request.parameters:
        shrink(writer)
    return await events.join(reader, writer)


@app.route("POST", "/send")
async def send(reader, writer, request):
    await events.send(str(await reader.read(), "utf-8"))
    await answer(writer, len(events))


@app.route("GET", "/restart")
async def again(reader, writer, request):
    await answer(writer, True)
    restart(app, 0.1)


if __name__ == "__main__":
    run(app)
