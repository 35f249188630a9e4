# Event streams, and small requests beside what could hold them up.

import json
import re
import select
import socket
import statistics
import subprocess
import time

from load import percentile
from programs import cpu_seconds, start
from speed import Workload, load_command

EVENT = re.compile(rb"^data: ?(\d+)", re.M)
HEAP = "1m"  # for 100 streams of every server
HEAD = b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n"


def open_streams(port, path, number):
    """sockets, each with the head of its answer read"""
    streams = []
    for _ in range(number):
        stream = socket.create_connection(("127.0.0.1", port), timeout=5)
        streams.append(stream)
        stream.sendall(HEAD % path.encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            piece = stream.recv(1)  # not a byte of the events
            answer += piece
            if not piece:
                raise RuntimeError(f"stream {len(streams)} refused: {answer}")
        if b" 200 " not in answer:
            raise RuntimeError(f"stream {len(streams)} refused: {answer}")
    return streams


def receive(streams, seconds):
    """per stream: the events that arrived as (time, number)"""
    poll = select.epoll()
    by_number = {stream.fileno(): (stream, [], []) for stream in streams}
    for number in by_number:
        poll.register(number, select.EPOLLIN)
    end = time.perf_counter() + seconds
    while (left := end - time.perf_counter()) > 0:
        for number, _ in poll.poll(left):
            stream, times, pieces = by_number[number]
            piece = stream.recv(4096)
            times.append(time.perf_counter())
            pieces.append(piece)
            if not piece:
                poll.unregister(number)
    return [arrivals(times, pieces) for _, times, pieces in by_number.values()]


def arrivals(times, pieces):
    """(time, number) of each event; a piece of a segment counts for all events that end in it"""
    events, rest = [], b""
    for moment, piece in zip(times, pieces, strict=True):
        *complete, rest = (rest + piece).split(b"\n\n")
        events += [(moment, int(match[1])) for event in complete if (match := EVENT.search(event))]
    return events


def measure_streams(server, path, number, folder, seconds):
    """so many streams of ten events a second each"""
    process = start(server, folder, heap=HEAP)
    try:
        streams = open_streams(process.port, path, number)
        receive(streams, 0.5)  # until all are under way
        used, begin = cpu_seconds(process.pid), time.perf_counter()
        received = receive(streams, seconds)
        used, seconds = cpu_seconds(process.pid) - used, time.perf_counter() - begin
        for stream in streams:
            stream.close()
        output = process.output
    finally:
        process.kill()
    if "Traceback" in output:
        raise RuntimeError(f"{server}, {path}: {output[-2000:]}")
    return assess(received, seconds) | {"us per event": used / sum(map(len, received)) * 1e6}


def assess(received, seconds):
    """what is missing, and how evenly the rest came"""
    lost, gaps = 0, []
    for events in received:
        numbers = [number for _, number in events]
        lost += numbers[-1] - numbers[0] + 1 - len(numbers) if numbers else round(seconds * 10)
        moments = [moment for moment, _ in events]
        gaps += [after - before for before, after in zip(moments, moments[1:], strict=False)]
    period = statistics.median(gaps)
    deviations = sorted(abs(gap - period) * 1e3 for gap in gaps)
    return {
        "lost": lost,
        "per second and stream": sum(map(len, received)) / len(received) / seconds,
        "period ms": period * 1e3,
        "jitter p99 ms": percentile(deviations, 0.99),
        "jitter max ms": deviations[-1],
    }


def one_by_one(port, path, seconds, *before):
    """Starts load.py, sleeping while it waits: two of these share a processor."""
    request = Workload("", path, {}, "close").requests()
    command = [*before, *load_command(port, seconds, 1, "sleep")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdin.write(request)
    process.stdin.close()
    return process


def result(process, seconds):
    """What load.py found; fails when it hangs."""
    try:
        process.wait(seconds + 10)
        with process:
            return json.load(process.stdout)
    except BaseException:
        process.kill()
        raise


def measure_beside(server, folder, seconds):
    """small requests alone, beside 8 silent connections, and beside a download of 1 MB"""
    process = start(server, folder)
    port = process.port
    try:
        figures = {"alone": result(one_by_one(port, "/", seconds), seconds)}
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(8)]
        time.sleep(0.1)
        figures["silent"] = result(one_by_one(port, "/", seconds), seconds)
        for connection in silent:
            connection.close()
        large = one_by_one(port, "/large", seconds + 0.4, "nice", "-n", "19")
        time.sleep(0.2)
        figures["download"] = result(one_by_one(port, "/", seconds), seconds)
        figures["download"]["downloads"] = result(large, seconds)["requests"]
    finally:
        process.kill()
    return figures
