# What a page asks for with fetch(): see test_fetch.py.

import sys

from ahttpserver import HTTPResponse, HTTPServer, receivefile
from ahttpserver.static import StaticFiles
from run_ahttpserver import run
from url import inside

app = HTTPServer("127.0.0.1", int(sys.argv[1]), timeout=5, log=print)


@app.route("GET", "/port")
async def port(reader, writer, request):
    # The client's port: one for each connection.
    response = HTTPResponse(200, "text/plain", close=False)
    await response.send(writer, str(writer.get_extra_info("peername")[1]))


@app.route("POST", "/echo")
async def echo(reader, writer, request):
    mimetype = request.header.get("content-type", "none")
    response = HTTPResponse(200, "text/plain", close=False)
    await response.send(writer, mimetype + "\n" + str(await reader.read(), "utf-8"))


@app.route("PUT", "/upload/<path:name>")
async def upload(reader, writer, request):
    size = await receivefile(reader, inside("files", request.parameters["name"]), 2000000)
    response = HTTPResponse(201, "text/plain", close=False)
    await response.send(writer, str(size))


# For pages of other sites

CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "content-type, x-led"}
CORS["Access-Control-Allow-Methods"] = "GET, PUT"


@app.route("OPTIONS", "/led")
async def preflight(reader, writer, request):
    await HTTPResponse(204, close=False, header=CORS).send(writer)


@app.route("PUT", "/led")
async def led(reader, writer, request):
    response = HTTPResponse(200, "text/plain", close=False, header=CORS)
    await response.send(writer, await reader.read())


@app.route("PUT", "/closed")
@app.route("POST", "/closed")
async def closed(reader, writer, request):
    print("closed", request.method)
    await HTTPResponse(200, "text/plain").send(writer, "not for other sites")


app.route("GET", "/<path:file>")(StaticFiles("www", cache_control="no-cache"))

run(app)
