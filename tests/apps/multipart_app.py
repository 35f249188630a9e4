# Forms with files: see test_multipart.py.

import gc
import hashlib
import json
import os
import sys
from binascii import hexlify

from ahttpserver import HTTPResponse, HTTPServer, receivefile
from ahttpserver.multipart import Multipart
from run_ahttpserver import run
from url import inside

app = HTTPServer("127.0.0.1", int(sys.argv[1]), timeout=1, max_body=4096, log=print)

# Sends itself as a form, by a click of the page's own, and says so in its title.
PAGE = """<!doctype html><meta charset="utf-8"><form action="/parts" method="post"
enctype="multipart/form-data"><input name="text"><input name='a "quoted" name'>
<input type="file" name="none"><input type="file" name="many" multiple></form><script>
const files = new DataTransfer()
files.items.add(new File(["one"], 'ä "1";.txt', {type: "text/plain"}))
files.items.add(new File([new Uint8Array(70000).fill(45)], "dashes.bin"))
const form = document.forms[0]
form.text.value = "ein\\nWort ü\\r\\n--"
form.many.files = files.files
form.submit()
</script>"""


async def answer(writer, data, status=200):
    response = HTTPResponse(status, "application/json", close=False)
    await response.send(writer, json.dumps(data))


@app.route("GET", "/page")
async def page(reader, writer, request):
    response = HTTPResponse(200, "text/html", close=False)
    await response.send(writer, PAGE)


@app.route("POST", "/parts")
async def parts(reader, writer, request):
    """What came, each part read in pieces of n bytes."""
    n = int(request.parameters.get("n", 1000))
    found = []
    form = Multipart(reader, request)
    part = await form.next()
    while part:
        digest = hashlib.sha256()
        size = 0
        data = await part.read(n)
        while data:
            assert len(data) <= n
            size += len(data)
            digest.update(data)
            data = await part.read(n)
        assert await part.read(n) == b""
        sha = str(hexlify(digest.digest()), "utf-8")
        found.append([part.name, part.filename, part.header.get("content-type"), size, sha])
        part = await form.next()
    assert await form.next() is None
    print("found", json.dumps(found))
    await answer(writer, found)


@app.route("POST", "/names")
async def names(reader, writer, request):
    """The names alone: nothing is read, or a few bytes."""
    found = []
    form = Multipart(reader, request)
    last = None
    part = await form.next()
    while part:
        if last:
            assert await last.read() == b"" == await last.read(1)  # its time is over
        found.append(part.name)
        if len(found) % 2:
            await part.read(3)
        last = part
        part = await form.next()
    await answer(writer, found)


@app.route("POST", "/values")
async def values(reader, writer, request):
    found = {}
    form = Multipart(reader, request)
    part = await form.next()
    while part:
        found[part.name] = (await part.read()).decode()
        part = await form.next()
    await answer(writer, found)


@app.route("POST", "/files")
async def files(reader, writer, request):
    sizes = []
    form = Multipart(reader, request)
    part = await form.next()
    while part:
        if part.filename:
            sizes.append(await receivefile(part, inside("files", part.filename), 1 << 21))
        part = await form.next()
    await answer(writer, sizes, 201)


@app.route("GET", "/state")
async def state(reader, writer, request):
    gc.collect()
    await answer(writer, {"files": sorted(os.listdir("files")), "heap": gc.mem_alloc()})


run(app)
