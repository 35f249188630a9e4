# The connection: one client, request after request and response after response.
#
#     accepted -> READING --a request is complete--> SERVED --nothing more to say--> closed
#                    ^                               |   |
#                    |                               |   +--more is coming--> LINGERING -> closed
#                    +--bytes come-- KEPT <--"keep-alive"
#
# A handler gets this one object as reader and as writer.  Reading stops where the request's body
# ends: see body.py.  What is written is collected: see response.py.  The life of a response:
#
#     NOTHING --HTTPResponse.send()--> .head is held --drain(), much output, the end--> SENT
#
# Held, it may still be completed, or replaced.

import url

from . import loop, response
from .loop import ClientGone
from .response import NOTHING

# The states of a connection, the first to give way first: each is a number of milliseconds, after
# which it may have to.  See crowd.make_room().
LINGERING = 200  # answered; what the client still sends is read away
KEPT = 300  # idle after a response
READING = 500  # a head, or a short body, is awaited
SERVED = 0  # a handler is at work, or the connection was handed over: it does not give way


class Connection:
    """What a handler gets as reader and as writer."""

    # Writing and waiting are told in rooms of their own; for reading see __getattr__().
    write = response.write
    drain = response.drain
    leave = response.leave
    wait = loop.wait
    push = loop.push
    close = loop.close
    wait_closed = loop.wait_closed

    # What most connections never set costs them no memory.
    gone = False  # the socket has failed or was closed
    late = False  # its time is up
    owned = False  # handed over by its handler
    stream = False  # the end of input means that the client has gone: see sse.py
    raw = None  # with TLS: the socket below
    born = None  # with TLS: when it was accepted, in ticks
    since = None  # when it began to wait, in ticks
    state = READING
    input = b""  # what has come and was not read yet
    request = None
    body = 0  # bytes of the request's body, or of its chunk, that are still to be read
    more = 0  # 1: a chunk follows, -1: nobody knows what follows
    status = 200
    head = NOTHING  # of the response; SENT when it has left
    room = -1  # bytes that its body may still take, negative: nobody knows how many
    output = b""  # what was collected of it
    chunked = False
    mute = None  # its body is not to be sent: so many bytes of it were left out
    keep = False  # another request may follow
    ended = None  # the handler writes nothing more: True for a good end, False for a bad one
    unsent = b""  # what the socket did not take yet
    task = None  # that serves it, with asyncio

    def __init__(self, app, sock, address):
        self.app = app
        self.sock = sock
        self.address = address
        self.left = app.timeout  # ms that the client may still keep the server waiting

    def __getattr__(self, name):
        # Called for what is not there: a program that reads no body does not carry body.py.
        if name[:4] != "read":
            raise AttributeError(name)
        from . import body

        setattr(Connection, name, getattr(body, name))
        return getattr(self, name)

    def fill(self, n=640):
        """Read up to n bytes more of input; false if there are none yet; ClientGone at its end."""
        # Most heads of browsers fit into 640, and so much memory is found in one piece for long.
        sock = self.sock  # others may take it away from a thread, after saying .gone
        if self.gone or sock is None:
            raise ClientGone("closed")
        try:
            data = sock.read(n)
            if data:
                if self.state != LINGERING:
                    self.input += data
                    return True
                self.body -= len(data)
                if self.body > 0:
                    return True
            if data is None:
                return False
        except OSError as e:
            self.gone = True
            raise ClientGone(*e.args)
        self.gone = self.stream  # who only writes no more may still read an answer
        raise ClientGone("ended")

    def transmit(self, data):
        """Hand over what the socket takes at once; return the rest of data, or ClientGone."""
        sock = self.sock
        if self.gone or sock is None:
            raise ClientGone("closed")
        try:
            n = data and sock.write(data) or 0
        except OSError as e:
            self.gone = True
            raise ClientGone(*e.args)
        if self.status != 101:  # there the time is that of the reader: see websocket.py
            self.left += n  # each byte that the client takes buys it a millisecond: see wait()
        return memoryview(data)[n:] if n < len(data) else b""

    def next(self):
        """Take the next request; false while its head or short body is not complete."""
        request = self.request
        if request is None:
            data = self.input
            if data[0] == 13:  # some clients end a body so (RFC 9112 section 2.2)
                for _ in range(4):
                    if data[:2] == url.CRLF:
                        data = data[2:]
            end = url.head_end(data)
            self.input = data[end:]
            if not end:
                if self.state != READING:
                    self.state = READING
                    self.left = self.app.timeout
                    self.since = None  # its time begins anew
                return False
            self.request = request = url.HTTPRequest(data[:end] if self.input else data)
            if request.length != 0:
                if request.length is None:
                    self.more = 1
                    self.input = url.CRLF + self.input  # as before each other chunk
                else:
                    self.body = request.length
                self.left = self.app.timeout
                self.since = None
        return request.expect or not len(self.input) < self.body <= 1024

    def linger(self):
        """
        True if something is, or may still be, unread: closing would destroy the answer.

        From then on fill() drops what comes; ClientGone after 64 kB.
        """
        request = self.request
        if request:
            if request.expect:  # without 100 Continue many send no body
                self.fill()  # has it come yet?
                self.body = 2 * self.more  # the CR LF of next()
                self.more = 0
            if not self.more and len(self.input) == self.body:
                return False
        self.state = LINGERING
        self.left = 1000
        self.body = 65536
        self.input = b""
        self.request = None
        return True

    def shut(self):
        """Close the socket, once."""
        if self.stream:
            self.gone = True  # first, for its thread
        sock, self.sock = self.sock, None
        raw = sock and self.raw  # a TLS handshake that failed has forgotten it
        while sock:  # without a tuple: there may be no memory
            try:
                sock.close()
            except OSError:
                pass
            sock, raw = raw, None

    def reset(self):
        """Forget the request, and wait for the next."""
        self.state = KEPT
        self.left = self.app.timeout
        if self.body:
            self.input = self.input[self.body :]
            self.body = 0
        self.request = None

    def get_extra_info(self, name):
        """"peername": the client's (address, port); None for other names."""
        if name == "peername":
            address = self.address
            if not isinstance(address, tuple):  # the unix port gives a struct sockaddr_in
                address = ".".join(map(str, address[4:8])), address[2] << 8 | address[3]
            return address
