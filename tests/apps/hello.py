# The smallest application, and the pattern of all others: see start() in harness.py.

import sys

from ahttpserver import HTTPResponse, HTTPServer
from run_ahttpserver import run

app = HTTPServer("127.0.0.1", int(sys.argv[1]))


@app.route("GET", "/")
async def hello(reader, writer, request):
    response = HTTPResponse(200, "text/plain")
    await response.send(writer, "hello")


@app.route("GET", "/error")
async def error(reader, writer, request):
    raise ValueError("on purpose")


run(app)
