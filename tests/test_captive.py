# The name server of the captive portal: dig and dnspython ask it, and strangers send it junk.

import random
import socket
import subprocess

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import pytest

from harness import HOST, wait_until

NAMES = (
    "captive.apple.com",
    "connectivitycheck.gstatic.com",
    "www.msftconnecttest.com",
    "detectportal.firefox.com",
    "a",
    "x" * 63 + ".example",
    ".".join(["y" * 49] * 5) + ".com",  # 255 bytes
)


@pytest.fixture
def server(start):
    return start("captive_app", heap="128k")


@pytest.fixture
def client():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        yield client


def ask(server, *arguments, **more):
    """The answer to a question, checked by dnspython."""
    query = dns.message.make_query(*arguments, **more)
    return dns.query.udp(query, HOST, timeout=5, port=server.port, raise_on_truncation=True)


def silent(server, client, packets):
    """Whether nothing is answered before a good question that comes after these packets."""
    for packet in packets:
        client.sendto(packet, (HOST, server.port))
    last = dns.message.make_query("last", "A")
    client.sendto(last.to_wire(), (HOST, server.port))
    return dns.message.from_wire(client.recv(999)).id == last.id


@pytest.mark.parametrize("name", NAMES)
def test_addresses(server, name):
    answer = ask(server, name, "A")
    assert answer.rcode() == dns.rcode.NOERROR
    [record] = answer.answer
    assert [data.address for data in record] == [HOST]
    assert str(record.name).rstrip(".") == name and 0 < record.ttl <= 60
    assert not answer.authority and not answer.additional
    assert answer.flags & dns.flags.QR and answer.flags & dns.flags.RD


def test_no_recursion_desired(server):
    answer = ask(server, "a.b", "A", flags=0)
    assert answer.answer and not answer.flags & dns.flags.RD


@pytest.mark.parametrize("kind", ["AAAA", "HTTPS", "MX", "TXT", "PTR", "SOA", "ANY"])
def test_other_types(server, kind):
    answer = ask(server, "captive.apple.com", kind)
    assert answer.rcode() == dns.rcode.NOERROR and not answer.answer


def test_other_classes(server):
    assert not ask(server, "version.bind", "A", rdclass=dns.rdataclass.CH).answer


def test_letters_stay_as_asked(server):
    """Some resolvers ask in mixed letters, and look whether they come back."""
    [question] = ask(server, "CapTive.aPPle.com", "A").question
    assert str(question.name) == "CapTive.aPPle.com."


def test_extensions(server):
    cookie = dns.edns.GenericOption(dns.edns.COOKIE, b"12345678")
    answer = ask(server, "a.b", "A", use_edns=0, payload=1232, options=[cookie])
    assert answer.answer and answer.edns == -1


def test_dig(server, installed):
    command = [installed("dig"), f"@{HOST}", "-p", str(server.port), "+tries=1", "+timeout=5"]

    def dig(*arguments):
        done = subprocess.run([*command, *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
        return done.stdout

    text = dig("captive.apple.com")
    assert "status: NOERROR" in text and "WARNING" not in text.replace("recursion requested", "")
    assert dig("+short", "detectportal.firefox.com", "A", "a.b", "AAAA").split() == [HOST]
    assert "ANSWER: 0" in dig("a.b", "AAAA")


def test_ignored(server, client):
    good = dns.message.make_query("a.b", "A").to_wire()
    assert silent(server, client, [good[:size] for size in range(len(good))])
    for at, value in (
        (2, 0x80),  # an answer: two servers must not talk for ever
        (2, 0x81),
        (2, 0x08),  # an inverse query
        (2, 0x28),  # an update
        (2, 0x03),  # cut
        (5, 0),  # no question
        (5, 2),
        (4, 1),
        (7, 1),  # with an answer
        (9, 1),  # with an authority
        (12, 0xC0),  # a name that points elsewhere
        (12, 64),
        (12, 200),
    ):
        packet = bytearray(good)
        packet[at] = value
        assert silent(server, client, [packet]), (at, value)
    assert silent(server, client, [good[:12] + b"\1a" * 140 + good[-5:], b"", b"x" * 2000])


@pytest.mark.parametrize("seed", range(3))
def test_mutations(server, client, seed):
    """Each is a question that is answered well, or nothing happens."""
    dice = random.Random(seed)
    heap = int(server.get("/heap").body)
    for _ in range(150):
        query = dns.message.make_query(dice.choice(NAMES), "A", use_edns=dice.choice([0, -1]))
        packet = bytearray(query.to_wire())
        for _ in range(dice.randrange(1, 4)):
            packet[dice.randrange(len(packet))] = dice.randrange(256)
        last = dns.message.make_query("last", "A").to_wire()
        for data in packet, last:
            client.sendto(data, (HOST, server.port))
        answer = client.recv(999)
        if answer[:2] != last[:2]:
            answer = dns.message.from_wire(answer)
            assert answer.rcode() == dns.rcode.NOERROR and len(answer.question) == 1
            assert client.recv(999)[:2] == last[:2]
    assert int(server.get("/heap").body) < heap + 2000


def test_flood(server, client):
    """Who asks without a pause does not stop the web server."""
    packet = dns.message.make_query("a.b", "A").to_wire()
    for _ in range(3):
        for _ in range(300):
            client.sendto(packet, (HOST, server.port))
        assert server.get("/heap").status == 200


def test_one_at_a_time(server):
    assert server.get("/again").body == b"refused"


def test_close(server):
    open_before = server.descriptors()
    for _ in range(2):
        assert server.get("/close").body == b"closed"
    wait_until(lambda: "ended" in server.output)
    server.wait_descriptors(open_before - 1)
    with pytest.raises((dns.exception.Timeout, OSError)):
        dns.query.udp(dns.message.make_query("a", "A"), HOST, timeout=0.3, port=server.port)
