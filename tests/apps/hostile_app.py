# The application of test_hostile.py and test_crowds.py: something to attack.  The second argument
# is a JSON object with arguments for HTTPServer; ssl is true for HTTPS.

import _thread
import gc
import json
import sys
import time

from ahttpserver import (
    CONNECTION_CLOSE,
    CONNECTION_KEEP_ALIVE,
    HTTPResponse,
    HTTPServer,
    InvalidRequest,
    sendfile,
)
from run_ahttpserver import run, sleep
from url import query

ASYNC = "ahttpserver"[0] == "a"  # the one thing that the mirror's table cannot translate
SOL_SOCKET, SO_SNDBUF = 1, 7
arguments = json.loads(sys.argv[2])
if arguments.pop("ssl", False):
    import ssl

    arguments["ssl"] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    arguments["ssl"].load_cert_chain("cert.der", "key.der")
app = HTTPServer("127.0.0.1", int(sys.argv[1]), log=print, **arguments)

with open("big.bin", "wb") as file:
    for i in range(1000):
        file.write(b"%04d" % i * 250)


@app.route("GET", "/good")
async def good(reader, writer, request):
    await HTTPResponse(200, "text/plain").send(writer, "good")


@app.route("GET", "/keep")
async def keep(reader, writer, request):
    await HTTPResponse(200, "text/plain", close=False).send(writer, "kept")


def board_sized(writer, request):
    # A board has little room for what is sent but not yet received, a PC megabytes.
    if "small" in request.parameters:
        writer.sock.setsockopt(SOL_SOCKET, SO_SNDBUF, 2048)


@app.route("GET", "/big")
async def big(reader, writer, request):
    board_sized(writer, request)
    rest = int(request.parameters["n"])
    response = HTTPResponse(200, close=False, header={"Content-Length": rest})
    await response.send(writer)
    while rest:
        data = b"x" * min(rest, 1000)
        writer.write(data)
        draining = writer.drain()
        if "forget" not in request.parameters:
            await draining
        rest -= len(data)


@app.route("GET", "/file")
async def big_file(reader, writer, request):
    board_sized(writer, request)
    await HTTPResponse(200, "application/octet-stream").send(writer)
    await sendfile(writer, "big.bin")


@app.route("GET", "/impatient")
async def impatient(reader, writer, request):
    # Forgives the connection that its response was not sent whole.
    board_sized(writer, request)
    try:
        await HTTPResponse(200, close=False).send(writer, b"x" * 50_000)
        await writer.drain()
    except OSError:
        pass


@app.route("POST", "/read")
async def read(reader, writer, request):
    body = await reader.read()
    await HTTPResponse(200, "text/plain", close=False).send(writer, str(len(body)))


@app.route("POST", "/form")
async def form(reader, writer, request):
    [name] = query(await reader.read())
    await HTTPResponse(200, "text/plain").send(writer, request.header["x"] + name)


@app.route("POST", "/upload")
async def upload(reader, writer, request):
    total = 0
    while True:
        data = await reader.read(1024)
        if not data:
            break
        total += len(data)
    await HTTPResponse(200, "text/plain", close=False).send(writer, str(total))


@app.route("POST", "/refuse")
async def refuse(reader, writer, request):
    raise InvalidRequest("I do not want this", 413)


@app.route("POST", "/fail")
async def fail(reader, writer, request):
    raise ValueError("on purpose")


@app.route("GET", "/hog")
async def hog(reader, writer, request):
    return bytearray(1000000000)


@app.route("GET", "/block")
async def block(reader, writer, request):
    # Nobody is served meanwhile, in asyncio neither.
    time.sleep_ms(int(request.parameters["ms"]))
    await HTTPResponse(200, "text/plain").send(writer, "blocked")


async def held(writer, ms):
    await sleep(ms / 1000)
    await HTTPResponse(200, "text/plain").send(writer, "held")
    await writer.drain()
    writer.close()


@app.route("GET", "/hold")
async def hold(reader, writer, request):
    # Takes a place for a while; in httpserver a thread has to do that.
    ms = int(request.parameters["ms"])
    if ASYNC:
        await held(writer, ms)
        return CONNECTION_CLOSE
    _thread.start_new_thread(held, (writer, ms))
    return CONNECTION_KEEP_ALIVE


@app.route("GET", "/heap")
async def heap(reader, writer, request):
    allocated = []
    for _ in range(3):
        gc.collect()
        allocated.append(gc.mem_alloc())
    await HTTPResponse(200, "text/plain").send(writer, str(min(allocated)))


run(app)
