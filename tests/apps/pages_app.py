# The application of test_pages.py: pages with many parts and an event stream, as StaticFiles and
# Broadcast serve them.  The second argument is a JSON object with arguments for HTTPServer; ssl is
# true for HTTPS.

import json
import sys

from ahttpserver import HTTPResponse, HTTPServer
from ahttpserver.broadcast import Broadcast
from ahttpserver.static import StaticFiles
from run_ahttpserver import run, sleep

arguments = json.loads(sys.argv[2])
if arguments.pop("ssl", False):
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("cert.der", "key.der")
    arguments["ssl"] = context

app = HTTPServer(arguments.pop("host", "127.0.0.1"), int(sys.argv[1]), **arguments)
events = Broadcast()


@app.route("GET", "/events")
async def join(reader, writer, request):
    return await events.join(reader, writer)


@app.route("GET", "/quick")
async def quick(reader, writer, request):
    await HTTPResponse(200, "text/plain", close=False).send(writer, "quick\n")


@app.route("GET", "/slow")
async def slow(reader, writer, request):
    await sleep(0.05)
    await HTTPResponse(200, "text/plain", close=False).send(writer, "slow\n")


app.route("GET", "/<path:file>")(StaticFiles("www"))


async def tick():
    number = 0
    while True:
        number += 1
        await events.send(number)
        await sleep(0.2)


run(app, tick)
