# Crowds: who gets a place.
#
# A board has few connections, and a browser opens six at once.  While no place can be made, nobody
# is accepted: the system holds the newcomers at the door.  A place is made of those who need it
# least, and a place that somebody waits for is given up with the answer after which it is free.
#
# These functions are methods of HTTPServer.

from time import ticks_add, ticks_diff, ticks_ms

from . import connection
from .response import HTTPResponse


def admit(self):
    """Give a newcomer a place: returns its connection, or None if nobody is there."""
    try:
        sock, address = self.sock.accept()
    except OSError as e:
        if 11 not in e.args:  # EAGAIN
            raise
        self.waiting = None
        return
    try:
        conn = connection.Connection(self, sock, address)
        sock.setblocking(False)
        if self.ssl:
            conn.raw = sock
            conn.born = ticks_ms()
            conn.sock = self.ssl.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        if self.waiting:
            self.freed = ticks_ms()
            if not self.door.poll(0):
                self.waiting = None
        self.connections.append(conn)
        return conn
    except Exception:
        sock.close()


def make_room(self):
    """All places are taken: returns who has to give way to somebody at the door, or None."""
    ticks = ticks_ms()
    if not self.door.poll(0):
        self.waiting = None
        return
    if self.waiting is None:
        self.waiting = self.freed = ticks  # since when somebody waits, and for a place
    # In this order they give way, the oldest first.
    for state in connection.LINGERING, connection.KEPT, connection.READING:
        found = None
        oldest = -1
        for conn in self.connections:
            if conn.state != state or conn.since is None:
                continue
            wait = ticks_diff(ticks, conn.since)
            # So long it has been waited for, since it began to be in this state.
            time = wait - conn.left
            time += 1000 if state == connection.LINGERING else self.timeout
            limit = state
            if conn.raw and state == connection.READING and not conn.request:
                limit = 0 if wait >= 500 else 1500  # perhaps a handshake
            if time >= limit and time > oldest:
                found = conn
                oldest = time
        if found:
            return found
    # Over TLS an answer would need a place: there they wait.
    if self.ssl or ticks_diff(ticks, self.freed) < 3000:
        return
    for _ in range(self.backlog + 1):
        try:
            conn = self.admit()
        except OSError:
            return
        if not conn:
            return
        self.connections.pop()
        try:
            conn.sock.read(1024)  # what is unread when a socket closes destroys the answer
            HTTPResponse(503, "text/plain").send(conn, "busy\n")
            conn.leave()
        except OSError:
            pass
        finally:
            conn.shut()


def absent(self, start, limit):
    """What passed since start beyond a limit is not the clients' fault.  Returns the time."""
    ticks = ticks_ms()
    time = ticks_diff(ticks, start) - limit
    if time > 0:
        for conn in self.connections:
            since = conn.since
            if since:  # is not None
                conn.since = ticks_add(since, min(time, ticks_diff(ticks, since)))
    return ticks
