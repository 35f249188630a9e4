# For freezing ahttpserver into firmware: include("path/to/this/manifest.py") in the board's own.
# The same for httpserver is in manifest_httpserver.py.

metadata(
    description="A small HTTP server on asyncio",
    version="2.0.0",
    license="MIT",
)

package("ahttpserver")
module("url.py")
