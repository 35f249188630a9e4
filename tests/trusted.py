# The routes of apps/http_app.py on aiohttp, a server that others trust: test_http.py runs the
# cases against it too, so that what any good server does is not just our own opinion.
#
#     python3 tests/trusted.py PORT

import logging
import sys

from aiohttp import web

MAX_BODY = 16384
seen = []
routes = web.RouteTableDef()


def answer(request, body, mimetype="text/plain; charset=utf-8", status=200, **header):
    if request.path != "/seen":
        seen.append(f"{request.method} {request.path}")
    body = body.encode() if isinstance(body, str) else body
    header = {name.replace("_", "-"): value for name, value in header.items()}
    return web.Response(body=body, status=status, headers={"Content-Type": mimetype, **header})


@routes.get("/seen")
async def get_seen(request):
    response = web.json_response(seen)
    seen.clear()
    return response


def constant(path, body):
    @routes.get(path)
    async def handler(request):
        return answer(request, body)


constant("/", "root")
constant("/hello", "hello")
constant("/keep", "kept")
constant("/smuggled", "smuggled")
constant("/text", "20 °C")
constant("/bytes", bytes(range(256)))
constant("/empty", "")
constant("/file", "0123456789\n" * 909 + "01234567")
constant("/writes", "abcdef")
constant("/buffer", "buffer")
constant("/pieces", "a" * 1000 + "b" * 1000 + "c" * 1000)
constant("/length", "0123456789")


@routes.get("/echo")
@routes.post("/echo")
@routes.put("/echo")
@routes.delete("/echo")
@routes.patch("/echo")
async def echo(request):
    body = await request.read()
    if len(body) > MAX_BODY:
        raise web.HTTPRequestEntityTooLarge(MAX_BODY, len(body))
    parameters = {}
    for name, value in request.query.items():
        parameters.setdefault(name, value)
    header = {}
    for name in request.headers:
        comma = "; " if name.lower() == "cookie" else ", "
        header[name.lower()] = comma.join(request.headers.getall(name))
    facts = {
        "method": request.method,
        "url": request.raw_path,
        "path": request.path,
        "query": request.rel_url.raw_query_string,
        "version": "{}.{}".format(*request.version),
        "parameters": parameters,
        "header": header,
        "body": body.decode(),
    }
    seen.append(f"{request.method} {request.path}")
    return web.json_response(facts)


@routes.get("/method")
async def method(request):
    return answer(request, "", X_Method=request.method)


@routes.post("/count")
async def count(request):
    total = 0
    async for data in request.content.iter_chunked(4096):
        total += len(data)
    return answer(request, str(total))


@routes.post("/lines")
async def lines(request):
    lengths = []
    while line := await request.content.readline():
        lengths.append(str(len(line)))
    return answer(request, " ".join(lengths))


@routes.get("/closed")
async def closed(request):
    response = answer(request, "closed")
    response.force_close()
    return response


@routes.post("/exactly")
async def exactly(request):
    first = await request.content.readexactly(4)
    return answer(request, first + b" " + await request.content.readexactly(6))


@routes.post("/into")
async def into(request):
    return answer(request, str(len(await request.read())))


@routes.get("/beyond")
@routes.post("/beyond")
async def beyond(request):
    first = await request.content.read()
    second = await request.content.read(5)
    return answer(request, b"|".join([first, second, await request.content.readline()]))


@routes.post("/unread")
async def unread(request):
    return answer(request, "unread")


@routes.post("/half")
async def half(request):
    return answer(request, await request.content.readexactly(10))


@routes.get("/item/exact")
async def item_exact(request):
    return answer(request, "exactly")


@routes.get("/item/{name}")
async def item(request):
    return answer(request, request.match_info["name"])


@routes.get("/rest/{rest:.*}")
async def rest(request):
    return answer(request, request.match_info["rest"])


@routes.options("/preflight")
async def preflight(request):
    seen.append(f"{request.method} {request.path}")
    return web.Response(status=204, headers={"X-Preflight": "yes"})


@routes.get("/cookies")
async def cookies(request):
    response = answer(request, "cookies")
    response.headers.extend([("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
    return response


@routes.get("/status/{code}")
async def status(request):
    seen.append(f"{request.method} {request.path}")
    return web.Response(status=int(request.match_info["code"]))


@routes.get("/stream")
async def stream(request):
    seen.append(f"{request.method} {request.path}")
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    await response.prepare(request)
    await response.write(b"one ")
    await response.write(b"two ")
    return response


@routes.get("/boom")
async def boom(request):
    return 1 / 0


@routes.get("/refuse")
async def refuse(request):
    return web.Response(status=int(request.query["status"]), text="refused")


if __name__ == "__main__":
    logging.disable()
    app = web.Application(client_max_size=1 << 20)
    app.add_routes(routes)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
