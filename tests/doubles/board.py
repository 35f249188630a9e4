# What the doubles of socket, select and errno share: which board they imitate, and faults.
#
# A server finds them when this folder comes first on MICROPYPATH.  They are a thin layer over the
# real modules.  BOARD in the environment says which firmware they behave like:
#
#     esp32     MicroPython 1.28
#     pycom     Pycom's MicroPython 1.11
#     hostile   an esp32 whose sockets do all that they may: SEED chooses what
#     narrow    an esp32 whose sockets take one byte at a time
#
# Each call of the system's is counted, so that a test can let one of them fail, see plan().

import os
import random
from _thread import allocate_lock

PROFILE = os.getenv("BOARD")
PYCOM = PROFILE == "pycom"
HOSTILE = PROFILE == "hostile"
NARROW = PROFILE == "narrow"

MAX_SOCKETS = 10
SEND_BUFFER = 5744  # bytes that are on their way at most
RECEIVE = 2048 if PYCOM else 1 << 30  # bytes that one call receives at most

EAGAIN = 11
ENFILE = 23
ECONNRESET = 104
ENOBUFS = 105
ECONNABORTED = 113
ETIMEDOUT = 116
ENOTCONN = 128
# Linux's numbers and those of lwIP.  EPIPE does not occur there.
NUMBERS = {98: 112, 103: ECONNABORTED, 107: ENOTCONN, 110: ETIMEDOUT, 115: 119, 32: ENOTCONN}
FATAL = ENOTCONN, ECONNABORTED, ECONNRESET  # behind these a connection is of no use

random.seed(int(os.getenv("SEED") or 1))


def chance(n):
    """True once in n times, on a hostile board."""
    return HOSTILE and random.randrange(n) == 0


class Faults:
    """The sockets that are open, the calls for one connection, and which of them has to fail."""

    sockets = twice = 0  # open ones; those that were closed again
    number = error = 0  # of the call that fails
    watched = None  # a connection; "next" and "accepted" before it is there; "all"
    lock = allocate_lock()  # a thread may serve the connection

    def __init__(self):
        self.calls = []

    def plan(self, number, error, watched="next"):
        """
        Let a call fail, counted from 1 and from the next accept until that connection is closed.

        error: of an OSError, 0 for a MemoryError; number: 0 only counts; watched: "all" calls
        """
        self.number = number
        self.error = error
        self.watched = watched
        self.calls = []

    def call(self, name, sock=None):
        """Count a call; raise what is planned for it."""
        with self.lock:
            if self.watched == "next" and name == "accept":
                self.watched = "accepted"
            if self.watched in (None, "next"):
                return
            if self.watched not in (sock, "all") and not sock.listens:
                return
            self.calls.append(name)
            if len(self.calls) != self.number:
                return
        if name == "register":  # which asks no system, but needs memory
            raise MemoryError("planned")
        if not self.error:
            if name == "close":  # which needs none
                return
            raise MemoryError("planned")
        if name in ("recv", "send") and self.error in FATAL:
            sock.dead = True
        raise OSError(self.error)

    def opened(self, sock):
        """A socket is open; the first one that is accepted after plan() is watched."""
        with self.lock:
            self.sockets += 1
            if self.watched == "accepted":
                self.watched = sock

    def closed(self, sock):
        """A socket is closed: each may be, once."""
        with self.lock:
            self.twice += sock.shut
            self.sockets -= not sock.shut
            sock.shut = True
            if self.watched is sock:
                self.watched = None


faults = Faults()
