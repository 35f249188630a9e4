# ahttpserver, a small HTTP/1.1 server.  It has a twin: the one with an "a" runs on asyncio, the
# other on plain sockets.  Handlers are the same in both, but for the words async and await.
#
# Reading order: url.py (what a request is), response.py (what an answer is), sendfile.py, body.py,
# connection.py (where messages begin and end), wire.py (waiting), routes.py (who answers what),
# app.py (one exchange), server.py (who is served when), sse.py (an answer that never ends).

__version__ = "1.0.0"

import gc

from url import InvalidRequest

# A board that compiles has little room: this order, without garbage in between, needs the least.
gc.collect()
from . import connection  # noqa: E402, F401

gc.collect()
from .server import HTTPServer  # noqa: E402

gc.collect()
from .receivefile import receivefile  # noqa: E402
from .response import HTTPResponse  # noqa: E402
from .routes import HTTPServerError  # noqa: E402
from .sendfile import sendfile  # noqa: E402
from .wire import CONNECTION_CLOSE, CONNECTION_KEEP_ALIVE  # noqa: E402
