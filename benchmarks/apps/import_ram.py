# Prints the heap that importing modules takes: micropython import_ram.py MODULE...
#
# What the firmware brings along is imported first, and so not counted.

import asyncio  # noqa: F401
import gc
import json  # noqa: F401
import select  # noqa: F401
import socket  # noqa: F401
import sys

gc.collect()
gc.collect()
before = gc.mem_alloc()
for name in sys.argv[1:]:
    __import__(name)
gc.collect()
gc.collect()
print(gc.mem_alloc() - before)
