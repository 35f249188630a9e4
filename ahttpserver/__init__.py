# ahttpserver, a small HTTP/1.1 server.  It has a twin: the one with an "a" runs on asyncio, the
# other on plain sockets.  Handlers are the same in both, but for the words async and await.
#
# Reading order: url.py (what a request is), response.py (what an answer is), connection.py (the
# life of both), body.py (where a request ends), server.py (who is served when), crowd.py (who gets
# a place), app.py (one exchange), wire.py (waiting), files.py (an answer in pieces), sse.py (one
# that never ends).

__version__ = "2.0.0"
__all__ = (
    "CONNECTION_CLOSE",
    "CONNECTION_KEEP_ALIVE",
    "HTTPResponse",
    "HTTPServer",
    "HTTPServerError",
    "InvalidRequest",
    "receivefile",
    "sendfile",
)

import gc
from sys import implementation

from url import InvalidRequest

# Compiling takes 27 bytes of memory for each word and sign of a file: large ones first, as long as
# there is room, and without garbage in between.
gc.collect()
from .response import HTTPResponse  # noqa: E402

gc.collect()
from .server import HTTPServer  # noqa: E402

gc.collect()
from .app import HTTPServerError  # noqa: E402
from .wire import CONNECTION_KEEP_ALIVE  # noqa: E402

try:
    import lwip  # noqa: F401  only the firmware of some boards has it: see picow.py

    from . import picow  # noqa: F401
except ImportError:
    pass

CONNECTION_CLOSE = 0  # what a handler may return instead of nothing


def __getattr__(name):
    # Called for what is not there: modules, sendfile and receivefile are loaded when a program
    # asks for them.
    if name[0] == "_":
        raise AttributeError(name)
    room = "files" if name == "sendfile" else name
    found = __import__(room, globals(), None, (name,), 1)
    globals()[name] = found = getattr(found, name, found)
    return found


if implementation.version < (1, 12):  # which does not call it
    from .files import sendfile
    from .receivefile import receivefile
