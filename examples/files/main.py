# A file manager for the board: list, upload, download, edit, delete, behind a password.
#
#     GET    /files/           the files of a folder, as JSON; so do /files/logs/ and so on
#     POST   /files/           uploads from a form, several files at once (curl -F file=@notes.txt)
#     GET    /files/notes.txt  downloads
#     PUT    /files/notes.txt  stores the body, from the editor (or curl -T notes.txt)
#     DELETE /files/notes.txt
#
# User and password are in settings.json, which is not in the folder: who can write programs and
# settings owns the board.  An upload replaces a file only when all of it has come.

import asyncio
import json
import os
import sys

from ahttpserver import HTTPResponse, HTTPServer, InvalidRequest, receivefile, sendfile
from ahttpserver.auth import basic_auth
from ahttpserver.multipart import Multipart
from url import inside

FOLDER = "files"
MAX_SIZE = 500000  # bytes of one file

app = HTTPServer(port=int(sys.argv[1]) if sys.argv[1:] else 80, log=print)


def settings():
    """User and password from settings.json; a RuntimeError says what is missing."""
    try:
        with open("settings.json") as file:
            found = json.load(file)
        user, password = found["user"], found["password"]
        if len(password) >= 8 and user and ":" not in user:
            return user, password
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise RuntimeError('settings.json: {"user": "admin", "password": "8 signs or more"}')


admin = basic_auth(*settings(), realm="files")


def same_site(request):
    """Refuses what a page of another site makes a browser send, with the password it knows."""
    origin = request.header.get("origin")
    if origin and origin.split("//")[-1] != request.header.get("host"):
        raise InvalidRequest("only for pages of this site", 403)


def file_name(request):
    """The name of the file that a request means."""
    name = request.parameters["name"]
    if request.method == "DELETE" and name[-1:] in ("", "/"):  # LittleFS removes folders, too
        raise InvalidRequest("no file name")
    if name.rstrip(". ")[-5:].lower() == ".part":  # an upload that has not come whole
        raise InvalidRequest("no such file", 404)
    return inside(FOLDER, name)


@app.route("GET", "/")
@admin
async def root(reader, writer, request):
    header = {"Cache-Control": "no-cache", "X-Frame-Options": "DENY"}
    await HTTPResponse(200, "text/html", close=False, header=header).send(writer)
    await sendfile(writer, "index.html")


@app.route("GET", "/files/<path:name>")
@admin
async def get(reader, writer, request):
    name = file_name(request)
    if name[-1:] == "/":
        return await send_list(writer, name)
    # To be kept, not shown: a page that somebody uploaded would act in the name of its reader.
    header = {"Content-Disposition": "attachment", "Cache-Control": "no-store"}
    await HTTPResponse(200, "application/octet-stream", False, header).send(writer)
    await sendfile(writer, name)


async def send_list(writer, folder):
    """{"free": bytes, "files": [[name, size], ...]}, piece by piece; a folder's size is null."""
    try:
        entries = os.ilistdir(folder[:-1])  # FAT wants no slash
        disk = os.statvfs(FOLDER)
    except OSError:
        raise InvalidRequest("no folder", 404)
    await HTTPResponse(200, "application/json", False, {"Cache-Control": "no-store"}).send(writer)
    writer.write('{"free": %d, "files": [' % (disk[1] * disk[4]))
    comma = ""
    for name, kind, *_ in entries:
        try:
            size = None if kind == 0x4000 else os.stat(folder + name)[6]
        except OSError:  # deleted in the meantime
            continue
        if not name.startswith(".") and not name.endswith(".part"):
            writer.write(comma + json.dumps([name, size]))
            comma = ", "
            await writer.drain()
    writer.write("]}")


@app.route("POST", "/files/<path:name>")
@admin
async def upload(reader, writer, request):
    same_site(request)
    folder = inside(FOLDER, request.parameters["name"])
    form = Multipart(reader, request)
    stored = 0
    part = await form.next()
    while part:
        if part.filename:
            await receivefile(part, inside(folder, part.filename.replace("/", "_")), MAX_SIZE)
            stored += 1
        part = await form.next()
    if not stored:
        raise InvalidRequest("no file in the form")
    await HTTPResponse(201, "text/plain", close=False).send(writer, "stored: %d\n" % stored)


@app.route("PUT", "/files/<path:name>")
@admin
async def put(reader, writer, request):
    same_site(request)
    await receivefile(reader, file_name(request), max_size=MAX_SIZE)
    await HTTPResponse(204, close=False).send(writer)


@app.route("DELETE", "/files/<path:name>")
@admin
async def delete(reader, writer, request):
    same_site(request)
    try:
        os.remove(file_name(request))
    except OSError:
        raise InvalidRequest("no such file", 404)
    await HTTPResponse(204, close=False).send(writer)


async def main():
    await app.start()
    await asyncio.Event().wait()


try:
    os.mkdir(FOLDER)
except OSError:
    pass  # it is there
if __name__ == "__main__":
    asyncio.run(main())
