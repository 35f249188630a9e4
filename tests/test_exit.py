# A handler that sends its answer and then ends the program, as the programs for the reference do:
# the answer still leaves, and claims nothing that is not so.

import pytest

from harness import parse_broken, parse_one, wait_until

NAMES = {"interrupt": "KeyboardInterrupt", "exit": "SystemExit"}


@pytest.fixture(params=NAMES)
def ask(request, start):
    """ask(path, version) returns what comes before the program has ended."""
    server = start("exit_app")
    server.expect_exit()

    def ask(path, version="1.1"):
        data = server.exchange(
            f"GET {path}/{request.param} HTTP/{version}\r\nHost: board\r\n\r\n".encode()
        )
        wait_until(lambda: f"ended by {NAMES[request.param]}\n" in server.output)
        return data

    return ask


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("path, body", [("/whole", b"bye"), ("/large", b"x" * 10000)])
def test_whole_answer(ask, path, body, version):
    response = parse_one(ask(path, version))
    assert (response.status, response.body) == (200, body)
    assert response.header("Content-Length") == str(len(body))


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("path, body", [("/part", b"one two "), ("/head", b"")])
def test_part_of_an_answer_claims_nothing(ask, path, body, version):
    response = parse_one(ask(path, version))
    assert (response.status, response.body) == (200, body)
    assert response.header("Connection") == "close"
    assert response.header("Content-Length") is None
    assert response.header("Transfer-Encoding") is None


def test_length_that_was_told_stays(ask):
    head, _, body = ask("/told").partition(b"\r\n\r\n")
    assert b"\r\nContent-Length: 20" in head and body == b"one "


def test_what_was_drained_breaks_off(ask):
    body = parse_broken(ask("/drained")).body
    assert b"one two ".startswith(body) and body.startswith(b"one ")


def test_nothing_was_sent(ask):
    data = ask("/nothing")
    assert not data or parse_one(data).status == 500
