# Runs examples/setup with the doubles of tests/doubles, on a free port: see test_setup.py.

import sys

sys.path.insert(0, sys.argv[3])  # where the double of network is

from ahttpserver import HTTPServer, captive  # noqa: E402

port = int(sys.argv[1])
serve = HTTPServer.__init__
bind = captive.Captive.__init__


def init(self, *args, **options):
    serve(self, "127.0.0.1", port, log=print)


def init_names(self, address):
    bind(self, address, port)


HTTPServer.__init__ = init
captive.Captive.__init__ = init_names
with open(sys.argv[2]) as file:
    program = file.read()
for name, seconds in (("TRY", 1), ("PATIENCE", 3), ("LINGER", 1)):
    start = program.index(name + " = ")
    end = program.index("\n", start)
    program = program[:start] + "%s = %d" % (name, seconds) + program[end:]
exec(program, {"__name__": "__main__"})
