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
        if writer.room is None and writer.head and not (writer.output or writer.mute):
            writer.room = rest  # it is the whole body
        writer.count(rest)  # ValueError if that is too much
        if writer.mute is not None:
            return
        writer.count(-rest)  # it counts when it is sent
        if start:
            file.seek(start)
        try:
            buffer = memoryview(bytearray(min(rest, BUFFER)))
        except MemoryError:
            buffer = memoryview(bytearray(BUFFER // 8))
        small = rest <= 1024  # it leaves together with the head
        if not small:
            writer.drain()  # the head goes first, the pieces follow without a copy of them
            if writer.head is None:  # the file is the whole response
                writer.head = b""
                writer.status = "-"
            writer.count(rest)  # at once; what is missing in the end is given back
        try:
            while rest:
                if rest < len(buffer):
                    buffer = buffer[:rest]
                try:
                    n = file.readinto(buffer)
                    if not n or n == rest and stat(filename)[8] != info[8]:
                        return  # it was cut, or replaced meanwhile: the connection has to close
                except OSError:
                    return
                piece = buffer if n == len(buffer) else buffer[:n]
                if small:
                    writer.write(piece)
                else:
                    piece = writer.write_now(piece)
                    if piece or rest & 0x7000 == 0:  # also to let others have a turn
                        writer.push(piece)
                rest -= n
        finally:
            if not small:
                writer.count(-rest)
