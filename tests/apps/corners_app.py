# Handlers that do what hardly anybody does, and calls that hardly ever fail: see test_corners.py.

import _thread
import gc
import sys
import time
from array import array

from ahttpserver import (
    CONNECTION_CLOSE,
    CONNECTION_KEEP_ALIVE,
    HTTPResponse,
    HTTPServer,
    HTTPServerError,
    InvalidRequest,
    sendfile,
)
from run_ahttpserver import run, sleep

try:
    import ssl
except ImportError:  # older builds

    class ssl:
        SSLContext = wrap_socket = None


ASYNC = "ahttpserver"[0] == "a"  # the one thing that the mirror's table cannot translate
app = HTTPServer("127.0.0.1", int(sys.argv[1]), timeout=1, max_connections=2, backlog=8)


@app.route("GET", "/hello")
async def hello(reader, writer, request):
    await HTTPResponse(200, "text/plain", close=False).send(writer, "hello")


@app.route("GET", "/closed")
async def closed(reader, writer, request):
    await HTTPResponse(200, "text/plain", close=False).send(writer)
    writer.write("hello")
    await writer.drain()
    writer.close()


@app.route("GET", "/switch")
async def switch(reader, writer, request):
    header = {"Connection": "upgrade", "Upgrade": "echo"}
    await HTTPResponse(101, None, close=False, header=header).send(writer)
    writer.write("welcome ")
    await writer.drain()
    writer.write(b"echo " + await reader.readexactly(5))


@app.route("GET", "/long-head")
async def long_head(reader, writer, request):
    """Its head and its body together are much, and at first the socket takes nothing of it."""
    writer.sock = Full(writer)
    header = {"X-Long": "h" * 1500}
    await HTTPResponse(200, "text/plain", close=False, header=header).send(writer)
    writer.write("x" * 4000)
    await writer.drain()


@app.route("GET", "/broken-off")
async def broken_off(reader, writer, request):
    await HTTPResponse(200, "text/plain").send(writer)
    writer.write("half")
    writer.close(False)


@app.route("PUT", "/refuses")
async def refuses(reader, writer, request):
    """After a while, in which the body comes that waited for 100 Continue in vain."""
    await sleep(0.6)
    raise InvalidRequest("no", 403)


@app.route("GET", "/connection")
async def wrong_connection(reader, writer, request):
    header = {"Connection": "keep-alive, Upgrade"}
    await HTTPResponse(200, header=header).send(writer, "")


@app.route("GET", "/file")
async def file(reader, writer, request):
    """Says whether the handler hears of a client that takes no more of the file."""
    try:
        await sendfile(writer, "large.bin")
    except OSError as e:
        print("sendfile:", type(e).__name__)
        raise
    print("sendfile: done")


@app.route("GET", "/block")
async def block(reader, writer, request):
    time.sleep(2)
    await hello(reader, writer, request)


def held(writer):
    time.sleep(4)
    answer(writer)


def answer(writer):
    writer.write("held")
    writer.drain()
    writer.close()


@app.route("GET", "/hold")
async def hold(reader, writer, request):
    """Takes a place for long; meanwhile, if so asked, no connection can be accepted."""
    await HTTPResponse(200, "text/plain").send(writer)
    if request.query:
        app.failures = 3
        app.admit = accept_fails
    if ASYNC:
        await sleep(4)
        writer.write("held")
        return CONNECTION_CLOSE
    _thread.start_new_thread(held, (writer,))
    return CONNECTION_KEEP_ALIVE


def accept_fails():
    app.failures -= 1
    if not app.failures:
        del app.admit
    raise OSError(23)


class Full:
    """A socket that cannot take anything now."""

    def __init__(self, writer):
        self.writer = writer
        self.real = writer.sock

    def write(self, data):
        self.writer.sock = self.real


class Door:
    """A poll for whose results there is no memory."""

    def poll(self, ms):
        app.door = self.real
        raise MemoryError


@app.route("GET", "/samples")
async def samples(reader, writer, request):
    """A body whose items are larger than a byte."""
    await HTTPResponse(200, "text/plain", header={"Content-Length": 200}).send(writer)
    writer.write(array("H", range(100)))


@app.route("GET", "/both/exact")
async def both_exact(reader, writer, request):
    await HTTPResponse(200, header={"X-Route": "exact route"}).send(writer, "")


@app.route("HEAD", "/both/<name>")
async def both_pattern(reader, writer, request):
    await HTTPResponse(200, header={"X-Route": "pattern"}).send(writer, "")


@app.route("GET", "/large")
async def large(reader, writer, request):
    """How much memory an answer of 20 kB takes, besides itself, is printed."""
    body = "x" * 20000
    if request.parameters["type"] == "bytes":
        body = body.encode()
    response = HTTPResponse(200, "text/plain")
    gc.collect()  # so that no collection comes in between and hides it
    before = gc.mem_alloc()
    if request.parameters["by"] == "send":
        await response.send(writer, body)
    else:
        await response.send(writer)
        writer.write(body)
    print("took", gc.mem_alloc() - before)


@app.route("GET", "/late")
async def late(reader, writer, request):
    """A route that is added while the server runs; whether what happens before it is forgotten."""
    text = "forgotten"
    if "ahttpserver.setup" in sys.modules or "setup" in sys.modules["ahttpserver"].__dict__:
        text = "kept"
    if request.query:
        app.route("GET", "/" + request.query)(hello)
    await HTTPResponse(200, "text/plain").send(writer, text)


@app.route("GET", "/twice")
async def twice(reader, writer, request):
    try:
        await app.start()
    except HTTPServerError as e:
        await HTTPResponse(200, "text/plain").send(writer, str(e))


@app.route("GET", "/settings")
async def settings(reader, writer, request):
    """What the constructor says of settings that cannot be."""
    texts = []
    for values in (
        {"ssl": ssl},  # the module, not a context
        {"host": None},
        {"log": "print"},
        {"port": "80"},
        {"port": 65536},
        {"timeout": 0},
        {"max_connections": 0},
    ):
        try:
            HTTPServer(**values)
        except (TypeError, ValueError) as e:
            texts.append("%s: %s" % (type(e).__name__, e))
    await HTTPResponse(200, "text/plain").send(writer, "\n".join(texts))


@app.route("GET", "/begin")
async def begin(reader, writer, request):
    """An answer of any status and media type; with a field of bytes."""
    status = request.parameters.get("status")
    status = status and int(status)
    mimetype = request.parameters.get("type")
    header = {"X-Bytes": b"caf\xe9"}
    await HTTPResponse(status, mimetype, close=False, header=header).send(writer, "hello")


@app.route("GET", "/wrong-body")
async def wrong_body(reader, writer, request):
    """A body that is none, as when json.dumps was forgotten; each of these is false."""
    body = {"list": [], "dict": {}, "int": 0}[request.query]
    await HTTPResponse(200, "application/json").send(writer, body)


@app.route("GET", "/no-memory")
async def no_memory(reader, writer, request):
    door = Door()
    door.real = app.door
    app.waiting = app.freed = time.ticks_ms()  # somebody is at the door
    app.door = door
    time.sleep(0.3)  # the newcomer comes meanwhile
    await HTTPResponse(200, "text/plain").send(writer, "hello")


run(app)
