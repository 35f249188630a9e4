# What event streams need besides run(): run_sse_ahttpserver.py is its counterpart.

import _thread

from httpserver import CONNECTION_KEEP_ALIVE
from run_httpserver import sleep

Lock = _thread.allocate_lock
pauses = []


def hold(writer, function, *arguments):
    """Feeds a stream in a thread of its own."""
    _thread.start_new_thread(until_gone, (writer, function, arguments))
    return CONNECTION_KEEP_ALIVE


def until_gone(writer, function, arguments):
    try:
        function(*arguments)
    except OSError:
        pass
    finally:
        writer.close()


def restart(app, pause):
    """Stops the server, and starts it again after a pause (in seconds)."""
    pauses.append(pause)
    app.stop()


stop = restart


def run(app, *background):
    """Serves until the process is ended; each background function runs beside it in a thread."""
    for function in background:
        _thread.start_new_thread(function, ())
    while True:
        app.start()
        sleep(pauses.pop())
