# Limits of url.py that the application sets before the start: see test_limits.py.  The arguments
# behind the port are such as MAX_HEAD=16384.

import json
import sys

import url
from ahttpserver import HTTPResponse, HTTPServer
from run_ahttpserver import run

app = HTTPServer("127.0.0.1", int(sys.argv[1]), timeout=2)


@app.route("GET", "/<path:name>")
@app.route("POST", "/<path:name>")
async def echo(reader, writer, request):
    facts = {"url": len(request.url), "header": request.header, "body": len(await reader.read())}
    await HTTPResponse(200, "application/json").send(writer, json.dumps(facts))


for word in sys.argv[2:]:
    name, value = word.split("=")
    assert hasattr(url, name)
    setattr(url, name, int(value))
run(app)
