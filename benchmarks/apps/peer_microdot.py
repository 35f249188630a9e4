# The routes that are measured, for microdot: the same answers as server.py.
#
#     micropython peer_microdot.py PORT

import asyncio
import gc
import json
import sys

from microdot import Microdot, send_file
from microdot.sse import with_sse

app = Microdot()
PLAIN = {"Content-Type": "text/plain"}


@app.get("/")
async def hello(request):
    return b"Hello, World!", 200, PLAIN


@app.get("/parameters")
async def parameters(request):
    return json.dumps(dict(request.args)), 200, {"Content-Type": "application/json"}


@app.post("/echo")
async def echo(request):
    return request.body, 200, PLAIN


@app.get("/file")
async def file(request):
    return send_file("100k.bin", content_type="application/octet-stream")


@app.get("/large")
async def large(request):
    return send_file("1m.bin", content_type="application/octet-stream")


@app.get("/events")
@with_sse
async def events(request, sse):
    number = 0
    while True:
        await asyncio.sleep(0.1)
        number += 1
        await sse.send(str(number), event_id=str(number))


@app.get("/memory")
async def memory(request):
    return str(gc.mem_alloc()), 200, PLAIN


@app.get("/collected")
async def collected(request):
    gc.collect()
    return str(gc.mem_alloc()), 200, PLAIN


@app.get("/uncollected")
async def uncollected(request):
    gc.collect()
    gc.disable()
    return b"", 200, PLAIN


app.run("127.0.0.1", int(sys.argv[1]))
