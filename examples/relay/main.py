# Two relays behind a login page, and the same as a REST interface:
#     curl -c jar -d password=... http://192.168.1.7/login
#     curl -b jar http://192.168.1.7/api/relays
#     curl -b jar -X PUT -d on http://192.168.1.7/api/relays/pump
#
# The password is in settings.json.  Who knows it gets a session: a random key in a cookie, which
# no script can read and no other site can send.  At most four sessions are kept.

import asyncio
import json
import os
import sys
import time
from binascii import hexlify
from hashlib import sha256

from ahttpserver import HTTPResponse, HTTPServer, InvalidRequest, sendfile
from url import query

PINS = {"pump": 12, "lamp": 13}  # name of a relay: its pin
MAX_SESSIONS = 4
MAX_AGE = 7 * 86400  # s for which a session lasts
PAUSE = 1000  # ms without any answer to a password after a wrong one
COOKIE = "session=%s; Max-Age=%d; Path=/; HttpOnly; SameSite=Strict"  # with HTTPS also: Secure

try:
    from machine import Pin
except ImportError:  # on a PC

    class Pin:
        OUT = 1

        def __init__(self, number, mode, value):
            self.states = [value]

        def value(self, *state):
            self.states = list(state) or self.states
            return self.states[0]


def settings():
    """The password from settings.json; a RuntimeError says what is missing."""
    try:
        with open("settings.json") as file:
            password = json.load(file)["password"]
        if len(password) >= 8:
            return password.encode()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    raise RuntimeError('settings.json: {"password": "8 signs or more"}')


app = HTTPServer(port=int(sys.argv[1]) if sys.argv[1:] else 80, max_body=1024, log=print)
relays = {name: Pin(number, Pin.OUT, value=0) for name, number in PINS.items()}
salt = os.urandom(16)
password = sha256(salt + settings()).digest()
sessions = []  # of (key, when it ends in seconds), the oldest first
last_wrong = None  # when a wrong password came, in ticks; one for all clients: they are free


def same_site(request):
    """Refuses what a page of another site makes a browser send to this one."""
    origin = request.header.get("origin")
    if origin and origin.split("//")[-1] != request.header.get("host"):
        raise InvalidRequest("only for pages of this site", 403)


def session(request):
    """The request's session, an item of sessions; InvalidRequest 403 without one that lasts."""
    cookies = request.header.get("cookie", "").split("; ")
    for one in sessions:
        if "session=" + one[0] in cookies and time.time() < one[1]:
            return one
    raise InvalidRequest("log in first", 403)


def begin_session():
    """Returns a new key; of too many sessions the oldest ends."""
    key = hexlify(os.urandom(16)).decode()
    sessions.append((key, time.time() + MAX_AGE))
    del sessions[:-MAX_SESSIONS]
    return key


def check_password(given):
    """InvalidRequest 403 for a wrong one, and 429 for any in the second after that."""
    global last_wrong
    if last_wrong is not None and 0 <= time.ticks_diff(time.ticks_ms(), last_wrong) < PAUSE:
        error = InvalidRequest("wait a second", 429)
        error.header = {"Retry-After": 1}
        raise error
    # Nobody can foresee the hashes, so the time of the comparison tells nothing.
    if sha256(salt + given.encode()).digest() != password:
        last_wrong = time.ticks_ms()
        raise InvalidRequest("wrong password", 403)
    last_wrong = None


@app.route("GET", "/")
async def root(reader, writer, request):
    header = {"Cache-Control": "no-cache", "X-Frame-Options": "DENY"}
    await HTTPResponse(200, "text/html", close=False, header=header).send(writer)
    await sendfile(writer, "index.html")


@app.route("POST", "/login")
async def login(reader, writer, request):
    same_site(request)
    check_password(query(await reader.read()).get("password", ""))
    header = {"Set-Cookie": COOKIE % (begin_session(), MAX_AGE)}
    await HTTPResponse(204, close=False, header=header).send(writer)


@app.route("POST", "/logout")
async def logout(reader, writer, request):
    same_site(request)
    sessions.remove(session(request))
    header = {"Set-Cookie": COOKIE % ("", 0)}
    await HTTPResponse(204, close=False, header=header).send(writer)


@app.route("GET", "/api/relays")
async def get_relays(reader, writer, request):
    session(request)
    states = {name: "on" if relays[name].value() else "off" for name in relays}
    response = HTTPResponse(200, "application/json", close=False)
    await response.send(writer, json.dumps(states))


@app.route("PUT", "/api/relays/<name>")
async def put_relay(reader, writer, request):
    same_site(request)
    session(request)
    relay = relays.get(request.parameters["name"])
    word = await reader.read()
    if not relay:
        raise InvalidRequest("no such relay", 404)
    if word not in (b"on", b"off"):
        raise InvalidRequest("the body is to be: on or off")
    relay.value(word == b"on")
    await HTTPResponse(204, close=False).send(writer)


async def main():
    await app.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
