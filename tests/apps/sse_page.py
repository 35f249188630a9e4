# A page that listens to the stream named behind the # of its address, if there is one: /#/flood.
# And other answers of the applications with event streams.

import json

from ahttpserver import HTTPResponse

PAGE = """<!doctype html>
<title>streams</title>
<script>
const seen = []
const times = []  // when the stream was opened, in ms
let source, created = 0
function listen() {
  source = new EventSource(location.hash.slice(1))
  created++
  source.onopen = () => times.push(Date.now())
  source.onmessage = event => seen.push(event.data)
  source.onerror = () => { if (source.readyState == 2) setTimeout(listen, 300) }  // 503
}
if (location.hash) listen()
</script>
"""


async def root(reader, writer, request):
    """The handler of the page."""
    response = HTTPResponse(200, "text/html")
    await response.send(writer, PAGE)


async def answer(writer, content):
    """Answers with JSON."""
    response = HTTPResponse(200, "application/json")
    await response.send(writer, json.dumps(content))


def shrink(writer):
    """Makes the buffer of a stream's socket as small as that of a board."""
    writer.sock.setsockopt(1, 7, 4096)  # SOL_SOCKET, SO_SNDBUF of Linux
