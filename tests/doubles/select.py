# A double of select: see board.py.

import uselect as real
from board import SEND_BUFFER, chance, faults
from uselect import POLLERR, POLLHUP, POLLIN, POLLOUT


class poll:
    def __init__(self):
        self._real = real.poll()
        self._sockets = {}  # by the id of the real socket: the double, and what it waits for

    def register(self, sock, events=POLLIN | POLLOUT):
        faults.call("register", sock)
        self._sockets[id(sock.real)] = sock, events
        self._real.register(sock.real, events)

    def modify(self, sock, events):
        self._sockets[id(sock.real)] = sock, events
        self._real.modify(sock.real, events)

    def unregister(self, sock):
        self._sockets.pop(id(sock.real), None)
        self._real.unregister(sock.real)

    def poll(self, timeout=-1):
        for sock, events in self._sockets.values():
            if sock.over:  # what the real socket says again and again, lwIP has said once
                self._real.modify(sock.real, events & ~POLLIN)
            if chance(20):
                return [(sock, events)]  # though it is not ready
        ready = []
        for sock, happened in self._real.poll(timeout):
            sock, events = self._sockets[id(sock)]
            # A board knows neither POLLHUP nor POLLERR: a failed socket can be read and written.
            ready.append((sock, events if happened & ~events else happened))
            if happened & POLLOUT:
                sock.room = SEND_BUFFER
        return ready

    def ipoll(self, timeout=-1):
        return iter(self.poll(timeout))
