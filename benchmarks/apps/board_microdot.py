# The routes that are measured on the emulated board, for microdot: as those of board_server.py.

import asyncio
import gc
import sys
import time

import board
from microdot import Microdot, send_file
from microdot.sse import with_sse

app = Microdot()
PLAIN = {"Content-Type": "text/plain"}

with open("10k.bin", "wb") as made:
    made.write(bytes(10000))


@app.get("/")
async def hello(request):
    return b"Hello, World!", 200, PLAIN


@app.get("/file")
async def file(request):
    return send_file("10k.bin", content_type="application/octet-stream")


@app.get("/events")
@with_sse
async def events(request, sse):
    while True:
        await sse.send("x")
        await asyncio.sleep(60)


@app.get("/burst")
@with_sse
async def burst(request, sse):
    before = ticks()
    for number in range(100):
        await sse.send("21.5", event_id=str(number))
        await asyncio.sleep(0)
    await sse.send(str(ticks() - before), event="busy")


def ticks():
    microseconds, rest = board.busy()
    return microseconds * 25 + rest


@app.get("/busy")
async def busy(request):
    return "%d %d" % (ticks(), time.ticks_us() * 25), 200, PLAIN


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
