# Runs a test application on httpserver: run_ahttpserver.py is its counterpart.

import _thread
import time

sleep = time.sleep


def run(app, *background):
    """Serves until the server is stopped; each background function runs beside it in a thread."""
    for function in background:
        _thread.start_new_thread(function, ())
    app.start()
