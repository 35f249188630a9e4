# What real programs ask for: see test_programs.py.

import sys

from ahttpserver import HTTPResponse, HTTPServer
from ahttpserver.sse import EventSource
from ahttpserver.static import StaticFiles
from run_sse_ahttpserver import hold, run, sleep
from url import query

app = HTTPServer("127.0.0.1", int(sys.argv[1]), timeout=5, max_connections=12, log=print)
released = []


@app.route("GET", "/one")
async def one_event(reader, writer, request):
    """One short event, and then nothing until /release: whoever collects waits for ever."""
    eventsource = await EventSource(reader, writer)
    await eventsource.send("21.5 °C", event="t")
    return await hold(writer, wait, eventsource)


async def wait(eventsource):
    while not released:
        await sleep(0.05)


@app.route("GET", "/release")
async def release(reader, writer, request):
    released.append(True)
    await HTTPResponse(200, "text/plain").send(writer, "released")


@app.route("GET", "/three")
async def three_events(reader, writer, request):
    eventsource = await EventSource(reader, writer)
    for number in range(3):
        await eventsource.send(number, id=number, retry=60000)


@app.route("GET", "/lines")
async def lines(reader, writer, request):
    """A hundred lines, whose length nobody tells."""
    await HTTPResponse(200, "text/plain", close=False).send(writer)
    for number in range(100):
        writer.write("line %d é\n" % number)
        if number % 10 == 0:
            await writer.drain()


@app.route("GET", "/broken")
async def broken(reader, writer, request):
    await HTTPResponse(200, "text/plain", close=False).send(writer)
    writer.write("line 0 é\n")
    await writer.drain()
    writer.close(False)


@app.route("GET", "/degrees")
async def degrees(reader, writer, request):
    await HTTPResponse(200, "text/plain", close=False).send(writer, "21.5 °C")


@app.route("POST", "/save")
async def save(reader, writer, request):
    form = query(await reader.read(), all=True)
    await HTTPResponse(200, "text/plain").send(writer, " | ".join(form.get("wifi", ())))


app.route("GET", "/www/<path:file>")(StaticFiles("www"))

run(app)
