# For freezing httpserver into firmware: include("path/to/this/manifest.py") in the board's own.
# The same for ahttpserver is in manifest.py.

metadata(
    description="A small HTTP server on plain sockets",
    version="2.0.0",
    license="MIT",
)

package("httpserver")
module("url.py")
