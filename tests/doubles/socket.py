# A double of socket: see board.py.

import random
from time import ticks_diff, ticks_ms

import board
import usocket as real
from board import chance, faults
from usocket import AF_INET, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET


class timeout(OSError):
    """What Pycom's recv and send raise: it has no number."""


def getaddrinfo(host, port):
    found = real.getaddrinfo(host, port)[0]
    return [found[:4] + (ip_and_port(found[4]),)]


def ip_and_port(address):
    """A board's form of the address that Linux has as a struct sockaddr_in."""
    return "%d.%d.%d.%d" % tuple(address[4:8]), address[2] << 8 | address[3]


class socket:
    over = False  # Pycom: the end of the stream was said
    dead = shut = listens = False
    room = board.SEND_BUFFER  # until poll() says POLLOUT, or for some time
    timeout = None  # seconds

    def __init__(self, family=AF_INET, kind=SOCK_STREAM, accepted=None):
        if not accepted:
            faults.call("socket")
        self.real = sock = accepted or real.socket(family, kind)
        if faults.sockets >= board.MAX_SOCKETS:
            sock.close()  # an accepted one is lost: lwIP has taken it off the queue
            raise OSError(board.ENFILE)
        faults.opened(self)

    def _do(self, name, *args):
        # A call of the system's, with the board's errors.
        faults.call(name, self)
        if self.dead:
            raise OSError(board.ENOTCONN)
        try:
            return getattr(self.real, name)(*args)
        except OSError as e:
            number = board.NUMBERS.get(e.args[0], e.args[0])
            if number in (board.EAGAIN, board.ETIMEDOUT):
                number = board.EAGAIN if board.PYCOM or not self._waits() else board.ETIMEDOUT
            raise OSError(number)

    def _waits(self):
        # Whether it blocks; on ESP32 it takes less than 100 ms for no time-out.
        return self.timeout is None or self.timeout >= (0.001 if board.PYCOM else 0.1)

    def bind(self, address):
        if not isinstance(address, tuple):
            raise TypeError("object not a tuple")
        self._do("bind", real.getaddrinfo(*address)[0][-1])

    def listen(self, backlog=2):
        self._do("listen", backlog)
        self.listens = True

    def setsockopt(self, level, option, value):
        self._do("setsockopt", level, option, value)

    def setblocking(self, blocking):
        self._do("setblocking", blocking)
        self.timeout = None if blocking else 0

    def settimeout(self, seconds):
        self._do("settimeout", max(seconds, 0.1) if seconds and not board.PYCOM else seconds)
        self.timeout = seconds

    def accept(self):
        if chance(500):
            raise OSError(random.choice((board.ECONNABORTED, board.ENFILE, board.ENOBUFS)))
        if chance(8):
            raise OSError(board.EAGAIN)
        sock, address = self._do("accept")
        sock.setsockopt(6, 1, 1)  # TCP_NODELAY: short writes would wait for Linux's late ACKs
        return socket(accepted=sock), ip_and_port(address)

    def close(self):
        try:
            faults.call("close", self)
        finally:
            self.real.close()
            faults.closed(self)

    # One call of lwIP's each

    def _receive(self, n):
        if board.HOSTILE:
            n = random.randint(1, n)
            if self.timeout == 0 and chance(6):
                raise OSError(board.EAGAIN)
        data = self._do("recv", min(n, board.RECEIVE))
        if board.PYCOM and not data:
            if self.over:
                raise OSError(board.EAGAIN)  # when it blocks, that takes the whole time-out
            self.over = True
        return data

    def _send(self, data):
        data = memoryview(data)
        if self.timeout == 0:
            if self.room <= 0 and ticks_diff(ticks_ms(), self.full) > 50:
                self.room = board.SEND_BUFFER  # the client has acknowledged what it got
            if self.room <= 0 or chance(6):
                raise OSError(board.EAGAIN)
            data = data[: self.room]
        if board.HOSTILE:
            data = data[: random.randint(1, len(data))]
        if board.NARROW:
            data = data[:1]
        sent = self._do("send", data)
        self.room -= sent
        self.full = ticks_ms()
        return sent

    def recv(self, n):
        try:
            return self._receive(n)
        except OSError as e:
            return self._late(e, b"")

    def send(self, data):
        try:
            return self._send(data)
        except OSError as e:
            return self._late(e, None)

    sendall = send

    def _late(self, e, nothing):
        if board.PYCOM and e.args[0] == board.EAGAIN:
            if self._waits():
                raise timeout("timed out")
            if nothing is not None:
                return nothing
        raise e

    # MicroPython's streams make several of them

    def read(self, n=-1):
        return self._collect(n, False)

    def readline(self):
        return self._collect(-1, True)

    def _collect(self, n, line):
        data = b""
        try:
            while len(data) != n and not (line and data[-1:] == b"\n"):
                piece = self._receive(1 if line else n - len(data) if n > 0 else 256)
                if not piece:
                    break
                data += piece
        except OSError as e:
            if e.args[0] != board.EAGAIN:
                raise
            return data or None
        return data

    def readinto(self, buf):
        data = self.read(len(buf))
        if data is None:
            return None
        buf[: len(data)] = data
        return len(data)

    def write(self, data):
        data = memoryview(data)
        sent = 0
        try:
            while sent < len(data):
                sent += self._send(data[sent:])
                if board.NARROW:
                    break
        except OSError as e:
            if e.args[0] != board.EAGAIN:
                raise
            return sent or None
        return sent
