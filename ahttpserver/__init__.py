# ahttpserver, a small HTTP/1.1 server.  It has a twin: the one with an "a" runs on asyncio, the
# other on plain sockets.  Handlers are the same in both, but for the words async and await.
#
# Reading order: url.py (what a request is), response.py (what an answer is), sendfile.py,
# connection.py (where messages begin and end), wire.py (waiting), app.py (who answers what),
# server.py (who is served when), sse.py (an answer that never ends).

__version__ = "1.0.0"

from url import InvalidRequest

# The largest module first: a board that compiles it needs the most memory for that.
from . import connection  # noqa: F401
from .app import HTTPServerError
from .receivefile import receivefile
from .response import HTTPResponse
from .sendfile import sendfile
from .server import HTTPServer
from .wire import CONNECTION_CLOSE, CONNECTION_KEEP_ALIVE
