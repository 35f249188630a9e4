# A dashboard: what a sensor measured in the last hour, live in every browser that looks.
#
# The values stand in a ring in the memory, two bytes each: no flash wears out, and a reset forgets
# them.  A page first loads them all, as the same CSV that one can download, then listens to the
# one stream in which each new value comes to all pages.  To change: sensor(), PERIOD, KEEP.

import asyncio
import math
import sys
import time
from array import array

from ahttpserver import HTTPResponse, HTTPServer, sendfile
from ahttpserver.broadcast import Broadcast

PERIOD = 5  # s from one value to the next; under 15, as the values are also the heartbeat
KEEP = 720  # values: one hour
NOTHING = -32768  # stands for: the sensor did not answer

app = HTTPServer(port=int(sys.argv[1]) if sys.argv[1:] else 80, log=print)
events = Broadcast()
values = array("h", [NOTHING] * KEEP)  # hundredths of a degree; number n is at n % KEEP
count = 0  # so many have been measured


def sensor():
    """Degrees Celsius; OSError if the sensor does not answer."""
    # Instead of this wave, on an ESP32-C3, C6, S2 or S3 the chip's own temperature:
    #     return esp32.mcu_temperature()
    # or with a DHT22 at a pin, where sensor22 = dht.DHT22(Pin(4)):
    #     sensor22.measure()
    #     return sensor22.temperature()
    t = time.ticks_ms() / 1000
    return 21 + 1.5 * math.sin(t / 600) + 0.4 * math.sin(t / 140) + 0.1 * math.sin(t / 30)


def text(value):
    """A value as the page and the CSV have it."""
    return "" if value == NOTHING else "%.2f" % (value / 100)


async def measure():
    """Adds one value, and tells it to all pages; the event's id is its time."""
    global count
    try:
        value = max(NOTHING + 1, min(32767, round(sensor() * 100)))
    except (OSError, ValueError, TypeError, OverflowError):  # no answer, or not a number
        value = NOTHING
    values[count % KEEP] = value
    count += 1
    await events.send(text(value), id=(count - 1) * PERIOD)


@app.route("GET", "/")
async def root(reader, writer, request):
    header = {"Cache-Control": "no-cache"}
    await HTTPResponse(200, "text/html", close=False, header=header).send(writer)
    await sendfile(writer, "index.html")


@app.route("GET", "/history.csv")
async def history(reader, writer, request):
    """All values that are kept, the oldest first; seconds: since the program began."""
    header = {"Content-Disposition": "attachment", "Cache-Control": "no-store"}
    await HTTPResponse(200, "text/csv", close=False, header=header).send(writer)
    writer.write("seconds,celsius\n")
    for n in range(max(0, count - KEEP), count):
        if n >= count - KEEP:  # or it was overwritten while a slow client read
            writer.write("%d,%s\n" % (n * PERIOD, text(values[n % KEEP])))
        if n % 50 == 0:
            await writer.drain()  # in pieces: the whole would be 10 kB


@app.route("GET", "/events")
async def join(reader, writer, request):
    return await events.join(reader, writer)


async def main():
    await app.start()
    due = time.ticks_ms()
    while True:
        await measure()
        due = time.ticks_add(due, PERIOD * 1000)  # measuring takes time, too: no drift
        await asyncio.sleep_ms(max(0, time.ticks_diff(due, time.ticks_ms())))


if __name__ == "__main__":
    asyncio.run(main())
