# A double of the module network, for examples/setup: what is in reach stands in world.json, a dict
# of names and their passwords, which a test may change meanwhile.

import json
import time

STA_IF = 0
AP_IF = 1


def world():
    with open("world.json") as file:
        return json.load(file)


class WLAN:
    def __init__(self, kind):
        self.kind = kind
        self.joined = None
        self.since = 0
        self.on = False

    def active(self, on):
        self.on = on
        if self.kind == AP_IF:
            print("access point", "on" if on else "off")

    # The words that ESP32 and Pico W both know; the latter, before 1.25, only while it is off.
    def config(self, ssid, security, key=""):
        if self.on:
            raise AssertionError("too late for a name")
        print("named", ssid, security, key)

    def scan(self):
        names = sorted(world())
        return [(name.encode(), b"", 1, -90 + i, 3, 0) for i, name in enumerate(names)]

    def connect(self, name, password):
        print("tries", name)
        self.joined = name, password
        self.since = time.ticks_ms()

    def disconnect(self):
        self.joined = None

    def isconnected(self):
        if self.joined is None or time.ticks_diff(time.ticks_ms(), self.since) < 300:
            return False
        name, password = self.joined
        return world().get(name) == password

    def ifconfig(self):
        address = "127.0.0.1" if self.kind == AP_IF else "192.168.1.7"
        return address, "255.255.255.0", "", ""
