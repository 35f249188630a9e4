# What handlers of httpserver may do with threads, with the log and with on_error: test_threads.py
# runs it.  For httpserver only.
#
#     micropython threads_app.py PORT

import _thread
import sys
import time

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
def thread(reader, writer, request):
    _thread.start_new_thread(later, (writer,))
    return CONNECTION_KEEP_ALIVE


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
