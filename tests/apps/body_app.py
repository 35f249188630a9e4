# Bodies: JSON, forms, streams and uploads: see test_body.py.

import hashlib
import json
import os
import sys
from binascii import hexlify

from ahttpserver import HTTPResponse, HTTPServer, receivefile
from run_ahttpserver import run
from url import inside, query

app = HTTPServer("127.0.0.1", int(sys.argv[1]), timeout=1, max_body=4096, log=print)


async def answer(writer, body, status=200):
    response = HTTPResponse(status, "text/plain", close=False)
    await response.send(writer, body)


@app.route("POST", "/json")
async def post_json(reader, writer, request):
    await answer(writer, json.dumps(json.loads(await reader.read())["name"]))


@app.route("POST", "/form")
async def post_form(reader, writer, request):
    form = query(await reader.read())
    await answer(writer, "\n".join(["%s: %s" % (name, form[name]) for name in sorted(form)]))


@app.route("POST", "/ignored")
async def ignored(reader, writer, request):
    await answer(writer, "ignored")


@app.route("POST", "/read")
async def post_read(reader, writer, request):
    digest = hashlib.sha256()
    data = await reader.read(int(request.parameters["n"]))
    while data:
        digest.update(data)
        data = await reader.read(int(request.parameters["n"]))
    await answer(writer, hexlify(digest.digest()))


@app.route("POST", "/readinto")
async def post_readinto(reader, writer, request):
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(int(request.parameters["n"])))
    n = await reader.readinto(buffer)
    while n:
        digest.update(buffer[:n])
        n = await reader.readinto(buffer)
    await answer(writer, hexlify(digest.digest()))


@app.route("POST", "/lines")
async def post_lines(reader, writer, request):
    lines = 0
    digest = hashlib.sha256()
    line = await reader.readline()
    while line:
        lines += 1
        digest.update(line)
        line = await reader.readline()
    await answer(writer, b"%d " % lines + hexlify(digest.digest()))


@app.route("PUT", "/files/<path:name>")
async def put_file(reader, writer, request):
    name = inside("files", request.parameters["name"])
    size = await receivefile(reader, name)
    await answer(writer, str(size), 201)


@app.route("POST", "/post/<path:name>")
async def post_file(reader, writer, request):
    await put_file(reader, writer, request)


@app.route("PUT", "/small/<path:name>")
async def put_small(reader, writer, request):
    size = await receivefile(reader, inside("files", request.parameters["name"]), max_size=1000)
    await answer(writer, str(size), 201)


@app.route("GET", "/list")
async def get_list(reader, writer, request):
    await answer(writer, json.dumps(sorted(os.listdir("files"))))


run(app)
