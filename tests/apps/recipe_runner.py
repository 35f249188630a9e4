# Runs a program as it is printed in the documentation, except that its server listens where the
# test wants it: see test_recipes.py.

import sys

from ahttpserver import HTTPServer

printed = HTTPServer.__init__


def init(self, *args, **options):
    options["host"] = "127.0.0.1"
    options["port"] = int(sys.argv[1])
    printed(self, **options)


HTTPServer.__init__ = init
with open(sys.argv[2]) as file:
    program = file.read()
exec(program, {"__name__": "__main__"})
