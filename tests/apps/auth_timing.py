# Prints how long a handler takes to refuse passwords that are wrong in different places, in
# microseconds: the least of many times each.  No server runs here.

from binascii import b2a_base64
from time import ticks_diff, ticks_us

from ahttpserver.auth import basic_auth
from url import InvalidRequest

PASSWORD = "x" * 300
WRONG = ("y" + "x" * 299, "x" * 150 + "y" + "x" * 149, "x" * 299 + "y")


@basic_auth("", PASSWORD)
async def handler(reader, writer, request):
    pass


class Request:
    pass


async def refuse(request):
    start = ticks_us()
    try:
        await handler(None, None, request)
    except InvalidRequest:
        return ticks_diff(ticks_us(), start)
    raise AssertionError


async def main():
    times = {}
    for _ in range(300):
        for password in WRONG:
            request = Request()
            encoded = b2a_base64((":" + password).encode())[:-1]
            request.header = {"authorization": "Basic " + str(encoded, "utf-8")}
            times.setdefault(password, []).append(await refuse(request))
    print(*[min(times[password]) for password in WRONG])
