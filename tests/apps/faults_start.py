# The application of test_faults.py that lets start() fail, and then starts again.  The second and
# third arguments: which call fails, and how (board.py).

import sys

from board import faults

from ahttpserver import HTTPResponse, HTTPServer
from run_ahttpserver import sleep

ASYNC = "ahttpserver"[0] == "a"  # the one thing that the mirror's table cannot translate
app = HTTPServer("127.0.0.1", int(sys.argv[1]))


@app.route("GET", "/good")
async def good(reader, writer, request):
    await HTTPResponse(200, "text/plain").send(writer, "good")


async def main():
    number, error = int(sys.argv[2]), int(sys.argv[3])
    faults.plan(number, error, "all")
    try:
        await app.start()
    except (OSError, MemoryError) as e:
        print(type(e).__name__, faults.calls[number - 1], faults.sockets)
        await app.start()
    await sleep(60)


loop = main()
if ASYNC:
    import asyncio

    asyncio.run(loop)
