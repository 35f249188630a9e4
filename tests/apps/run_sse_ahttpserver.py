# What event streams need besides run(): run_sse_httpserver.py is its counterpart.

import asyncio

from run_ahttpserver import run, sleep

__all__ = "Lock", "hold", "restart", "run", "sleep", "stop"


class Lock:
    """Tasks need none: nothing happens between one await and the next."""

    async def __aenter__(self):
        pass

    async def __aexit__(self, *exception):
        pass


async def hold(writer, function, *arguments):
    """Feeds a stream in the handler's own task."""
    await function(*arguments)


def restart(app, pause):
    """Stops the server, and starts it again after a pause (in seconds)."""

    async def again():
        await stop(app, pause)

    asyncio.create_task(again())


async def stop(app, pause):
    """The same in the own task: from a handler, its answer still leaves."""

    async def again():
        await sleep(pause)
        await app.start()

    await app.stop()
    asyncio.create_task(again())
