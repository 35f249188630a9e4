# Sending a file: its length is told first, then it goes out in pieces of one small buffer.

from os import stat

from url import InvalidRequest

from . import response


def sendfile(writer, filename, start=0, length=None):
    """
    Send a file, or length bytes of it from start on, as the body or as a part of it.

    Sent first, it decides the Content-Length.  Raises InvalidRequest 404 if it cannot be opened.
    A file that grows meanwhile is sent as long as it was; one that was cut or replaced by one that
    is not longer breaks the response off.
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
        if writer.head and writer.room < 0 and not (writer.output or writer.mute):
            writer.room = rest  # it is the whole body
        response.count(writer, rest)  # ValueError if that is too much
        if writer.mute is not None:
            return
        response.count(writer, -rest)  # the head has to know what follows
        file.seek(start)
        if rest <= 1024:  # it leaves together with the head
            return writer.write(file.read(rest))
        writer.drain()  # the head goes first, the pieces follow without a copy of them
        response.count(writer, rest)
        if writer.head is response.NOTHING:  # the file is the whole response
            writer.head = response.SENT
            writer.status = "-"
        try:
            buffer = bytearray(min(rest, 4096))
        except MemoryError:
            buffer = bytearray(512)
        buffer = memoryview(buffer)
        try:
            if writer.chunked:
                writer.push(b"%x\r\n" % rest)  # one chunk for all pieces
            while rest:
                if rest < len(buffer):
                    buffer = buffer[:rest]
                n = file.readinto(buffer)
                if n == rest:  # the last piece: is it still the same file?
                    now = stat(filename)
                    if now[8] != info[8] and now[6] <= info[6]:
                        break
                if not n:
                    break
                writer.push(buffer[:n])
                rest -= n
            if writer.chunked and not rest:
                writer.push(response.CRLF)
        except OSError:
            if writer.gone or writer.unsent:  # it was the connection's, not the file's
                raise
        finally:
            if rest:
                writer.close(False)  # what was promised cannot follow
