# A network of the test's own: a namespace with a tap device, so that clients speak to the board's
# lwIP itself and not to QEMU's TCP, and can leave without a word.
#
# A thread that lives in the namespace makes the sockets; a socket stays where it was made, whoever
# uses it.  The namespace ends with the thread and the last socket.  Needs CAP_SYS_ADMIN and
# /dev/net/tun.

import ctypes
import fcntl
import os
import queue
import socket
import struct
import threading
from concurrent.futures import Future

HERE = "10.0.2.2"  # the clients'; the board expects them in 10.0.2.0/24
CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK = 0x8913, 0x8914, 0x8916, 0x891C
IFF_UP = 1


class Network:
    """The namespace: .tap is QEMU's end of the device.  OSError where none can be made."""

    _port = 10000  # the last that a client got

    def __init__(self):
        self._tasks = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()
        try:
            self.tap = self._do(self._make)
        except BaseException:
            self.close()
            raise

    def _live(self):
        while task := self._tasks.get():
            function, arguments, future = task
            try:
                future.set_result(function(*arguments))
            except BaseException as problem:
                future.set_exception(problem)

    def _do(self, function, *arguments):
        future = Future()
        self._tasks.put((function, arguments, future))
        return future.result()

    def _make(self):
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "no network namespace")
        tap = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", b"tap0", IFF_TAP | IFF_NO_PI))
        self._control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._up("lo")
        self._add("tap0", HERE)
        return tap

    def _ioctl(self, request, name, data):
        packed = struct.pack("16s24s", name.encode(), data)
        return fcntl.ioctl(self._control, request, packed)

    def _address(self, request, name, address):
        data = struct.pack("HH4s", socket.AF_INET, 0, socket.inet_aton(address))
        self._ioctl(request, name, data)

    def _flags(self, name):
        return struct.unpack("16sH22x", self._ioctl(SIOCGIFFLAGS, name, b""))[1]

    def _up(self, name):
        self._ioctl(SIOCSIFFLAGS, name, struct.pack("H", self._flags(name) | IFF_UP))

    def _add(self, name, address):
        self._address(SIOCSIFADDR, name, address)
        self._address(SIOCSIFNETMASK, name, "255.255.255.0")
        self._up(name)

    def _down(self, name):
        self._ioctl(SIOCSIFFLAGS, name, struct.pack("H", self._flags(name) & ~IFF_UP))

    def _socket(self, address):
        # never a port that lwIP may remember: it would not answer (RFC 1337)
        self._port = self._port + 1 if self._port < 60000 else 10000
        made = socket.socket()
        try:
            made.bind((address, self._port))
        except BaseException:
            made.close()
            raise
        return made

    def socket(self, address=HERE):
        """A TCP socket in the namespace."""
        return self._do(self._socket, address)

    def arrive(self, number):
        """A phone comes: returns its address."""
        address = f"10.0.2.{100 + number}"
        self._do(self._add, f"tap0:{number}", address)
        return address

    def leave(self, number):
        """It leaves without a word: nothing that is sent to its address is answered any more."""
        self._do(self._down, f"tap0:{number}")

    def close(self):
        if self._thread.is_alive():
            self._do(self._end)
            self._tasks.put(None)
            self._thread.join()

    def _end(self):
        for descriptor in ("tap", "_control"):
            if hasattr(self, descriptor):
                end = getattr(self, descriptor)
                os.close(end) if isinstance(end, int) else end.close()
