# Folders of files: see test_static.py.

import gc
import sys

from ahttpserver import HTTPResponse, HTTPServer
from ahttpserver.static import StaticFiles
from run_ahttpserver import run

app = HTTPServer("127.0.0.1", int(sys.argv[1]), timeout=3)

app.route("GET", "/below/it/<path:file>")(StaticFiles("www/"))
app.route("GET", "/rare/<path:file>")(
    StaticFiles(
        "www",
        cache_control="max-age=3600",
        mimetypes={"wasm": "application/wasm", "js": "application/javascript"},
    )
)
app.route("GET", "/<path:file>")(StaticFiles("www"))


@app.route("GET", "/heap")
async def heap(reader, writer, request):
    gc.collect()
    await HTTPResponse(200, "text/plain").send(writer, str(gc.mem_alloc()))


run(app)
