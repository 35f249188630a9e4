# What event streams need besides run(): run_sse_httpserver.py is its counterpart.

import asyncio

from run_ahttpserver import run, sleep

__all__ = "Lock", "hold", "restart", "run", "sleep"


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
        await app.stop()
        await sleep(pause)
        await app.start()

    asyncio.create_task(again())
