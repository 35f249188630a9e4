# Handlers of every kind behind a password: see test_auth.py.

import sys

from ahttpserver import CONNECTION_KEEP_ALIVE, HTTPResponse, HTTPServer
from ahttpserver.auth import basic_auth
from ahttpserver.static import StaticFiles
from run_ahttpserver import run

app = HTTPServer("127.0.0.1", int(sys.argv[1]), timeout=3)
guard = basic_auth("admin", "secret")


async def answer(writer, body):
    response = HTTPResponse(200, "text/plain", close=False)
    await response.send(writer, body)


@app.route("GET", "/open")
async def public(reader, writer, request):
    await answer(writer, "open")


@app.route("GET", "/function")
@app.route("PUT", "/function")
@guard
async def function(reader, writer, request):
    await answer(writer, "function %d" % len(await reader.read()))


class Counter:
    def __init__(self):
        self.count = 0

    async def __call__(self, reader, writer, request):
        self.count += 1
        await answer(writer, "instance %d" % self.count)


app.route("GET", "/instance")(guard(Counter()))


@app.route("GET", "/unicode")
@basic_auth("Zoë", "pässword: with colon ☕", realm="the board's")
async def unicode(reader, writer, request):
    await answer(writer, "unicode")


@app.route("GET", "/empty")
@basic_auth("", "")
async def empty(reader, writer, request):
    await answer(writer, "empty")


handed_over = []


@app.route("GET", "/handed-over")
@guard
async def hand_over(reader, writer, request):
    await answer(writer, "handed over")
    await writer.drain()
    handed_over.append(writer)
    return CONNECTION_KEEP_ALIVE


@app.route("GET", "/release")
@guard
async def release(reader, writer, request):
    for connection in handed_over:
        connection.close()
    await answer(writer, "released")


app.route("GET", "/files/<path:file>")(guard(StaticFiles("www")))

run(app)
