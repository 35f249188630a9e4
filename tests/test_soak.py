# Clients that come, read, stall, go and reset at random, for a while; then all is as it was.
#
#     pytest tests/test_soak.py                              some seconds, the same each time
#     SOAK_MINUTES=20 SOAK_SEED=7 pytest tests/test_soak.py  as long as you like, with another lot
#
# Meanwhile two clients that behave receive every single event, without long gaps.

import os
import random
import threading
import time
from collections import Counter

import pytest

from eventstreams import events, open_stream, reset, state
from harness import receive_all, wait_until

MINUTES = float(os.environ.get("SOAK_MINUTES", 0.05))
SEED = int(os.environ.get("SOAK_SEED", 1))
MOST = 10  # streams and other connections at once, beside those of the two that behave
pytestmark = pytest.mark.timeout(MINUTES * 60 + 60)


class Steady(threading.Thread):
    """Receives a stream from now on; .problem tells what was wrong with it."""

    def __init__(self, server, target):
        super().__init__(daemon=True)
        self.server, self.target = server, target
        self.received, self.longest, self.problem = 0, 0, None
        self.stopped = False
        self.start()

    def run(self):
        try:
            with events(self.server, self.target) as stream:
                self.follow(event for event in stream if event.data)
        except Exception as problem:
            self.problem = problem

    def follow(self, stream):
        expected, last = int(next(stream).data.split()[0]), time.monotonic()
        while not self.stopped:
            number, text = next(stream).data.split(" ")
            expected += 1
            assert int(number) == expected and len(text) == expected % 200
            now = time.monotonic()
            self.longest, last = max(self.longest, now - last), now
            self.received += 1

    def finish(self):
        self.stopped = True
        self.join(10)
        assert not self.problem, repr(self.problem)


class Crowd:
    """Clients of all kinds."""

    def __init__(self, server, seed):
        self.server, self.rng = server, random.Random(seed)
        self.sockets = []
        self.done = Counter()

    def step(self):
        """Does one thing of many; a refusal (503) is fine."""
        action = self.rng.choice(
            [self.listen, self.listen, self.stall, self.read, self.read, self.leave, self.leave]
            + [self.silent, self.half, self.garbage, self.get, self.post]
        )
        try:
            action()
            self.done[action.__name__] += 1
        except (OSError, AssertionError):
            self.done["refused"] += 1

    def add(self, connection):
        self.sockets.append(connection)
        if len(self.sockets) > MOST:
            self.leave()

    def target(self):
        return self.rng.choice(["/plain", "/events"])

    def listen(self):
        self.add(open_stream(self.server, self.target(), timeout=5))

    def stall(self):
        self.add(open_stream(self.server, self.target() + "?small=1", buffer=4096, timeout=5))

    def read(self):
        for connection in self.sockets:
            if self.rng.random() < 0.5:
                connection.settimeout(0.001)
                connection.recv(65536)

    def leave(self):
        if self.sockets:
            connection = self.sockets.pop(self.rng.randrange(len(self.sockets)))
            self.rng.choice([reset, lambda connection: connection.close()])(connection)

    def silent(self):
        self.add(self.server.connect())

    def half(self):
        connection = self.server.connect()
        self.add(connection)
        head = b"POST /echo HTTP/1.1\r\nHost: board\r\nContent-Length: 3000\r\n\r\n"
        connection.sendall((head + b"x" * 2000)[: self.rng.randrange(1, 2000)])

    def garbage(self):
        connection = self.server.connect()
        self.add(connection)
        connection.sendall(self.rng.randbytes(self.rng.randrange(1, 3000)))

    def get(self):
        with self.server.connect(2) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: board\r\nConnection: close\r\n\r\n")
            assert receive_all(connection).endswith(b"\r\n\r\nhello")

    def post(self):
        body = self.rng.randbytes(self.rng.randrange(1, 3000))
        response = self.server.request("POST", "/echo", body=body, timeout=2)
        assert response.body == body

    def close(self):
        while self.sockets:
            self.leave()


def rest(server):
    """What the server holds when nobody uses it: heap, descriptors, threads."""
    nothing = {"alive": 0, "listeners": 0, "connections": 0}
    wait_until(lambda: nothing.items() <= state(server).items(), 10, 0.1)
    heap = min(state(server)["heap"] for _ in range(5))
    return heap, server.descriptors(), len(os.listdir(f"/proc/{server.pid}/task"))


def soak(server, seconds, seed):
    """Lets a crowd loose; returns what it has done."""
    crowd = Crowd(server, seed)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        crowd.step()
        time.sleep(crowd.rng.uniform(0, 0.03))
    crowd.close()
    return crowd.done


def test_soak(start):
    server = start("broadcast_soak")
    soak(server, 1, SEED)
    heap, descriptors, threads = rest(server)
    steady = [Steady(server, target) for target in ("/plain", "/events")]
    try:
        wait_until(lambda: all(one.received for one in steady))
        done = soak(server, MINUTES * 60, SEED + 1)
    finally:
        for one in steady:
            one.finish()
    after = rest(server)
    print(dict(done), [(one.received, round(one.longest, 3)) for one in steady], heap, after)
    assert after[0] < heap + 8000  # a collection leaves more or less behind
    assert after[1:] == (descriptors, threads)
    assert min(done.values()) > 0 and done["refused"] < done.total() / 2
    for one in steady:
        assert one.received > MINUTES * 60 / 0.02 / 2
        assert one.longest < 3
