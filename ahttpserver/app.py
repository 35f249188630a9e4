# The application: who answers what, and one exchange of a request and a response.
#
# A handler is found by the request's method and path, and is called with the connection as reader
# and as writer, and the request.  Whatever it raises ends this one connection, not the server: an
# InvalidRequest is an answer, a ClientGone needs none, anything else is a 500 and is reported.
#
# These functions are methods of HTTPServer.  The first two are only the doors to setup.py, which
# is not kept.

from url import METHODS, InvalidRequest

from .response import NOTHING, SENT, HTTPResponse, status_line
from .wire import DONE, ClientGone

# What a handler may return: somebody else feeds the connection from now on, a thread (httpserver)
# or broadcast.py.  In ahttpserver it says nothing after a response that is no event stream.
CONNECTION_KEEP_ALIVE = 1


def __init__(self, *args, **values):
    from . import setup

    setup.__init__(self, *args, **values)


def route(self, method="GET", path="/"):
    """
    Decorator: the handler for a method (see url.METHODS) and a path; returned as it is.

    path: "/exact", or with "<name>" for one segment, or "<path:name>" last for all the rest;
    what these match is in request.parameters.  HTTPServerError for wrong arguments.
    """
    from . import setup

    return setup.route(self, method, path)


def find(self, request, method):
    """
    The handler of a request as if it had this method, or None.

    method None: its own; without a handler InvalidRequest 404, 405, or 204 for what OPTIONS asks.
    """
    path = request.path
    name = method or request.method
    get = self.routes.get
    handler = "<" not in path and (  # no path is named as a method
        get(name, self.routes).get(path) or name == "HEAD" and get("GET", self.routes).get(path)
    )
    if not handler and self.patterns:
        handler = self.patterns.find(request, name)
    if handler or method:
        return handler
    value = ""
    for method in METHODS:  # the last is OPTIONS: any path with a handler knows it
        if path == "*" or self.find(request, method) or value and method == "OPTIONS":
            value += ", " + method
    if not value:
        raise InvalidRequest("", 404)
    error = InvalidRequest("", 204 if request.method == "OPTIONS" else 405)
    error.header = {"Allow": value[2:]}
    raise error


async def exchange(self, conn, error=None):
    """Answer the request that conn has taken, or the error; return whether another may follow."""
    request = conn.request
    conn.left = self.timeout
    try:
        if error:
            raise error
        coro = self.find(request, None)(conn, conn, request)
        if hasattr(coro, "send") == (DONE is None):
            raise TypeError("%s: handlers are async def f()" % request.path)
        if await coro != CONNECTION_KEEP_ALIVE or not conn.hand_over():
            await conn.drain(True)
    except InvalidRequest as e:
        await self.refuse(conn, e)
    except ClientGone:
        conn.gone = True
        conn.keep = False
    except Exception as e:
        await self.refuse(conn, InvalidRequest("", 500))
        self.report(e)
    except (KeyboardInterrupt, SystemExit):
        conn.leave()
        raise
    finally:
        if self.log:
            # The target as it was sent: nobody can forge a line.
            text = request.method + " " + request.url if request else "-"
            status = "-" if conn.head is NOTHING else conn.status
            self.log("%s %s %s" % (conn.get_extra_info("peername")[0], text, status))
    return conn.keep


async def refuse(self, conn, error):
    """Answer with an error, if nothing has been sent, and let the connection close."""
    if conn.head != SENT:
        conn.ended = None
        status = error.status
        header = error.header
        mimetype, body = default = "text/plain", (str(error) or status_line(status)) + "\n"
        try:
            if self.on_refuse and status >= 400:
                error.header = dict(header or ())
                mimetype, body = self.on_refuse(conn.request, error) or default
                error.header.update(header or ())  # these stay, such as Allow
            len(body)  # or a TypeError
            await HTTPResponse(error.status, mimetype, True, error.header).send(conn, body)
        except Exception as e:
            if not self.on_refuse:
                raise
            self.report(e)
            await HTTPResponse(status, default[0], True, header).send(conn, default[1])
        try:
            await conn.drain(True)
        except ClientGone:
            conn.gone = True
    conn.keep = False
