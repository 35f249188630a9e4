# Runs the main.py of an example, except that its server listens where the test wants it: see
# test_examples.py.  What an example's main() does beside the server is asyncio's; on httpserver a
# thread takes the measurements.

from ahttpserver import HTTPServer

ASYNC = "ahttpserver"[0] == "a"  # the one thing that the mirror's table cannot translate
original = HTTPServer.__init__


def init(self, *args, **options):
    options["host"] = "127.0.0.1"
    original(self, *args, **options)


def measure_for_ever(names):
    while True:
        names["measure"]()
        time.sleep(names["PERIOD"])


HTTPServer.__init__ = init
with open("main.py") as file:
    program = file.read()
names = {"__name__": "__main__" if ASYNC else "main"}
exec(program, names)
if not ASYNC:
    import _thread
    import time

    if "measure" in names:
        _thread.start_new_thread(measure_for_ever, (names,))
    names["app"].start()
