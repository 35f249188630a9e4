# The least a server can do: read once, send a constant, parse nothing. The others are compared
# with it.
#
#     micropython limit.py PORT asyncio|sockets|poll close|keep|echo|file

import asyncio
import select
import socket
import sys

ANSWER = (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n"
          b"Connection: %s\r\n\r\nHello, World!")
CLOSE = ANSWER % b"close"
KEEP = ANSWER % b"keep-alive"
ECHO = b"HTTP/1.1 200 OK\r\nContent-Length: 1024\r\nConnection: close\r\n\r\n"
FILE = b"HTTP/1.1 200 OK\r\nContent-Length: 102400\r\nConnection: close\r\n\r\n"
PIECE = 8192


# asyncio: the handlers of asyncio.start_server

async def asyncio_close(reader, writer):
    await reader.read(1024)
    writer.write(CLOSE)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def asyncio_keep(reader, writer):
    while await reader.read(1024):
        writer.write(KEEP)
        await writer.drain()
    writer.close()
    await writer.wait_closed()


async def asyncio_echo(reader, writer):
    data = await reader.read(2048)
    writer.write(ECHO + data[-1024:])
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def asyncio_file(reader, writer):
    await reader.read(1024)
    writer.write(FILE)
    buffer = bytearray(PIECE)
    view = memoryview(buffer)
    with open("100k.bin", "rb") as file:
        while n := file.readinto(buffer):
            writer.write(view[:n])
            await writer.drain()
    writer.close()
    await writer.wait_closed()


async def serve(handler, port):
    await asyncio.start_server(handler, "127.0.0.1", port)
    await asyncio.Event().wait()


# sockets: one blocking connection after the other

def sockets_close(connection):
    connection.recv(1024)
    connection.send(CLOSE)


def sockets_echo(connection):
    data = connection.recv(2048)
    connection.send(ECHO + data[-1024:])


def sockets_file(connection):
    connection.recv(1024)
    connection.send(FILE)
    buffer = bytearray(PIECE)
    view = memoryview(buffer)
    with open("100k.bin", "rb") as file:
        while n := file.readinto(buffer):
            connection.sendall(view[:n])


def listen(port):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(socket.getaddrinfo("127.0.0.1", port)[0][-1])
    listener.listen(16)
    return listener


def accept_one_by_one(handler, port):
    listener = listen(port)
    while True:
        connection = listener.accept()[0]
        try:
            handler(connection)
        except OSError:
            pass
        connection.close()


# poll: one poll over the listener and all connections

def poll_close(poller, connection):
    connection.recv(1024)
    connection.send(CLOSE)
    poller.unregister(connection)
    connection.close()


def poll_keep(poller, connection):
    if connection.recv(1024):
        connection.send(KEEP)
    else:
        poller.unregister(connection)
        connection.close()


def poll_all(handler, port):
    listener = listen(port)
    poller = select.poll()
    poller.register(listener, select.POLLIN)
    while True:
        for ready, _ in poller.poll():
            if ready is listener:
                poller.register(listener.accept()[0], select.POLLIN)
            else:
                try:
                    handler(poller, ready)
                except OSError:
                    poller.unregister(ready)
                    ready.close()


port, kind, what = int(sys.argv[1]), sys.argv[2], sys.argv[3]
handler = globals()[kind + "_" + what]
if kind == "asyncio":
    asyncio.run(serve(handler, port))
elif kind == "sockets":
    accept_one_by_one(handler, port)
else:
    poll_all(handler, port)
