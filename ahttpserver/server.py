# The server: who answers what, and one exchange of a request and a response.
#
# A handler is found by the request's method and path, and is called with the connection as reader
# and as writer, and the request.  Whatever it raises ends this one connection, not the server: an
# InvalidRequest is an answer, a ClientGone needs none, anything else is a 500 and is reported.
#
# When that is done is told in loop.py, for whom in crowd.py.

import url

from . import crowd, loop
from .connection import SERVED
from .response import NOTHING, SENT, HTTPResponse, status_line

# What a handler may return: somebody else feeds the connection from now on, a thread (httpserver)
# or broadcast.py.  With asyncio it says nothing after a response that is no event stream.
CONNECTION_KEEP_ALIVE = 1


class HTTPServer:
    """
    An HTTP/1.1 server.

    host, port: where to listen; backlog: connections that the system may hold in waiting
    timeout: seconds that a client may keep the server waiting; max_connections: at once
    max_body: bytes that reader.read() takes; ssl: an ssl.SSLContext for HTTPS
    log: function of a str, called for each request, start and stop

    .on_error: function of an exception that a handler did not catch; it may call stop() or raise
    (with asyncio, the event loop's exception handler is told instead)
    .on_refuse: function(request or None, error), called before an answer with an error: returns
    (mimetype, body), or None for the default text; may set error.status, add to error.header
    """

    start = loop.start
    stop = loop.stop
    report = loop.report
    admit = crowd.admit
    make_room = crowd.make_room
    absent = crowd.absent

    port = 80  # may be changed before start()
    on_error = None
    on_refuse = None
    patterns = None  # routes with names

    # The first two are only the doors to setup.py, which is not kept.

    def __init__(self, *args, **values):
        from . import setup

        setup.__init__(self, *args, **values)

    def route(self, *args, **values):
        """
        Decorator: the handler for a method ("GET", see url.METHODS) and a path; returned as it is.

        path: "/exact", or with "<name>" for one segment, or "<path:name>" last for all the rest;
        what these match is in request.parameters.  HTTPServerError for wrong arguments.
        """
        from . import setup

        return setup.route(self, *args, **values)

    def find(self, request, method):
        """
        The handler of a request as if it had this method, or None.

        method None: its own; without a handler InvalidRequest 404, 405, or 204 if OPTIONS asks.
        """
        path = request.path
        name = method or request.method
        get = self.routes.get
        handler = "<" not in path and (  # no path is named as a method
            get(name, self.routes).get(path)
            or name == "HEAD"
            and get("GET", self.routes).get(path)
        )
        if not handler and self.patterns:
            handler = self.patterns.find(request, name)
        if handler or method:
            return handler
        value = ""
        for method in url.METHODS:  # the last is OPTIONS: any path with a handler knows it
            if path == "*" or self.find(request, method) or value and method == "OPTIONS":
                value += ", " + method
        if not value:
            raise url.InvalidRequest("", 404)
        error = url.InvalidRequest("", 204 if request.method == "OPTIONS" else 405)
        error.header = {"Allow": value[2:]}
        raise error

    async def exchange(self, conn, error):
        """Answer the request of a connection, or the error; return whether another may follow."""
        request = conn.request
        conn.state = SERVED
        conn.left = self.timeout
        # A response begins.  All of it is set here: a thread may write it while a loop looks on,
        # and then nothing of the connection may come into being.
        conn.head = NOTHING
        conn.keep = conn.chunked = False
        conn.mute = None
        conn.status = 200
        conn.room = -1
        conn.output = b""
        try:
            try:
                if error:
                    raise error
                coro = self.find(request, None)(conn, conn, request)
                if hasattr(coro, "send") == (loop.DONE is None):
                    raise TypeError("%s: handlers are async def f()" % request.path)
                if await coro != CONNECTION_KEEP_ALIVE or not loop.hand_over(conn):
                    await conn.drain(True)
            except url.InvalidRequest as e:
                await self.refuse(conn, e)
        except loop.ClientGone:
            conn.gone = True
            conn.keep = False
        except Exception as e:
            await self.refuse(conn, url.InvalidRequest("", 500))
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
            mimetype = "text/plain"
            body = (str(error) or status_line(status)) + "\n"
            await HTTPResponse(status, mimetype, True, header).send(conn, body)
            if self.on_refuse and status >= 400:  # it may replace this answer
                error.header = dict(header or ())
                try:
                    mimetype, body = self.on_refuse(conn.request, error) or (mimetype, body)
                    error.header.update(header or ())  # these stay, such as Allow
                    len(body)  # or a TypeError
                    await HTTPResponse(error.status, mimetype, True, error.header).send(conn, body)
                except Exception as e:
                    self.report(e)
            try:
                await conn.drain(True)
            except loop.ClientGone:
                conn.gone = True
        conn.keep = False
