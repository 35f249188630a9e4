# Handlers that send an answer and then end the program: see test_exit.py.

import sys

from ahttpserver import HTTPResponse, HTTPServer
from run_ahttpserver import run

app = HTTPServer("127.0.0.1", int(sys.argv[1]), log=print)
WORDS = {"interrupt": KeyboardInterrupt, "exit": SystemExit}


@app.route("GET", "/whole/<word>")
async def whole(reader, writer, request):
    response = HTTPResponse(200, "text/plain", close=False)
    await response.send(writer, "bye")
    raise WORDS[request.parameters["word"]]


@app.route("GET", "/large/<word>")
async def large(reader, writer, request):
    await HTTPResponse(200, "text/plain").send(writer, "x" * 10000)
    raise WORDS[request.parameters["word"]]


@app.route("GET", "/head/<word>")
async def head(reader, writer, request):
    await HTTPResponse(200, "text/plain", close=False).send(writer)
    raise WORDS[request.parameters["word"]]


@app.route("GET", "/part/<word>")
async def part(reader, writer, request):
    """A part of a body whose length nobody has told."""
    await HTTPResponse(200, "text/plain", close=False).send(writer)
    writer.write("one ")
    writer.write("two ")
    raise WORDS[request.parameters["word"]]


@app.route("GET", "/told/<word>")
async def told(reader, writer, request):
    """A part of a body whose length is known."""
    await HTTPResponse(200, "text/plain", False, {"Content-Length": 20}).send(writer)
    writer.write("one ")
    raise WORDS[request.parameters["word"]]


@app.route("GET", "/drained/<word>")
async def drained(reader, writer, request):
    await HTTPResponse(200, "text/plain").send(writer)
    writer.write("one ")
    await writer.drain()
    writer.write("two ")
    raise WORDS[request.parameters["word"]]


@app.route("GET", "/nothing/<word>")
async def nothing(reader, writer, request):
    raise WORDS[request.parameters["word"]]


try:
    run(app)
except KeyboardInterrupt:
    print("ended by KeyboardInterrupt")
except SystemExit:
    print("ended by SystemExit")
