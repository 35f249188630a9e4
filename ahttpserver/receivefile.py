# Receiving a file: an upload of any size in constant memory.
#
# The upload goes to a temporary name and replaces the file only when it is complete.  A broken
# upload, a full disk or a vanished client leave the old file as it was.

import os

from url import InvalidRequest

BUFFER = 2048  # bytes
FULL = "disk full"

_busy = set()  # names that uploads write to now, in the form of a disk that makes least of them


async def receivefile(reader, filename, max_size=None):
    """
    Store the request's body as a file and return its size in bytes.

    Raises InvalidRequest 413 over max_size bytes, 409 while another upload writes the same file
    and for names that end in ".part", 400 without a name, 404 or 507 without a folder or room for
    it, 415 for what a form sends: a file with lines around it.  The name must be safe: see
    url.inside.
    """
    if reader.request.header.get("content-type", "")[:19].lower() == "multipart/form-data":
        raise InvalidRequest("send the file alone, not in a form: curl -T FILE", 415)
    if filename[-1:] in ("", "/"):
        raise InvalidRequest("no file name")
    part = filename + ".part"
    name = filename.lower().rstrip(". ")
    if name in _busy or name[-5:] == ".part":
        raise InvalidRequest("name in use", 409)
    if max_size is None:
        max_size = 1 << 30
    if reader.body > max_size:
        raise InvalidRequest("too large", 413)
    _busy.add(name)
    size = 0
    try:
        with _file("no folder", open, part, "wb") as file:
            while True:
                data = await reader.read(BUFFER)
                if not data:
                    break
                size += len(data)
                if size > max_size:
                    raise InvalidRequest("too large", 413)
                _file(FULL, file.write, data)
            _file(FULL, file.close)  # LittleFS writes the end, and small files, only now
        _file("no file", os.rename, part, filename)
    finally:
        try:
            os.remove(part)  # of an upload that was broken off; else it has its name now
        except Exception:  # a tuple of classes would need memory
            pass
        _busy.discard(name)
    return size


def _file(error, function, *args):
    try:
        return function(*args)
    except OSError as e:
        # ENOSPC; ENAMETOOLONG says LittleFS, too, when it has no room for a name.
        if error == FULL or 28 in e.args or 36 in e.args and len(args[0]) < 255:
            raise InvalidRequest(FULL, 507)
        raise InvalidRequest(error, 404)
