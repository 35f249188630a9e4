# Folders of files: see test_static.py.

import sys

from ahttpserver import HTTPServer
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

run(app)
