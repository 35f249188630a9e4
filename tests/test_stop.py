# stop() during traffic: it ends in bounded time, closes every socket, leaves no task and no
# thread, and the server starts again on the same port, in the same interpreter.

import os
import subprocess
import time
from contextlib import ExitStack

import pytest

from client import Client
from harness import MICROPYTHON, ROOT, listening, parse_one, wait_until

POST = b"POST /read HTTP/1.1\r\nHost: board\r\nContent-Length: 1000\r\n\r\n"


def get(target):
    return b"GET " + target + b" HTTP/1.1\r\nHost: board\r\n\r\n"


def threads(server):
    return len(os.listdir(f"/proc/{server.pid}/task"))


def wait_generation(server, number):
    """Returns when the server has been started so many times."""
    wait_until(lambda: server.output.count("listening on") == number)
    wait_until(lambda: listening(server.port))
    assert server.get("/generation").body == b"%d" % number


def ended(connection):
    """Reads until the server has closed the connection, or reset it."""
    connection.settimeout(5)
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass


# What connections may be doing when the server stops; those of IDLE wait for an answer first.
IDLE = [get(b"/generation")]
ANY = [b"", b"GET /", POST, POST + b"x" * 500, get(b"/events"), b"BAD\r\n\r\n"]
ASYNC = [get(b"/big"), get(b"/sleep"), POST.replace(b"1000", b"5000")]


def test_stop_during_traffic(start, package):
    server = start("hostile_stop", 3)
    wait_generation(server, 1)
    descriptors, before = server.descriptors(), threads(server)
    for number in (1, 2):
        with ExitStack() as stack:
            busy = []
            for data in IDLE + ANY + (ASYNC if package == "ahttpserver" else []):
                busy.append(stack.enter_context(server.connect()))
                busy[-1].sendall(data)
                if data in IDLE:
                    assert Client(busy[-1]).answer().status == 200
            time.sleep(0.2)
            begin = time.monotonic()
            # the handler that stops the server still answers, though it would keep the connection
            answer = server.get("/stop")
            assert (answer.body, answer.header("connection")) == (b"stopped", "close")
            for connection in busy:
                ended(connection)
            assert time.monotonic() - begin < 3
        wait_generation(server, number + 1)
        server.wait_descriptors(descriptors)
        wait_until(lambda: threads(server) == before)
    wait_until(lambda: server.output.count("left over: ") == 2)
    assert server.output.count("left over: 0\n") == 2
    assert server.output.count("stream ended") == 2
    if package == "ahttpserver":
        assert server.output.count("finally done") == 2


def test_stop_answers_a_client_that_would_keep_the_connection(start):
    server = start("hostile_stop", 2)
    with server.connect() as connection:
        client = Client(connection)
        connection.sendall(get(b"/generation") + get(b"/stop") + get(b"/generation"))
        assert client.answer().body == b"1"
        assert client.answer().body == b"stopped"
        assert client.rest() == b"", "a request was served after the stop"
    wait_generation(server, 2)


def test_nothing_listens_after_the_last_stop(start):
    server = start("hostile_stop", 1)
    wait_generation(server, 1)
    server.get("/stop")
    wait_until(lambda: not listening(server.port))
    with pytest.raises(ConnectionRefusedError):
        server.connect()
    wait_until(lambda: server.output.count("left over: 0") == 1)
    descriptors = [os.readlink(path) for path in paths(server)]
    assert not [name for name in descriptors if name.startswith("socket:")]


def paths(server):
    folder = f"/proc/{server.pid}/fd"
    return [f"{folder}/{number}" for number in os.listdir(folder)]


def test_start_and_stop_many_times(start):
    server = start("hostile_stop", 20)
    for number in range(1, 20):
        wait_generation(server, number)
        with server.connect() as silent:
            silent.sendall(b"GET")
            assert server.get("/stop").body == b"stopped"
            ended(silent)
    wait_generation(server, 20)


def test_starting_twice_is_refused(start):
    server = start("hostile_stop", 1)
    assert server.get("/again").body == b"running already"
    assert server.get("/generation").body == b"1"


SECOND = """
import sys
from {package} import HTTPServer
app = HTTPServer("127.0.0.1", {port})
for _ in range(2):
    try:
        {start}
    except OSError:
        print("refused")
"""


def test_a_second_server_on_the_port_is_refused(start, package, tmp_path):
    server = start("hostile_stop", 1)
    wait_generation(server, 1)
    call = "app.start()" if package == "httpserver" else "import asyncio; asyncio.run(app.start())"
    program = tmp_path / "second.py"
    program.write_text(SECOND.format(package=package, port=server.port, start=call))
    environment = {**os.environ, "MICROPYPATH": f".frozen:{ROOT}"}
    done = subprocess.run(
        [MICROPYTHON, program], env=environment, capture_output=True, text=True, timeout=10
    )
    assert done.stdout == "refused\nrefused\n", done.stderr
    assert server.get("/generation").body == b"1"


@pytest.mark.parametrize("package", ["ahttpserver"])  # the other serves one at a time
def test_stop_does_not_wait_for_a_stubborn_handler(start):
    server = start("hostile_stop", 2)
    with server.connect() as connection:
        connection.sendall(get(b"/stubborn"))
        time.sleep(0.1)
        begin = time.monotonic()
        assert parse_one(server.exchange(get(b"/stop"))).body == b"stopped"
        ended(connection)
        assert 0.5 < time.monotonic() - begin < 2.5, "it waits for a second"
    wait_generation(server, 2)
