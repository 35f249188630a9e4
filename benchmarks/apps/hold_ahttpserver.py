# Keeps a connection for a function: hold_httpserver.py is its counterpart.


async def hold(function, *arguments):
    """Run it in the handler's own task."""
    await function(*arguments)
