# What can only happen to a task: see test_chunks.py.  For ahttpserver only.

import asyncio

from ahttpserver import HTTPResponse
from chunks_app import app, begin
from run_sse_ahttpserver import run

tasks = []


@app.route("GET", "/cancelled")
async def cancelled(reader, writer, request):
    tasks.append(asyncio.current_task())
    await begin(writer)
    await rest()


async def rest():
    await asyncio.sleep(10)


@app.route("GET", "/cancel")
async def cancel(reader, writer, request):
    tasks.pop().cancel()
    await HTTPResponse(200, "text/plain").send(writer, "done")


@app.route("GET", "/timed-out")
async def timed_out(reader, writer, request):
    """The application's own time-out."""
    await begin(writer)
    await asyncio.wait_for(rest(), 0.1)


run(app)
