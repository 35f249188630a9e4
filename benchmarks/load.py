# One connection per request, a few at a time: what wrk is not used for (README.md says why).
#
#     python load.py PORT SECONDS CONNECTIONS < request
#
# Connections are opened and read in turn, each up to its end: the kernel queues what the server
# has not got round to, so nothing here needs to wait for "ready" and the load is as lean as Python
# allows. Every answer must be as long as the first. Prints one line of JSON.

import json
import socket
import struct
import sys
import time
from collections import deque

TIMEOUT = struct.pack("ll", 5, 0)
ABORT = struct.pack("ii", 1, 0)     # the server has closed: leave no connection in TIME-WAIT


def percentile(values, share):
    """the value below which this share of the sorted values lies"""
    return values[min(len(values) - 1, int(len(values) * share))]


def start(address, request):
    """open a connection and send the request"""
    begin = time.perf_counter()
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, TIMEOUT)
    connection.connect(address)
    connection.send(request)
    return connection, begin


def finish(connection, buffer):
    """read to the end; the number of bytes"""
    size = 0
    while n := connection.recv_into(buffer):
        size += n
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
    connection.close()
    return size


def load(port, seconds, connections, request):
    """what came of the requests of so many seconds"""
    address = ("127.0.0.1", port)
    buffer = bytearray(256 * 1024)
    expected = finish(start(address, request)[0], buffer)
    times, errors = [], 0
    clock = time.perf_counter
    begin = clock()
    under_way = deque(start(address, request) for _ in range(connections))
    while under_way:
        connection, started = under_way.popleft()
        errors += finish(connection, buffer) != expected
        now = clock()
        times.append(now - started)
        if now - begin < seconds:
            under_way.append(start(address, request))
    times.sort()
    return {"requests": len(times), "seconds": clock() - begin, "errors": errors,
            "p50": percentile(times, 0.5) * 1e3, "p99": percentile(times, 0.99) * 1e3}


if __name__ == "__main__":
    arguments = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    print(json.dumps(load(*arguments, sys.stdin.buffer.read())))
