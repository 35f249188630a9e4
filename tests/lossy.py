# A link with delay and loss: two network namespaces of the test's own, joined by two tun devices,
# between which this process carries the packets.  It needs neither netem nor anybody's leave but
# that of root.
#
#     with lossy(delay=10, loss=1) as link:        # ms and percent, each way
#         subprocess.run([*link.near, "curl", "http://" + FAR + ":8080/"])
#         connection = link.dial(FAR, 8080)        # this process's own, in the near namespace
#
# or python3 tests/lossy.py NEAR FAR DELAY LOSS, which joins two namespaces that are there until it
# is ended.

import ctypes
import fcntl
import heapq
import os
import random
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass

NEAR, FAR = "10.9.0.1", "10.9.0.2"
CLONE_NEWNET, TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x40000000, 0x400454CA, 1, 0x1000


class Unavailable(Exception):
    """No such link can be made here."""


def enter(namespace):
    """Puts the calling thread into a network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(namespace) as file:
        if libc.setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")


def tun(namespace, address, peer):
    """A tun device in the namespace: the descriptor that its packets are read from."""
    enter(f"/run/netns/{namespace}")
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", b"tun0", IFF_TUN | IFF_NO_PI))
    for words in (
        "link set lo up",
        f"addr add {address} peer {peer} dev tun0",
        "link set tun0 up txqueuelen 1000",
    ):
        subprocess.run(["ip", *words.split()], check=True)
    return device


def carry(near, far, delay, loss):
    """Carries packets between two tun devices, for ever."""
    queue, number = [], 0  # of (when it is due, number, to which device, packet)
    while True:
        wait = max(0, queue[0][0] - time.monotonic()) if queue else None
        for device in select.select([near, far], [], [], wait)[0]:
            due = time.monotonic() + delay / 1000
            with suppress(BlockingIOError):
                while packet := os.read(device, 2000):
                    number += 1
                    if random.random() * 100 >= loss:
                        to = far if device == near else near
                        heapq.heappush(queue, (due, number, to, packet))
        while queue and queue[0][0] <= time.monotonic():
            _, _, device, packet = heapq.heappop(queue)
            with suppress(OSError):  # lost, too
                os.write(device, packet)


@dataclass
class Link:
    names: tuple

    @property
    def near(self):
        """Words before a command that is to run at the near end."""
        return ["ip", "netns", "exec", self.names[0]]

    @property
    def far(self):
        return ["ip", "netns", "exec", self.names[1]]

    def dial(self, host, port, timeout=10):
        """A connection of this process's, from the near end; only a thread can go there."""
        result = []

        def dial():
            enter(f"/run/netns/{self.names[0]}")
            with suppress(OSError):
                result.append(socket.create_connection((host, port), timeout))

        thread = threading.Thread(target=dial)
        thread.start()
        thread.join()
        if not result:
            raise ConnectionError(f"no connection to {host}:{port}")
        return result[0]


@contextmanager
def lossy(delay, loss):
    """A link of so many ms and percent each way; Unavailable where there can be none."""
    names = f"near{os.getpid()}", f"far{os.getpid()}"
    carrier = None
    try:
        for name in names:
            command = ["ip", "netns", "add", name]
            subprocess.run(command, check=True, capture_output=True, text=True)
        carrier = subprocess.Popen(
            [sys.executable, __file__, *names, str(delay), str(loss)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if carrier.stdout.readline() != "up\n":
            raise Unavailable("no tun devices: " + carrier.stderr.read().strip()[-200:])
        yield Link(names)
    except FileNotFoundError:
        raise Unavailable("the command ip is not installed") from None
    except subprocess.CalledProcessError as e:
        raise Unavailable("no network namespaces: " + e.stderr.strip()) from None
    finally:
        if carrier:
            carrier.kill()
            carrier.communicate()
        for name in names:
            with suppress(OSError):
                subprocess.run(["ip", "netns", "delete", name], capture_output=True)


def main():
    near, far, delay, loss = sys.argv[1:]
    devices = tun(near, NEAR, FAR), tun(far, FAR, NEAR)
    print("up", flush=True)
    carry(*devices, float(delay), float(loss))


if __name__ == "__main__":
    main()
