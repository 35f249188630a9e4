# Keeps a connection for a function: hold_ahttpserver.py is its counterpart.

import _thread

from httpserver import CONNECTION_KEEP_ALIVE


def hold(function, *arguments):
    """Run it in a thread, so that the handler can return."""
    _thread.start_new_thread(until_gone, (function, arguments))
    return CONNECTION_KEEP_ALIVE


def until_gone(function, arguments):
    try:
        function(*arguments)
    except OSError:
        pass
