# What can only happen to a thread: see test_chunks.py.  For httpserver only.
#
#     micropython chunks_threads.py PORT

import _thread
import time

from chunks_app import app, begin
from httpserver import CONNECTION_KEEP_ALIVE
from httpserver.sse import EventSource


def feed(writer, good):
    for word in ("two ", "three"):
        time.sleep(0.05)
        writer.write(word)
        writer.drain()
    writer.close(good)


@app.route("GET", "/thread/<good>")
def thread(reader, writer, request):
    begin(writer)
    _thread.start_new_thread(feed, (writer, request.parameters["good"] == "good"))
    return CONNECTION_KEEP_ALIVE


def feed_events(eventsource, good):
    for word in ("two", "three"):
        time.sleep(0.05)
        eventsource.send(word)
    eventsource.close(good)


@app.route("GET", "/stream/<good>")
def stream(reader, writer, request):
    eventsource = EventSource(reader, writer)
    eventsource.send("one")
    _thread.start_new_thread(feed_events, (eventsource, request.parameters["good"] == "good"))
    return CONNECTION_KEEP_ALIVE


app.start()
