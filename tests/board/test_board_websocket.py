# WebSockets over lwIP: their handshake, which needs the firmware's SHA1, and messages both ways.

import pytest
from board import ALL

import test_websocket as websockets

TESTS = [websockets.test_handshake]
if ALL:
    TESTS += [websockets.test_messages, websockets.test_pings, websockets.test_fragments]


@pytest.fixture
def server(start):
    return start("websocket_app", heap="512k")


@pytest.mark.parametrize("test", TESTS)
def test_on_a_board(server, test):
    test(server)


def test_who_leaves_without_closing(server, package):
    websockets.test_peer_that_has_gone(server, package)
