# Prints what calls of the doubles give: see test_profiles.py.  rows.json is a list of
# [what the client sends, then perhaps END, the time-out of the server's socket, the call].

import errno
import json
import select
import socket
import sys

import usocket

port = int(sys.argv[1])
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", port))
listener.listen(5)
big = bytes(100000)


def poll(sock, events=select.POLLIN):
    poller = select.poll()
    poller.register(sock, events)
    return [event for _, event in poller.poll(20)]


def run(sent, timeout, call):
    client = usocket.socket()
    client.setsockopt(1, 8, 2048)  # SO_RCVBUF
    client.connect(usocket.getaddrinfo("127.0.0.1", port)[0][-1])
    sock, address = listener.accept()
    sock.settimeout(timeout)
    if timeout:
        sock.setsockopt(1, 7, 2048)  # SO_SNDBUF
    client.write(sent.replace("END", ""))
    if "END" in sent:
        client.close()
    names.update({"sock": sock, "address": address, "sockets": []})
    try:
        return repr(eval(call, names))
    except Exception as e:
        return "%s%r" % (type(e).__name__, e.args)
    finally:
        listener.settimeout(None)
        for s in names["sockets"] + [client, sock]:
            s.close()


names = globals()
for row in json.load(open("rows.json")):
    print(run(*row))
