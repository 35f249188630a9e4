# First set-up: the board's own network, and a page where the Wi-Fi is entered.  README.md says how
# to use it, docs/setup.md how phones find the page.
#
#     no Wi-Fi known, or away for PATIENCE seconds: the access point is on
#     the form is sent: what was entered is tried, and stored when it is right
#     connected: the access point goes off, when nobody has looked at the page for LINGER seconds

import asyncio
import json
import os

import network

from ahttpserver import HTTPResponse, HTTPServer, InvalidRequest, sendfile
from ahttpserver.captive import Captive
from url import query

# With a password: "security": network.WLAN.SEC_WPA_WPA2, "key": "8 characters or more"
POINT = {"ssid": "board-setup", "security": 0}
FILE = "wifi.json"  # where name and password of the Wi-Fi are stored
TRY = 20  # seconds that the Wi-Fi has for letting the board in
PATIENCE = 60  # seconds without it, after which the access point goes on
LINGER = 15  # seconds that it stays on after success

app = HTTPServer()
station = network.WLAN(network.STA_IF)
point = network.WLAN(network.AP_IF)
state = {"state": "waiting", "name": "", "address": ""}  # as the page is told
entered = []  # (name, password), to be tried
names = None  # the name server, while the access point is on
quiet = PATIENCE  # seconds since somebody looked at the page


@app.route("GET", "/setup")
async def page(reader, writer, request):
    await HTTPResponse(200, "text/html", close=False).send(writer)
    await sendfile(writer, "setup.html")


@app.route("GET", "/setup/state")
async def tell(reader, writer, request):
    global quiet
    quiet = 0
    await answer(writer, state)


@app.route("GET", "/setup/networks")
async def networks(reader, writer, request):
    found = []  # the strongest first
    for one in sorted(station.scan(), key=lambda one: -one[3]):
        try:
            name = one[0].decode()
            if name and name not in found:
                found.append(name)
        except ValueError:
            pass  # not UTF-8: nobody could enter it
    await answer(writer, found)


@app.route("POST", "/setup")
async def enter(reader, writer, request):
    if not names:  # or any page on the internet could have the board join another Wi-Fi
        raise InvalidRequest("only in the board's own network", 403)
    form = query(await reader.read())
    name, password = form.get("name", ""), form.get("password", "")
    if not 1 <= len(name.encode()) <= 32 or 1 <= len(password) < 8 or len(password.encode()) > 64:
        raise InvalidRequest("a name has 1 to 32 bytes, a password none, or 8 to 64")
    entered[:] = [(name, password)]
    state["state"] = "trying"
    await answer(writer, state)


@app.route("GET", "/<path:any>")
async def elsewhere(reader, writer, request):
    """What phones ask for to find out whether there is an internet, and anything else."""
    if not names:
        raise InvalidRequest("no such page", 404)
    header = {"Location": "http://%s/setup" % names.address}
    await HTTPResponse(302, None, True, header).send(writer, "")


async def answer(writer, data):
    await HTTPResponse(200, "application/json", False).send(writer, json.dumps(data))


def load():
    try:
        with open(FILE) as file:
            return json.load(file)  # [name, password]
    except (OSError, ValueError):
        return None


def open_point():
    global names
    point.config(**POINT)  # before it is active: a Pico W does not change it later
    point.active(True)
    names = Captive(point.ifconfig()[0])
    asyncio.create_task(names.serve())


async def connect(name, password):
    """Try a Wi-Fi; True if it has let the board in."""
    state.update(state="trying", name=name)
    station.disconnect()
    try:
        station.connect(name, password)
        for _ in range(TRY * 5):
            await asyncio.sleep_ms(200)
            if station.isconnected():
                state.update(state="connected", address=station.ifconfig()[0])
                return True
    except (OSError, ValueError):
        pass  # the driver finds something wrong with name or password
    station.disconnect()  # trying for ever would disturb the access point
    state.update(state="failed", address="")
    return False


async def keep():
    """Keeps the board in reach, one way or the other."""
    global names, quiet
    await app.start()  # here your own tasks begin, too
    station.active(True)
    known = load()
    away = 0 if known and await connect(*known) else PATIENCE
    while True:
        if entered:
            new = entered.pop()
            if await connect(*new):
                known = new
                with open(FILE + ".new", "w") as file:
                    json.dump(known, file)
                os.rename(FILE + ".new", FILE)  # the old one stays until the new one is written
        if station.isconnected():
            away = 0
            if names and quiet > LINGER:
                names = names.close()
                point.active(False)
        else:
            away += 1
            if away >= PATIENCE and not names:
                open_point()
            if known and away % PATIENCE == 0 and (quiet >= PATIENCE or not names):
                await connect(*known)
        quiet += 1
        await asyncio.sleep(1)


asyncio.run(keep())
