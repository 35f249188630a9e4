# What only tasks can do: give up waiting for a message.  See test_websocket.py.

import asyncio
import sys

from ahttpserver import HTTPServer
from ahttpserver.websocket import WebSocket
from run_ahttpserver import run

app = HTTPServer("127.0.0.1", int(sys.argv[1]), timeout=2)


@app.route("GET", "/echo")
async def echo(reader, writer, request):
    ws = await WebSocket(reader, writer)
    given_up = 0
    while True:
        try:
            message = await asyncio.wait_for_ms(ws.receive(), 20)
        except asyncio.TimeoutError:
            given_up += 1
            continue
        if message is None:
            break
        await ws.send(message)
    print("given up", given_up)


run(app)
