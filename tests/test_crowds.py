# More clients than places.  Who has to give way, and when; who never loses what was sent; who must
# not starve; what those at the door are told.  The rules: docs/http.md, "When all places are
# taken".  At the end of each test the harness checks that the process lives.
#
#     CROWDS=all pytest tests/test_crowds.py test_hostile.py      more and larger crowds

import json
import random
import shutil
import threading
import time
from contextlib import ExitStack, contextmanager, suppress

import pytest

from client import Client
from eventstreams import open_stream
from harness import HOST, parse_one, wait_until
from test_hostile import (
    ALL,
    CROWDED,
    GOOD,
    KEEP,
    good,
    is_open,
    post,
    processor_seconds,
    reset,
    statuses,
    until_closed,
)
from test_tls import hello

YOUNG = 0.5  # seconds that a head or a short body has, however full it is
IDLE = 0.3  # and a kept connection between two requests
LONG = 3  # without a free place, and those at the door are told


@pytest.fixture
def serve(start, tmp_path, request):
    """serve(max_connections=3, ...): a server of hostile_app.py with these arguments."""

    def serve(backlog=20, **arguments):
        if arguments.get("ssl"):
            certificate = request.getfixturevalue("certificate")
            for name in ("cert.der", "key.der"):
                shutil.copy(certificate / name, tmp_path)
        return start("hostile_app", json.dumps({"backlog": backlog, **arguments}))

    return serve


@contextmanager
def connected(server, number, data=b""):
    """So many connections, on each of which this was sent."""
    with ExitStack() as stack:
        connections = [stack.enter_context(server.connect()) for _ in range(number)]
        for connection in connections:
            connection.sendall(data)
        yield connections


def keep(connection):
    """One request on a kept connection; its answer."""
    connection.sendall(KEEP)
    answer = Client(connection).answer()
    assert answer.body == b"kept"
    return answer


def hold(seconds):
    """The request of one who is served for as long."""
    return b"GET /hold?ms=%d HTTP/1.1\r\nHost: board\r\n\r\n" % (seconds * 1000)


def wait_closed(connection):
    """Returns when the server has closed the connection."""
    data, _ = until_closed(connection, timeout=3)
    assert statuses(data) in ([], [408])


# Who gives way -------------------------------------------------------------------------------


def test_who_gives_way_when_it_is_full(serve):
    server = serve(max_connections=4)
    with ExitStack() as stack:

        def connect(data):
            connection = stack.enter_context(server.connect())
            connection.sendall(data)
            time.sleep(0.05)  # so that the next is younger
            return connection

        head = connect(b"GET /good HTTP")
        silent = connect(b"")
        idle = connect(KEEP)
        assert Client(idle).answer().body == b"kept"
        time.sleep(YOUNG)
        lingering = connect(post("/nowhere", "Content-Length: 5000", body=b"x"))
        assert Client(lingering).answer().status == 404
        time.sleep(0.25)  # lingering that long, and all others longer than they have to
        places = [lingering, idle, head, silent]
        for _ in range(4):
            places.append(connect(b"GET /good HTTP"))
            wait_closed(places.pop(0))
            assert all(is_open(connection) for connection in places)
        for connection in places:  # whoever is left is served
            connection.sendall(b"/1.1\r\nHost: board\r\n\r\n")
            assert Client(connection).answer().body == b"good"


@pytest.mark.parametrize("prepare, age", [(b"", YOUNG), (KEEP, IDLE), (b"GET /good HTTP", YOUNG)])
def test_the_oldest_gives_way_but_no_young_one(serve, prepare, age):
    server = serve(max_connections=3)
    with ExitStack() as stack:

        def connect():
            began = time.monotonic()
            connection = stack.enter_context(server.connect())
            connection.sendall(prepare)
            if prepare == KEEP:
                assert Client(connection).answer().body == b"kept"
                began = time.monotonic()
            return connection, began

        places = [connect() for _ in range(3)]
        for _ in range(6):
            newcomer = stack.enter_context(server.connect())
            newcomer.sendall(GOOD)
            assert Client(newcomer).answer().body == b"good"
            oldest, began = places.pop(0)
            assert not is_open(oldest), "somebody else had to go"
            assert time.monotonic() - began > age * 0.9, "it was young"
            places.append(connect())
        assert is_open(places[-1][0])


def test_a_dribbled_head_gains_nothing(serve):
    server = serve(max_connections=2)
    with connected(server, 2) as places:
        done = threading.Event()

        def dribble():
            with suppress(OSError):
                for byte in GOOD * 10:
                    for connection in places:
                        connection.sendall(bytes([byte]))
                    if done.wait(0.05):
                        break

        thread = threading.Thread(target=dribble)
        thread.start()
        try:
            time.sleep(0.1)
            good(server, CROWDED)
        finally:
            done.set()
            thread.join()


def test_short_bodies_give_way(serve):
    server = serve(max_connections=3)
    short = post("/read", "Content-Length: 1024", body=b"x" * 500)
    with connected(server, 3, short) as places:
        good(server, CROWDED)
        wait_closed(places[0])
        assert all(is_open(connection) for connection in places[1:])


def test_long_bodies_are_being_served(serve):
    server = serve(max_connections=3)
    with connected(server, 3, post("/upload", "Content-Length: 1025")) as places:
        time.sleep(0.1)
        with server.connect() as newcomer:
            newcomer.sendall(GOOD)
            time.sleep(YOUNG * 2)
            assert is_open(newcomer)
            for connection in places:
                connection.sendall(b"x" * 1025)
            for connection in places:
                assert Client(connection).answer().body == b"1025"
            assert Client(newcomer).answer().body == b"good"


def test_nobody_is_accepted_while_there_is_no_place(serve):
    server = serve(max_connections=3)
    before = server.descriptors()
    with connected(server, 3, hold(2.5)) as served:
        wait_until(lambda: server.descriptors() >= before + 3)
        with connected(server, 10, GOOD) as waiting:
            taken, cpu = server.descriptors(), processor_seconds(server)
            for _ in range(15):
                time.sleep(0.1)
                assert server.descriptors() == taken
            assert processor_seconds(server) - cpu < 0.5, "it spins"
            assert all(is_open(connection) for connection in waiting)
            for connection in served:
                assert Client(connection).answer().body == b"held"
            for connection in waiting:
                assert Client(connection).answer().body == b"good"
    server.wait_descriptors(before)


# Nothing that has come is lost ---------------------------------------------------------------

BEGUN = {
    "silent": (b"", KEEP),
    "half a head": (KEEP[:20], KEEP[20:]),
    "half a body": (post("/read", "Content-Length: 10", body=b"hello"), b"world"),
}
ANSWERS = {"silent": b"kept", "half a head": b"kept", "half a body": b"10", "kept": b"kept"}


@contextmanager
def begun(server):
    """One connection of each state, by its name."""
    with ExitStack() as stack:
        connections = {name: stack.enter_context(server.connect()) for name in ANSWERS}
        for name, (data, _) in BEGUN.items():
            connections[name].sendall(data)
        keep(connections["kept"])
        yield connections


def go_on(connections):
    """What is missing of each request is sent."""
    for name, connection in connections.items():
        connection.sendall(BEGUN[name][1] if name in BEGUN else KEEP)


@pytest.mark.parametrize("places, newcomers", [(6, 0), (5, 0), (5, 4)])
def test_requests_that_come_while_a_handler_blocks(serve, places, newcomers):
    """It blocks for longer than the time-out; what comes meanwhile lies in the sockets."""
    server = serve(timeout=1, max_connections=places)
    with begun(server) as connections, server.connect() as blocking, ExitStack() as stack:
        time.sleep(0.1)
        blocking.sendall(b"GET /block?ms=2500 HTTP/1.1\r\nHost: board\r\n\r\n")
        time.sleep(0.2)
        go_on(connections)
        others = [stack.enter_context(server.connect()) for _ in range(newcomers)]
        for connection in others:
            connection.sendall(GOOD)
        assert Client(blocking).answer().body == b"blocked"
        for name, connection in connections.items():
            assert Client(connection).answer().body == ANSWERS[name], name
        for connection in others:
            assert Client(connection).answer().body == b"good"


def test_time_that_a_handler_takes_is_not_the_clients(serve):
    """Half a request still has time after the handler has blocked."""
    server = serve(timeout=1)
    with begun(server) as connections, server.connect() as blocking:
        time.sleep(0.1)
        blocking.sendall(b"GET /block?ms=2500 HTTP/1.1\r\nHost: board\r\n\r\n")
        assert Client(blocking).answer().body == b"blocked"
        time.sleep(0.2)
        go_on(connections)
        for name, connection in connections.items():
            assert Client(connection).answer().body == ANSWERS[name], name


def test_victims_are_read_once_more(serve):
    """All are old enough to give way, and newcomers wait, when their requests come."""
    server = serve(max_connections=5)
    with begun(server) as connections, server.connect() as blocking, ExitStack() as stack:
        time.sleep(YOUNG + 0.2)
        blocking.sendall(b"GET /block?ms=500 HTTP/1.1\r\nHost: board\r\n\r\n")
        time.sleep(0.1)
        others = [stack.enter_context(server.connect()) for _ in range(4)]
        for connection in others:
            connection.sendall(GOOD)
        go_on(connections)
        for name, connection in connections.items():
            assert Client(connection).answer().body == ANSWERS[name], name
        for connection in others:
            assert Client(connection).answer().body == b"good"


def test_a_request_that_has_begun_on_a_kept_connection_stays(serve):
    server = serve(max_connections=2)
    with server.connect() as kept, server.connect() as blocking:
        keep(kept)
        time.sleep(IDLE + 0.2)
        blocking.sendall(b"GET /block?ms=500 HTTP/1.1\r\nHost: board\r\n\r\n")
        time.sleep(0.1)
        with connected(server, 2, GOOD) as newcomers:
            kept.sendall(KEEP[:20])
            assert Client(blocking).answer().body == b"blocked"
            time.sleep(0.2)
            kept.sendall(KEEP[20:])
            assert Client(kept).answer().body == b"kept"
            for connection in newcomers:
                assert Client(connection).answer().body == b"good"


@pytest.mark.alone  # a client that gets no processor is not prompt
def test_handshakes_while_a_handler_blocks(serve, context):
    """Who is prompt, but has to wait for the server, as on a board that computes for a second."""
    server = serve(max_connections=2, ssl=True)

    def secured(connection):
        return context.wrap_socket(connection, server_hostname=HOST)

    def ask(connection):
        with secured(connection) as connection:
            connection.sendall(GOOD)
            bodies.append(Client(connection).answer().body)

    bodies = []
    with secured(server.connect()) as blocking, server.connect() as accepted:
        time.sleep(0.1)
        blocking.sendall(b"GET /block?ms=2000 HTTP/1.1\r\nHost: board\r\n\r\n")
        time.sleep(0.2)
        connections = [accepted, *(server.connect() for _ in range(2))]
        threads = [threading.Thread(target=ask, args=[each]) for each in connections]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert Client(blocking).answer().body == b"blocked"
    assert bodies == [b"good"] * 3


# Nobody starves ------------------------------------------------------------------------------


def test_answers_say_close_while_somebody_waits(serve):
    server = serve(max_connections=2)
    with connected(server, 2) as busy, ExitStack() as stack:
        clients = [Client(connection) for connection in busy]

        asked = [time.monotonic()]

        def ask():
            """All that are still connected ask; whether one was told to close."""
            idle = time.monotonic() - asked[0]
            told = False
            for connection, client in zip(busy, clients, strict=True):
                if not client.ended:
                    try:
                        connection.sendall(KEEP)
                        answer = client.answer()
                    except (AssertionError, ConnectionError):
                        if idle < 0.25:
                            raise
                        return True  # idle for so long, on a busy machine, that it gave way
                    assert answer.body == b"kept"
                    if answer.header("Connection") == "close":
                        told = True
                        assert client.rest() == b"" and not client.reset
            asked[0] = time.monotonic()
            return told

        for _ in range(10):
            assert not ask(), "nobody waits"
            time.sleep(0.05)
        newcomer = stack.enter_context(server.connect())
        newcomer.sendall(GOOD)
        begin = time.monotonic()
        wait_until(ask, 3, 0.05)
        assert time.monotonic() - begin > 0.2, "after 300 ms"
        assert Client(newcomer).answer().body == b"good"
        with server.connect() as connection:
            assert keep(connection).header("Connection") == "keep-alive", "nobody waits any more"


@pytest.mark.parametrize("ssl", [False, True], ids=["plain", "TLS"])
def test_when_all_are_being_served(serve, context, ssl):
    """Those at the door are told so, after three seconds; over TLS they wait until it is over."""
    server = serve(max_connections=2, ssl=ssl, timeout=20)

    def connect():
        connection = stack.enter_context(server.connect(20))
        return connection if not ssl else context.wrap_socket(connection, server_hostname=HOST)

    with ExitStack() as stack:
        for _ in range(2):
            connect().sendall(hold(LONG + 1.5))
        time.sleep(0.2)
        begin = time.monotonic()
        if ssl:
            newcomer = connect()
            newcomer.sendall(GOOD)
            assert Client(newcomer).answer(timeout=10).status == 200
            return
        waiting = [connect() for _ in range(3)]
        for connection in waiting:
            connection.sendall(GOOD)
        for connection in waiting:
            data, _ = until_closed(connection)
            assert parse_one(data).status == 503
            assert LONG - 0.5 < time.monotonic() - begin < LONG + 1.4
    wait_until(lambda: server.get("/good").status == 200)


def test_resets_at_the_door_cost_nothing(serve):
    server = serve(max_connections=2, backlog=64)
    with connected(server, 2, hold(1.5)) as served:
        time.sleep(0.2)
        for connection in [server.connect() for _ in range(20)]:
            reset(connection)
        with server.connect() as connection:
            connection.sendall(GOOD)
            for each in served:
                assert Client(each).answer().body == b"held"
            assert Client(connection).answer().body == b"good"


# Event streams -------------------------------------------------------------------------------


@pytest.mark.parametrize("places, number", [(1, 0), (2, 1), (3, 1), (4, 2), (6, 4)])
def test_streams_leave_places(start, places, number):
    server = start("broadcast_app", places)
    with ExitStack() as stack:
        for _ in range(number):
            stack.enter_context(open_stream(server, "/events"))
        assert server.get("/events").status == 503
        assert server.get("/").status == 200


def test_listeners_are_counted_without_an_event(start):
    server = start("broadcast_app")

    def listeners():
        return json.loads(server.get("/state").body)["listeners"]

    streams = [open_stream(server, "/events") for _ in range(3)]
    wait_until(lambda: listeners() == 3)
    streams.pop().close()
    wait_until(lambda: listeners() == 2)
    reset(streams.pop())
    wait_until(lambda: listeners() == 1)
    streams.pop().close()
    wait_until(lambda: listeners() == 0)


# What a client is told -----------------------------------------------------------------------


@pytest.mark.parametrize("timeout, told", [(10, 9), (2.5, 1), (1, 1), (0.5, 1)])
def test_a_kept_connection_says_how_long(serve, timeout, told):
    server = serve(timeout=timeout)
    with server.connect() as connection:
        assert keep(connection).header("Keep-Alive") == f"timeout={told}"
    assert server.get("/good").header("Keep-Alive") is None


# A good client in a crowd --------------------------------------------------------------------


class Crowd:
    """Clients that do no good, each in a thread, and come back at once when they are dropped."""

    KINDS = "silent", "heads", "bodies", "hammering"

    def __init__(self, server, kinds, number, head=GOOD * 10):
        self.connect, self.head = server.connect, head
        self.done = threading.Event()
        self.errors = []  # of those who ask properly, and much
        kinds = [kinds[i % len(kinds)] for i in range(number)]
        self.threads = [threading.Thread(target=self._run, args=[kind]) for kind in kinds]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exception):
        self.done.set()
        for thread in self.threads:
            thread.join()

    def _run(self, kind):
        while not self.done.is_set():
            try:
                with self.connect() as connection:
                    getattr(self, "_" + kind)(connection)
            except OSError:
                self.done.wait(0.01)

    def _silent(self, connection):
        while not self.done.is_set() and is_open(connection):
            self.done.wait(0.02)

    def _heads(self, connection):
        self._dribble(connection, self.head)

    def _bodies(self, connection):
        connection.sendall(post("/read", "Content-Length: 1000"))
        self._dribble(connection, b"x" * 900)

    def _dribble(self, connection, data):
        for byte in data:
            if self.done.wait(random.uniform(0.02, 0.1)) or not is_open(connection):
                break
            connection.send(bytes([byte]))

    def _hammering(self, connection):
        client = Client(connection)
        while not self.done.is_set():
            try:
                connection.sendall(KEEP)
                answer = client.answer(timeout=20)
                assert answer.body == b"kept", answer
            except (OSError, AssertionError) as problem:
                self.errors.append(problem)
                return
            if answer.header("Connection") == "close":
                return


def longest_wait(connect, tries, pause=0.25):
    """A good client comes again and again, on a new connection; how long it waited at most."""
    longest = 0
    for _ in range(tries):
        begin = time.monotonic()
        with connect() as connection:
            connection.sendall(GOOD)
            assert Client(connection).answer(timeout=30).body == b"good"
        longest = max(longest, time.monotonic() - begin)
        time.sleep(pause)
    return longest


CROWDS = [("silent",), Crowd.KINDS]
if ALL:
    CROWDS += [("heads",), ("bodies",), ("hammering",)]


@pytest.mark.alone
@pytest.mark.timeout(180)
@pytest.mark.parametrize("kinds", CROWDS, ids=" ".join)
@pytest.mark.parametrize("number", [6, 12, 24, 50] if ALL else [24])
def test_good_client_beside_a_crowd(serve, kinds, number):
    server = serve(max_connections=6, backlog=64 if number > 24 else 20)
    before = server.descriptors()
    with Crowd(server, kinds, number) as crowd:
        time.sleep(1)
        longest = longest_wait(server.connect, 12 if ALL else 3)
    print(f"beside {number} {' '.join(kinds)}: at most {longest:.2f} s")
    assert not crowd.errors
    assert longest < (5 if number > 24 else 2.5)
    server.wait_descriptors(before)


@pytest.mark.skipif(not ALL, reason="the documented figures: CROWDS=all")
@pytest.mark.alone
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kinds", [("silent",), ("heads",)][: 1 + ALL], ids=" ".join)
@pytest.mark.parametrize("number", [6, 12, 24][: 1 + 2 * ALL])
@pytest.mark.parametrize("how", ["backlog of 5", "TLS, 2 places", "TLS, 6 places"][: 1 + 2 * ALL])
def test_good_client_where_no_bound_is_promised(serve, context, how, kinds, number):
    """It is served, and the figure is printed (pytest -rP), if the system has room for all."""
    tls = how.startswith("TLS")
    places, backlog = 2 if "2" in how else 6, 20 if tls else 5
    server = serve(max_connections=places, backlog=backlog, ssl=tls)

    def connect():
        connection = server.connect(30)
        return context.wrap_socket(connection, server_hostname=HOST) if tls else connection

    # over TLS who does no good does not even begin a handshake, or dribbles one
    with Crowd(server, kinds, number, hello(context) if tls else GOOD * 10):
        time.sleep(1)
        try:
            longest = f"at most {longest_wait(connect, 8):.2f} s"
        except TimeoutError:  # after 30 s
            longest = "not always within 30 s"
            assert number >= places + backlog  # else the system drops nobody
    print(f"{how}, beside {number} {' '.join(kinds)}: {longest}")
