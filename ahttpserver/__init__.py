# ahttpserver, a small HTTP/1.1 server.  It has a twin: the one with an "a" runs on asyncio, the
# other on plain sockets.  Handlers are the same in both, but for the words async and await.
#
# Reading order: url.py (what a request is), response.py (what an answer is), connection.py (the
# life of both), body.py (where a request ends), server.py (one exchange), crowd.py (who gets a
# place), loop.py (waiting: who is served when), setup.py and listener.py (what comes before),
# files.py (an answer in pieces), sse.py (one that never ends).

__version__ = "2.0.0"

import gc

import micropython

# Compiling takes 27 bytes of memory for each word and sign of a file: so without garbage in
# between, and without the line numbers of these files in tracebacks, which are 1 kB.
mode = micropython.opt_level()
try:
    micropython.opt_level(3)
    gc.collect()
    from url import InvalidRequest

    gc.collect()
    from .response import HTTPResponse

    gc.collect()
    from . import connection

    gc.collect()
    from . import crowd

    gc.collect()
    from .loop import HTTPServerError
    from .server import CONNECTION_KEEP_ALIVE, HTTPServer
finally:
    micropython.opt_level(mode)
del connection, crowd, gc, micropython, mode  # so all names have room in a dict of 17

from os import getcwd  # noqa: E402
from sys import implementation  # noqa: E402

path = globals()["__path__"]  # what is loaded later is to be found from any folder
if path[0] != "/" and not path.startswith(".frozen"):
    globals()["__path__"] = getcwd() + "/" + path
del getcwd, path
try:
    import lwip  # noqa: F401  only the firmware of some boards has it: see picow.py

    from . import picow  # noqa: F401
except ImportError:
    pass

CONNECTION_CLOSE = 0  # what a handler may return instead of nothing

if implementation.version < (1, 12):  # which does not call it
    from .files import sendfile
    from .receivefile import receivefile
del implementation


def __getattr__(name):
    # Called for what is not there: modules, sendfile and receivefile are loaded when a program
    # asks for them.
    if name == "__all__":  # here, behind all these names, they cost next to nothing
        return [
            "CONNECTION_CLOSE",
            "CONNECTION_KEEP_ALIVE",
            "HTTPResponse",
            "HTTPServer",
            "HTTPServerError",
            "InvalidRequest",
            "receivefile",
            "sendfile",
        ]
    if name[0] == "_":
        raise AttributeError(name)
    module = __import__("files" if name == "sendfile" else name, globals(), None, (name,), 1)
    value = getattr(module, name, module)
    if name in globals():  # receivefile: the module has just taken this name
        globals()[name] = value
    return value
