# Sends the events of sse_cases.py.  They need a large heap: some of them are 100 kB long.

import sys

import sse_cases
from ahttpserver import HTTPServer
from ahttpserver.sse import EventSource
from run_ahttpserver import run
from sse_page import root

app = HTTPServer("127.0.0.1", int(sys.argv[1]))


app.route("GET", "/")(root)


@app.route("GET", "/cases")
async def cases(reader, writer, request):
    eventsource = await EventSource(reader, writer)
    await eventsource.send("first")
    for data in sse_cases.DATA:
        await eventsource.send()
        await eventsource.send(data)
    for fields in sse_cases.FIELDS:
        await eventsource.send("fields", **fields)
    await eventsource.send("last")
    await eventsource.send(id="without data")
    await eventsource.send(retry=100)
    await eventsource.send(event="nothing")
    await eventsource.send("end")


@app.route("GET", "/wire")
async def wire(reader, writer, request):
    eventsource = await EventSource(reader, writer)
    await eventsource.send()
    await eventsource.send("a\nb", id=0, event="e", retry=0)


@app.route("GET", "/refused")
async def refused(reader, writer, request):
    eventsource = await EventSource(reader, writer)
    number = 0
    for arguments in sse_cases.REFUSED:
        try:
            await eventsource.send("data", **arguments)
        except ValueError:
            number += 1
    await eventsource.send(number)


run(app)
