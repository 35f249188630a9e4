# Runs a test application on ahttpserver: run_httpserver.py is its counterpart.

import asyncio

sleep = asyncio.sleep


def run(app, *background):
    """Serves until the process is ended; each background function runs beside the server."""

    async def main():
        await app.start()
        tasks = [asyncio.create_task(function()) for function in background]
        await asyncio.Event().wait()
        return tasks

    asyncio.run(main())
