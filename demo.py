# A demonstration of httpserver: a page with a clock, the free memory and a switch.  ademo.py is
# the same on ahttpserver.
#
#     micropython demo.py 8080         on a PC, the page is then at http://127.0.0.1:8080/
#     import demo; demo.run()          on a board, in the REPL or in main.py
#
# The program ends with Ctrl-C, or when a page asks for /api/stop or /api/date.  It leaves its loop
# and never calls sys.exit(): on a board that would be a reset, which starts main.py once more.

import _thread
import gc
import json
import sys
import time

from httpserver import HTTPResponse, HTTPServer, InvalidRequest, sendfile
from httpserver.broadcast import Broadcast

app = HTTPServer(log=print)
clock = Broadcast()
events = Broadcast()  # the stream that all open pages share
state = {"switch": False}


def same_site(request):
    """Refuses what a page of another site makes a browser send to this one."""
    header = request.header  # browsers send one of these, if the page is another site's
    foreign = "origin" in header and not header["origin"].endswith("//" + header.get("host", ""))
    if foreign or header.get("sec-fetch-site") == "cross-site":
        raise InvalidRequest("only for pages of this site", 403)


@app.route("GET", "/")
def root(reader, writer, request):
    response = HTTPResponse(200, "text/html")
    response.send(writer)
    sendfile(writer, "index.html")
    try:
        print(1 / 0)
    except ZeroDivisionError as e:  # caught in the handler: the server never learns of it
        print("caught:", e)


@app.route("GET", "/favicon.ico")
def favicon(reader, writer, request):
    response = HTTPResponse(200, "image/x-icon")
    response.send(writer)
    sendfile(writer, "favicon.ico")


@app.route("GET", "/api/time")
def api_time(reader, writer, request):
    """The clock alone, an event named "time" each second: see produce()."""
    return clock.join(reader, writer)


@app.route("GET", "/api/events")
def api_events(reader, writer, request):
    """Clock and state of the board in one stream: what a page listens to."""
    return events.join(reader, writer)


@app.route("POST", "/api/switch")
def api_switch(reader, writer, request):
    """Turns the switch; on a board this could be a pin: led.value(state["switch"])."""
    same_site(request)
    word = reader.read()
    if word not in (b"on", b"off"):
        raise InvalidRequest("the body is to be: on or off")
    state["switch"] = word == b"on"
    publish()
    response = HTTPResponse(200, "text/plain")
    response.send(writer, word)


@app.route("GET", "/api/date")
def api_date(reader, writer, request):
    """Answers, then raises an exception that only on_error() catches: the program ends."""
    same_site(request)
    date = time.localtime()
    response = HTTPResponse(200, "application/json")
    date = {"day": "%02d" % date[2], "month": "%02d" % date[1], "year": str(date[0])}
    response.send(writer, json.dumps(date))
    writer.drain()  # the answer leaves before the accident
    print(1 / 0)


@app.route("GET", "/api/stop")
def api_stop(reader, writer, request):
    """Ends the program, as Ctrl-C does."""
    same_site(request)
    response = HTTPResponse(200, "text/plain")
    response.send(writer, "The program stops.")
    writer.drain()
    app.stop()


def publish():
    """Tells all pages how things are; free and alloc are bytes."""
    data = {"free": gc.mem_free(), "alloc": gc.mem_alloc()}
    data.update(state)
    data["listeners"] = len(events)
    events.send(json.dumps(data))


def produce(serving):
    """The board itself, which lives on while pages come and go: the one thread that there is."""
    while serving.locked():
        tick()
        publish()
        time.sleep(1)
    tick()  # finds the server stopped, which closes the stream of each page


def tick():
    text = "%02d:%02d:%02d" % time.localtime()[3:6]
    clock.send(text, event="time")
    events.send(text, event="time")


def on_error(exception):
    """The global exception handler: gets what no handler caught."""
    sys.print_exception(exception)
    app.stop()


def run(port=80):
    """Serves until somebody or something stops the program."""
    app.port = port
    app.on_error = on_error
    serving = _thread.allocate_lock()  # held while the server runs, so that produce() knows
    try:
        with serving:
            _thread.start_new_thread(produce, (serving,))
            app.start()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    run(*[int(port) for port in sys.argv[1:]])
