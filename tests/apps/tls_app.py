# The same server over TLS: see test_tls.py.  The certificate and its key are in two files.

import ssl
import sys

from ahttpserver import HTTPResponse, HTTPServer, receivefile
from ahttpserver.sse import EventSource
from ahttpserver.static import StaticFiles
from run_ahttpserver import run, sleep
from url import inside

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("cert.der", "key.der")
app = HTTPServer("127.0.0.1", int(sys.argv[1]), timeout=2, ssl=context, log=print)


@app.route("GET", "/")
async def root(reader, writer, request):
    response = HTTPResponse(200, "text/plain", close=False)
    await response.send(writer, "hello")


@app.route("PUT", "/files/<path:name>")
async def put_file(reader, writer, request):
    size = await receivefile(reader, inside("files", request.parameters["name"]))
    response = HTTPResponse(201, "text/plain", close=False)
    await response.send(writer, str(size))


@app.route("GET", "/events")
async def events(reader, writer, request):
    eventsource = await EventSource(reader, writer)
    for number in range(20):
        await eventsource.send("x" * 1000, id=number)


@app.route("GET", "/pieces")
async def pieces(reader, writer, request):
    writer.raw.setsockopt(1, 7, 4096)  # SOL_SOCKET, SO_SNDBUF: as little room as on a board
    await HTTPResponse(200, "text/plain").send(writer)
    for number in range(200):
        writer.write("%06d:%s\n" % (number, "x" * 692))
        await sleep(0.001)
        if number % 8 == 7:
            await writer.drain()


app.route("GET", "/files/<path:file>")(StaticFiles("files"))

run(app)
