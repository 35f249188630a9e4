# A client that takes a connection's answers one after the other, each as soon as it is whole: for
# tests that must know what comes when, and what comes after it.

import re

from harness import Chunks, parse

LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.I)
CHUNKED = re.compile(rb"\r\ntransfer-encoding: chunked\r\n", re.I)


class Client:
    """Reads answers from a connected socket; strict about their form, as harness.parse is."""

    def __init__(self, connection, lenient=False):
        self.connection = connection
        self.lenient = lenient  # take HTTP/1.0 answers for HTTP/1.1
        self.data = b""
        self.interim = []  # the 1xx answers so far
        self.ended = False  # by close
        self.reset = False  # the end was a reset

    def answer(self, method="GET", timeout=5):
        """The next final answer; an AssertionError when the connection ends before it."""
        self.connection.settimeout(timeout)
        while True:
            while not self._whole(method):
                assert not self.ended, f"closed after {self.data!r}"
                self._receive()
            response, self.data = parse(self.data, method)
            if response.status >= 200:
                return response
            self.interim.append(response.status)

    def rest(self, timeout=5):
        """What still comes until the connection ends; a reset is such an end."""
        self.connection.settimeout(timeout)
        while not self.ended:
            self._receive()
        return self.data

    def _receive(self):
        try:
            data = self.connection.recv(65536)
        except ConnectionResetError:
            data, self.reset = b"", True
        self.data += data.replace(b"HTTP/1.0 ", b"HTTP/1.1 ") if self.lenient else data
        self.ended = not data

    def _whole(self, method):
        end = self.data.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = self.data[: end + 2]
        if method == "HEAD" or re.match(rb"HTTP/1.1 (1..|204|304) ", head):
            return True
        if CHUNKED.search(head):
            chunks = Chunks()
            chunks.feed(self.data[end + 4 :])
            return chunks.finished or self.ended
        length = LENGTH.search(head)
        if length is None:
            return self.ended
        return len(self.data) >= end + 4 + int(length[1])
