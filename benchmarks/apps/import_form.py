# Prints what an import leaves on the heap, in bytes, and how long it takes, in microseconds:
#
#     micropython import_form.py IMAGE|- FOLDER|- PACKAGE
#
# The package comes from an image for ROMFS, from a folder, or from what is frozen into the
# interpreter.  What the firmware brings along is imported first, and so not counted; an image is
# in the heap here, on a board in its flash: it is not counted either.

import asyncio  # noqa: F401
import gc
import json  # noqa: F401
import select  # noqa: F401
import socket  # noqa: F401
import sys
from time import ticks_diff, ticks_us

from in_rom import mount

image, folder, package = sys.argv[1:]
sys.path[:] = [".frozen"]
if image != "-":
    mount(image)
elif folder != "-":
    sys.path.insert(0, folder)
text = "import %s, %s.sse; from %s import sendfile" % (package, package, package)
gc.collect()
gc.collect()
before, begin = gc.mem_alloc(), ticks_us()
exec(text)
passed = ticks_diff(ticks_us(), begin)
gc.collect()
gc.collect()
print(gc.mem_alloc() - before, passed)
