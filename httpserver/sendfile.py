# Sending a file: its length is told first, then it goes out in pieces of one small buffer.

from os import stat

from url import InvalidRequest

BUFFER = 4096  # bytes; a larger one gains little


def sendfile(writer, filename, start=0, length=None):
    """
    Send a file, or length bytes of it from start on, as the body or as a part of it.

    Sent first, it decides the Content-Length.  Raises InvalidRequest 404 if it cannot be opened.
    """
    try:
        info = stat(filename)
        if info[0] & 0x4000:
            raise OSError
        file = open(filename, "rb")
    except OSError:
        raise InvalidRequest("no file", 404)
    with file:
        rest = max(info[6] - start, 0)
        if length is not None:
            rest = min(rest, length)
        writer.announce(rest)
        if writer.mute is not None:
            return writer.count(rest)
        if start:
            file.seek(start)
        try:
            buffer = memoryview(bytearray(min(rest, BUFFER)))
        except MemoryError:
            buffer = memoryview(bytearray(BUFFER // 8))
        pieces = _pieces(file, buffer, rest, filename, info[8])
        if rest <= 1024:
            for piece in pieces:
                writer.write(piece)  # leaves together with the head
            return
        # The head goes first, the pieces follow without a copy of them.  They are booked in
        # advance; what is missing in the end is given back, and the connection has to close.
        writer.drain()
        if writer.head is None:  # the file is the whole response
            writer.head = b""
            writer.status = "-"
        writer.count(rest)
        try:
            for piece in pieces:
                n = len(piece)
                piece = writer.write_now(piece)
                if piece or rest & 0x7000 == 0:
                    writer.push(piece)  # also, now and then, for the sake of the other tasks
                rest -= n
        finally:
            writer.count(-rest)


def _pieces(file, buffer, rest, filename, time):
    # What there is of the next rest bytes of a file, in the same buffer each time.
    while rest:
        if rest < len(buffer):
            buffer = buffer[:rest]
        try:
            n = file.readinto(buffer)
            if not n or n == rest and stat(filename)[8] != time:
                return  # it was cut, or replaced meanwhile
        except OSError:
            return
        rest -= n
        yield buffer if n == len(buffer) else buffer[:n]
