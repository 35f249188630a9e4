# Sockets that echo, that are fed from elsewhere, that say nothing: see test_websocket.py.

import gc
import sys

from ahttpserver import HTTPResponse, HTTPServer
from ahttpserver.websocket import WebSocket
from run_sse_ahttpserver import Lock, hold, restart, run, sleep
from sse_page import answer, shrink

# Echoes some messages, and reports what it has seen.  ("await(": the mirror takes "await " away.)
PAGE = """<!doctype html><meta charset="utf-8"><script>
async function echo(url, messages) {
  const seen = [], socket = new WebSocket(url)
  socket.binaryType = "arraybuffer"
  await(new Promise((opened, failed) => { socket.onopen = opened; socket.onclose = failed }))
  for (const message of messages) {
    socket.send(message)
    const data = (await(new Promise(resolve => socket.onmessage = resolve))).data
    seen.push(typeof data == "string" ? data : new Uint8Array(data).join())
  }
  const end = new Promise(resolve => socket.onclose = resolve)
  socket.close(3001, "done")
  const { code, wasClean } = await(end)
  return [seen, code, wasClean]
}
async function report() {
  const data = new Uint8Array([0, 255, 128])
  const found = await(echo(`ws://${location.host}/echo`, ["käse", "x".repeat(50000), data, ""]))
  found[0][1] = found[0][1].length
  fetch("/report?" + encodeURIComponent(JSON.stringify(found)))
}
if (location.search == "?report") report()
</script>"""

options = {"timeout": 2, "max_connections": 24, "max_body": 65536, "log": print}
if sys.argv[2:] == ["tls"]:
    import ssl

    options["ssl"] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    options["ssl"].load_cert_chain("cert.der", "key.der")
app = HTTPServer("127.0.0.1", int(sys.argv[1]), **options)
outcomes = []  # how sockets ended
sockets = []  # those of /feed
lock = Lock()  # both lists are changed by many threads


async def note(outcome):
    async with lock:
        outcomes.append(outcome)


@app.route("GET", "/state")
async def state(reader, writer, request):
    gc.collect()
    streams = len([conn for conn in app.connections if conn.stream])
    async with lock:
        told = outcomes[:]
        outcomes.clear()
    await answer(writer, {"streams": streams, "heap": gc.mem_alloc(), "outcomes": told})


@app.route("GET", "/page")
async def page(reader, writer, request):
    await HTTPResponse(200, "text/html", close=False).send(writer, PAGE)


@app.route("GET", "/report")
async def report(reader, writer, request):
    await HTTPResponse(204, close=False).send(writer)


@app.route("GET", "/echo")
async def echo(reader, writer, request):
    """Sends all that comes back."""
    ws = await WebSocket(reader, writer)
    return await hold(writer, echoes, ws)


async def echoes(ws):
    message = await ws.receive()
    while message is not None:
        await ws.send(message)
        message = await ws.receive()
    assert await ws.receive() is None
    await note("ended")


@app.route("GET", "/allowed")
async def allowed(reader, writer, request):
    ws = await WebSocket(reader, writer, origins=("http://localhost:" + sys.argv[1], "null"))
    return await hold(writer, echoes, ws)


@app.route("GET", "/close")
async def close(reader, writer, request):
    """Greets, and ends with the code that was asked for."""
    ws = await WebSocket(reader, writer)
    return await hold(writer, greet, ws, int(request.parameters["code"]))


async def greet(ws, code):
    await ws.send("hello")
    await ws.close(code)
    await ws.close(code)  # once is enough
    ignored = []
    message = await ws.receive()
    while message is not None:  # what the client sent before it answered
        ignored.append(message)
        message = await ws.receive()
    try:
        await ws.send("late")
    except OSError:
        await note(["closed", ignored])


@app.route("GET", "/feed")
async def feed(reader, writer, request):
    """Receives, while others send."""
    ws = await WebSocket(reader, writer)
    if not writer.raw:
        shrink(writer)
    async with lock:
        sockets.append(ws)
    return await hold(writer, listen, ws)


async def listen(ws):
    count = 0
    try:
        message = await ws.receive()
        while message is not None:
            count += len(message)
            if message == "close":
                await ws.close(1001)
            message = await ws.receive()
    finally:
        async with lock:
            sockets.remove(ws)
        await note(["received", count])


async def feeder():
    """Sends to all that listen, in a task or a thread of its own."""
    number = 0
    while True:
        await sleep(0.02)
        async with lock:
            open_now = sockets[:]
        for ws in open_now:
            try:
                await ws.send("%d " % number + "x" * (number % 7 * 1000))
                await ws.ping()
            except OSError:
                pass
        number += 1


@app.route("GET", "/flood")
async def flood(reader, writer, request):
    """Sends without a pause, and never receives."""
    ws = await WebSocket(reader, writer)
    shrink(writer)
    return await hold(writer, floods, ws)


async def floods(ws):
    try:
        while True:
            await ws.send(b"x" * 20000)
    finally:
        await note("flood ended")


@app.route("GET", "/silent")
async def silent(reader, writer, request):
    """Neither sends nor receives."""
    ws = await WebSocket(reader, writer)
    return await hold(writer, wait, ws)


async def wait(ws):
    try:
        await sleep(60)
    finally:
        await note("silent ended")


@app.route("GET", "/restart")
async def begin_again(reader, writer, request):
    await HTTPResponse(204).send(writer)
    restart(app, 0.2)


@app.route("GET", "/late")
async def late(reader, writer, request):
    """Receives only after a while what came meanwhile."""
    ws = await WebSocket(reader, writer)
    return await hold(writer, receives_late, ws)


async def receives_late(ws):
    await sleep(2)
    await echoes(ws)


run(app, feeder)
