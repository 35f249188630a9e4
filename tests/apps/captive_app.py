# A name server beside a web server, on the same number of port: see test_captive.py.

import gc
import sys

from ahttpserver import HTTPResponse, HTTPServer
from ahttpserver.captive import Captive
from run_ahttpserver import run

port = int(sys.argv[1])
app = HTTPServer("127.0.0.1", port)
names = Captive("127.0.0.1", port)


@app.route("GET", "/heap")
async def heap(reader, writer, request):
    gc.collect()
    response = HTTPResponse(200, "text/plain", close=False)
    await response.send(writer, str(gc.mem_alloc()))


@app.route("GET", "/again")
async def again(reader, writer, request):
    """A second one cannot have the same port."""
    try:
        Captive("127.0.0.1", port)
        text = "bound twice"
    except OSError:
        text = "refused"
    response = HTTPResponse(200, "text/plain", close=False)
    await response.send(writer, text)


@app.route("GET", "/close")
async def close(reader, writer, request):
    names.close()
    response = HTTPResponse(200, "text/plain", close=False)
    await response.send(writer, "closed")


async def serve():
    await names.serve()
    print("ended")


run(app, serve)
