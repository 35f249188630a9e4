# A demonstration of ahttpserver: a page with a clock, the free memory and a switch.  demo.py is
# the same on httpserver.
#
#     micropython ademo.py 8080        on a PC, the page is then at http://127.0.0.1:8080/
#     import ademo; ademo.run()        on a board, in the REPL or in main.py
#
# The program ends with Ctrl-C, or when a page asks for /api/stop or /api/date.  It leaves its loop
# and never calls sys.exit(): on a board that would be a reset, which starts main.py once more.

import asyncio
import gc
import json
import sys
import time

from ahttpserver import HTTPResponse, HTTPServer, InvalidRequest, sendfile
from ahttpserver.broadcast import Broadcast

app = HTTPServer(log=print)
clock = Broadcast()
events = Broadcast()  # the stream that all open pages share
state = {"switch": False}
stopped = asyncio.Event()  # main() waits for it


def same_site(request):
    """Refuses what a page of another site makes a browser send to this one."""
    header = request.header  # browsers send one of these, if the page is another site's
    foreign = "origin" in header and not header["origin"].endswith("//" + header.get("host", ""))
    if foreign or header.get("sec-fetch-site") == "cross-site":
        raise InvalidRequest("only for pages of this site", 403)


@app.route("GET", "/")
async def root(reader, writer, request):
    response = HTTPResponse(200, "text/html")
    await response.send(writer)
    await sendfile(writer, "index.html")
    try:
        print(1 / 0)
    except ZeroDivisionError as e:  # caught in the handler: the server never learns of it
        print("caught:", e)


@app.route("GET", "/favicon.ico")
async def favicon(reader, writer, request):
    response = HTTPResponse(200, "image/x-icon")
    await response.send(writer)
    await sendfile(writer, "favicon.ico")


@app.route("GET", "/api/time")
async def api_time(reader, writer, request):
    """The clock alone, an event named "time" each second: see produce()."""
    return await clock.join(reader, writer)


@app.route("GET", "/api/events")
async def api_events(reader, writer, request):
    """Clock and state of the board in one stream: what a page listens to."""
    return await events.join(reader, writer)


@app.route("POST", "/api/switch")
async def api_switch(reader, writer, request):
    """Turns the switch; on a board this could be a pin: led.value(state["switch"])."""
    same_site(request)
    word = await reader.read()
    if word not in (b"on", b"off"):
        raise InvalidRequest("the body is to be: on or off")
    state["switch"] = word == b"on"
    await publish()
    response = HTTPResponse(200, "text/plain")
    await response.send(writer, word)


@app.route("GET", "/api/date")
async def api_date(reader, writer, request):
    """Answers, then raises an exception that only on_error() catches: the program ends."""
    same_site(request)
    date = time.localtime()
    response = HTTPResponse(200, "application/json")
    date = {"day": "%02d" % date[2], "month": "%02d" % date[1], "year": str(date[0])}
    await response.send(writer, json.dumps(date))
    await writer.drain()  # the answer leaves before the accident
    print(1 / 0)


@app.route("GET", "/api/stop")
async def api_stop(reader, writer, request):
    """Ends the program, as Ctrl-C does."""
    same_site(request)
    response = HTTPResponse(200, "text/plain")
    await response.send(writer, "The program stops.")
    await writer.drain()
    stopped.set()


async def publish():
    """Tells all pages how things are; free and alloc are bytes."""
    data = {"free": gc.mem_free(), "alloc": gc.mem_alloc()}
    data.update(state)
    data["listeners"] = len(events)
    await events.send(json.dumps(data))


async def produce():
    """The board itself, which lives on while pages come and go."""
    while True:
        await tick()
        await publish()
        await asyncio.sleep(1)


async def tick():
    text = "%02d:%02d:%02d" % time.localtime()[3:6]
    await clock.send(text, event="time")
    await events.send(text, event="time")


def on_error(loop, context):
    """The global exception handler: gets what no handler caught."""
    sys.print_exception(context["exception"])
    stopped.set()


async def main():
    global stopped
    stopped = asyncio.Event()  # a new one for each run
    asyncio.get_event_loop().set_exception_handler(on_error)
    await app.start()
    asyncio.create_task(produce())
    await stopped.wait()


def run(port=80):
    """Serves until somebody or something stops the program."""
    app.port = port
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
    finally:
        asyncio.run(app.stop())
        asyncio.new_event_loop()  # forgets the tasks that are left: run() may be called again


if __name__ == "__main__":
    run(*[int(port) for port in sys.argv[1:]])
