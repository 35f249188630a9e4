# A captive portal: a name server that answers every question for an address with the board's own.
#
# A phone that joins a network asks for a page that it knows (captive.apple.com ...).  If the name
# leads to the board, and the board answers with a redirect, the phone opens the board's page by
# itself.  A question and its answer are one UDP packet each (RFC 1035 section 4):
#
#     2 bytes    a number, the same in the answer
#     2          flags, the first bit: 0 asks, 1 answers
#     2 each     how many questions, answers, authorities, additional records
#     ...        the name as asked, "\7captive\5apple\3com\0", the type (A is 1) and class (IN: 1)
#     ...        in the answer: name (as above), type, class, seconds to keep it, length, address
#
# It looks for packets every 50 ms, rather than to wait for them: so it can be ended, also when it
# runs in a thread.

import socket

from .loop import sleep_ms


class Captive:
    """
    A name server on UDP port 53 of an address (a str), which should be that of the access point.

    OSError if the port is taken.  It answers while serve() runs, until close().
    """

    def __init__(self, address, port=53):
        self.address = address
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._sock.setblocking(False)
            self._sock.bind(socket.getaddrinfo(address, port)[0][-1])
        except:  # noqa: E722
            self.close()
            raise

    def serve(self):
        """Answer until close(): for a task, in httpserver for a thread."""
        try:
            while True:
                sock = self._sock  # close() may take it away from a thread
                if not sock:
                    break
                pause = 50
                try:
                    query, client = sock.recvfrom(512)
                    pause = 1  # there may be more, but others have their turn
                    response = answer(query, self.address)
                    if response:
                        sock.sendto(response, client)
                except (OSError, MemoryError):  # nothing has come; or nobody is there any more
                    pass
                sleep_ms(pause)
        finally:
            self.close()

    def close(self):
        """End it."""
        sock, self._sock = self._sock, None
        if sock:
            sock.close()


def answer(query, address):
    """The answer to a packet, with address (a str); None if it is not one plain question."""
    end = 12
    # A query, of the standard kind, not cut; one question, no records but additional ones (EDNS).
    if len(query) < 17 or query[2] & 0xFA or query[4:10] != b"\0\1\0\0\0\0":
        return None
    while end < len(query) and query[end]:
        if query[end] > 63:
            return None
        end += query[end] + 1
    end += 5
    if not 17 <= end <= min(len(query), 271):  # a name has at most 255 bytes
        return None
    found = query[end - 4 : end] == b"\0\1\0\1"
    flags = bytes([132 | query[2], 128, 0, 1, 0, found, 0, 0, 0, 0])
    response = query[:2] + flags + query[12:end]
    if found:
        ip = bytes([int(n) for n in address.split(".")])
        response += b"\xc0\x0c\0\1\0\1\0\0\0\x0a\0\4" + ip  # to be kept for 10 s
    return response
