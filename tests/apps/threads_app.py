# What handlers of httpserver may do with threads, with the log and with on_error: test_threads.py
# runs it.  For httpserver only.
#
#     micropython threads_app.py PORT

import _thread
import random
import sys
import time

import micropython

from httpserver import CONNECTION_KEEP_ALIVE, HTTPResponse, HTTPServer


def log(line):
    if "/logged" in line:
        raise ValueError("log")


def on_error(exception):
    print("on_error", repr(exception))
    if isinstance(exception, KeyError):
        raise MemoryError


app = HTTPServer("127.0.0.1", int(sys.argv[1]), log=log)
app.on_error = on_error


def later(writer):
    time.sleep(0.1)
    HTTPResponse(200, "text/plain", close=False).send(writer, "from a thread")
    writer.drain()
    writer.close()


@app.route("GET", "/thread")
@app.route("GET", "/logged")
@app.route("POST", "/thread")
def thread(reader, writer, request):
    _thread.start_new_thread(later, (writer,))
    return CONNECTION_KEEP_ALIVE


def in_pieces(writer):
    time.sleep(0.1)
    HTTPResponse(200, "text/plain").send(writer)
    writer.write("from a ")
    writer.drain()
    writer.write("thread")
    writer.close()


def broken(writer):
    HTTPResponse(200, "text/plain").send(writer)
    writer.write("half")
    writer.close(False)


@app.route("GET", "/pieces")
def pieces(reader, writer, request):
    _thread.start_new_thread(in_pieces, (writer,))
    return CONNECTION_KEEP_ALIVE


@app.route("GET", "/quick")
@app.route("POST", "/quick")
def quick(reader, writer, request):
    """The thread is faster than the server, or its end is."""
    _thread.start_new_thread(broken if request.query else in_pieces, (writer,))
    time.sleep(0.3)
    return CONNECTION_KEEP_ALIVE


def at_once(writer):
    HTTPResponse(200, "text/plain").send(writer)
    writer.write("abc")
    writer.close()


@app.route("GET", "/any-time")
def any_time(reader, writer, request):
    _thread.start_new_thread(at_once, (writer,))
    for _ in range(random.getrandbits(9)):
        pass
    return CONNECTION_KEEP_ALIVE


@app.route("GET", "/no-memory")
def no_memory(reader, writer, request):
    """There is none when the thread closes."""
    HTTPResponse(200, "text/plain").send(writer)
    writer.drain()
    writer.write("lost")
    _thread.start_new_thread(close, (writer,))
    return CONNECTION_KEEP_ALIVE


def close(writer):
    time.sleep(0.1)
    micropython.heap_lock()
    try:
        writer.close()
    except MemoryError:
        pass
    micropython.heap_unlock()


@app.route("GET", "/endless")
def endless(reader, writer, request):
    HTTPResponse(200, "text/plain").send(writer)
    while True:
        writer.write("x" * 500)


@app.route("GET", "/end")
def end(reader, writer, request):
    raise KeyError("end")


try:
    app.start()
except MemoryError:
    print("ended by a MemoryError")
