# Uploads to a disk of 64 kB in memory, with the file system that the second argument names.

import json
import os
import sys

import vfs

from ahttpserver import HTTPResponse, HTTPServer, receivefile
from run_ahttpserver import run
from url import inside


class Disk:
    """A block device, as a board's flash is one."""

    def __init__(self, blocks, size=512):
        self.size = size
        self.data = memoryview(bytearray(blocks * size))

    def readblocks(self, number, buffer, offset=0):
        start = number * self.size + offset
        buffer[:] = self.data[start : start + len(buffer)]

    def writeblocks(self, number, buffer, offset=0):
        start = number * self.size + offset
        self.data[start : start + len(buffer)] = buffer

    def ioctl(self, operation, argument):
        return {4: len(self.data) // self.size, 5: self.size, 6: 0}.get(operation)


file_system = getattr(vfs, sys.argv[2])
disk = Disk(128)
file_system.mkfs(disk)
vfs.mount(file_system(disk), "/disk")

app = HTTPServer("127.0.0.1", int(sys.argv[1]), timeout=1)


@app.route("PUT", "/<path:name>")
async def put_file(reader, writer, request):
    size = await receivefile(reader, inside("/disk", request.parameters["name"]))
    response = HTTPResponse(201, "text/plain", close=False)
    await response.send(writer, str(size))


@app.route("DELETE", "/<path:name>")
async def delete_file(reader, writer, request):
    os.remove(inside("/disk", request.parameters["name"]))
    await HTTPResponse(204).send(writer)


@app.route("GET", "/")
async def get_files(reader, writer, request):
    files = {}
    for name in os.listdir("/disk"):
        files[name] = os.stat("/disk/" + name)[6]
    files[""] = os.statvfs("/disk")[3]  # free blocks
    await HTTPResponse(200, "application/json").send(writer, json.dumps(files))


run(app)
