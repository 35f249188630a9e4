# Crowds: who gets a place.
#
# A board has few connections, and a browser opens six at once.  While no place can be made, nobody
# is accepted: the system holds the newcomers at the door.  A place is made of those who need it
# least, and a place that somebody waits for is given up with the answer after which it is free.
#
# These functions are methods of HTTPServer.

import select
import socket
from time import ticks_add, ticks_diff, ticks_ms

from .connection import LINGERING, READING, SERVED, Connection

_EAGAIN = 11
_RIPE = 200, 300, 500  # ms after which LINGERING, KEPT and READING connections may give way

_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: 5\r\nConnection: close\r\n\r\nbusy\n"
)


def listen(self):
    """Open the listening socket; OSError if the port is taken."""
    info = socket.getaddrinfo(self.host, self.port)[0]
    self.listener = sock = socket.socket(info[0])
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(info[-1])
        sock.listen(self.backlog)
        sock.setblocking(False)
        self.door = select.poll()
        self.door.register(sock, select.POLLIN)
        if self.log:
            self.log("listening on %s:%d" % (self.host, self.port))
    except:  # noqa: E722
        sock.close()
        raise


def admit(self):
    """Give a newcomer a place: returns its connection, or None if nobody is there."""
    try:
        sock, address = self.listener.accept()
    except OSError as e:
        if _EAGAIN not in e.args:
            raise
        self.waiting = None
        return
    try:
        conn = Connection(self, sock, address)
        sock.setblocking(False)
        if self.ssl:
            conn.raw = sock
            conn.born = ticks_ms()
            conn.sock = self.ssl.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        if self.waiting is not None:
            self.freed = ticks_ms()
            if not self.door.poll(0):
                self.waiting = None
        self.connections.append(conn)
    except (OSError, MemoryError):
        sock.close()
        return
    return conn


def make_room(self):
    """All places are taken: returns who has to give way to somebody at the door, or None."""
    now = ticks_ms()
    if not self.door.poll(0):
        self.waiting = None
        return
    if self.waiting is None:
        self.waiting = self.freed = now  # since when somebody waits, and for a place
    conn = _victim(self, now)
    # Over TLS an answer would need a place: there they wait.
    if not conn and not self.ssl and ticks_diff(now, self.freed) >= 3000:
        for _ in range(self.backlog + 1):
            try:
                guest = self.admit()
            except OSError:
                break
            if not guest:
                break
            self.connections.pop()
            try:
                guest.sock.read(1024)  # what is unread when a socket closes destroys the answer
                guest.send(_BUSY)
            except OSError:
                pass
            finally:
                guest.shut()
    return conn


def absent(self, ms):
    """The server did not look for so long: that is not its clients' fault."""
    if ms > 0:
        now = ticks_ms()
        for conn in self.connections:
            if conn.since is not None:
                conn.since = ticks_add(conn.since, min(ms, ticks_diff(now, conn.since)))


def _victim(self, now):
    """Who needs its place least, the oldest first; None if all are young or being served."""
    found = low = None
    for conn in self.connections:
        state = conn.state
        if conn.since is not None and state < SERVED:
            wait = ticks_diff(now, conn.since)
            # So long it has been waited for, since it began to be in this state.
            time = (1000 if state == LINGERING else self.timeout) - conn.left + wait
            limit = _RIPE[state]
            if conn.raw and state == READING and not conn.request:  # perhaps still a handshake
                limit = 0 if wait >= 500 else 1500
            key = state, -time
            if time >= limit and (found is None or key < low):
                found = conn
                low = key
    return found
