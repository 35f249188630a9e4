# The listening socket: the server starts.
#
# Python forgets this file and setup.py now: a board does not keep what it needs no more.

import gc
import select
import socket
from sys import modules


def listen(self):
    """Open the listening socket; OSError if the port is taken."""
    package, _ = __name__.rsplit(".", 1)
    for name in "setup", "listener":
        if modules.pop(package + "." + name, None):
            delattr(modules[package], name)
    gc.collect()
    self.waiting = None  # since when somebody is at the door, and all places are taken
    address = socket.getaddrinfo(self.host, self.port)[0]
    self.sock = sock = socket.socket(address[0])
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address[-1])
        sock.listen(self.backlog)
        sock.setblocking(False)
        self.door = select.poll()
        self.door.register(sock, select.POLLIN)
        if self.log:
            self.log("listening on %s:%d" % (self.host, self.port))
    except:  # noqa: E722
        sock.close()
        raise
