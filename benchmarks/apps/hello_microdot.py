# The smallest application, as tests/apps/hello.py is for ours.

import sys

from microdot import Microdot

app = Microdot()


@app.get("/")
async def hello(request):
    return "hello"


app.run("127.0.0.1", int(sys.argv[1]))
