# Runs a program as it is printed in the documentation, except that its server listens where the
# test wants it: see test_recipes.py.  A second server that it starts listens on 127.0.0.2.

import sys

from ahttpserver import HTTPServer

printed = HTTPServer.start
servers = []


def start(self):
    if self not in servers:
        servers.append(self)
    self.host = "127.0.0.%d" % (servers.index(self) + 1)
    self.port = int(sys.argv[1])
    return printed(self)


HTTPServer.start = start
with open(sys.argv[2]) as file:
    program = file.read()
exec(program, {"__name__": "__main__"})
