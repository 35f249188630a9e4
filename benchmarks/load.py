# Asks a server for the same thing again and again, a few requests at a time, so leanly that the
# server is what is measured. README.md tells why wrk is not used.
#
#     python load.py PORT SECONDS CONNECTIONS close|keep|sleep < request
#
# More requests than one, with a NUL byte between them, are sent in turn.
#
# With "close" each request has a connection of its own and is answered when the server closes it;
# with "keep" the connections stay. They are served in turn: the kernel queues what the server has
# not got round to. Reading spins: whoever sleeps must be woken, and the kernel charges that to the
# server. "sleep" is "close" without the spinning, for two of these side by side. Every answer must
# be as long as the first. Prints one line of JSON.

import json
import socket
import struct
import sys
import time
from collections import deque
from itertools import cycle

TO_THE_END = 1 << 60
ABORT = struct.pack("ii", 1, 0)  # the server has closed: leave no connection in TIME-WAIT
buffer = bytearray(256 * 1024)


def percentile(values, share):
    """The value below which this share of the sorted values lies."""
    return values[min(len(values) - 1, int(len(values) * share))]


def receive(connection, size, flags):
    """Reads so many bytes, or to the end; returns their number."""
    done = 0
    while done < size:
        try:
            n = connection.recv_into(buffer, 0, flags)
        except BlockingIOError:
            continue
        if not n:
            break
        done += n
    return done


def close(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
    connection.close()


def first_answer(address, request, keep):
    """The size of the answer, head and body."""
    with socket.create_connection(address) as connection:
        connection.sendall(request)
        if not keep:
            return receive(connection, TO_THE_END, 0)
        head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split()[0])
        return len(head) + 4 + len(body) + receive(connection, length - len(body), 0)


def load(address, seconds, connections, kind, requests):
    """What came of the requests of so many seconds."""
    clock = time.perf_counter
    keep = kind == "keep"
    flags = 0 if kind == "sleep" else socket.MSG_DONTWAIT
    expected = first_answer(address, requests[0], keep)
    size = expected if keep else TO_THE_END

    request = cycle(requests)

    def start(connection=None):
        begin = clock()
        if not connection:
            connection = socket.socket()
            connection.connect(address)
        connection.send(next(request))
        return connection, begin

    times, errors = [], 0
    begin, used = clock(), time.process_time()
    under_way = deque(start() for _ in range(connections))
    while under_way:
        connection, started = under_way.popleft()
        errors += receive(connection, size, flags) != expected
        now = clock()
        times.append(now - started)
        if not keep:
            close(connection)
            connection = None
        if now - begin < seconds:
            under_way.append(start(connection))
    times.sort()
    return {
        "requests": len(times),
        "seconds": clock() - begin,
        "load cpu": (time.process_time() - used) / (clock() - begin),
        "errors": errors,
        "p50": percentile(times, 0.5) * 1e3,
        "p99": percentile(times, 0.99) * 1e3,
    }


if __name__ == "__main__":
    port, seconds, connections, kind = sys.argv[1:]
    requests = sys.stdin.buffer.read().split(b"\0")
    address = ("127.0.0.1", int(port))
    print(json.dumps(load(address, float(seconds), int(connections), kind, requests)))
