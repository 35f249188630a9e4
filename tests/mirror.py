# The two packages say the same in two forms: this table turns the text of ahttpserver into that of
# httpserver.  test_mirror.py compares the packages with it, and the harness translates the test
# applications, which are written once, in the async form.
#
#     python3 tests/mirror.py ahttpserver/sse.py > httpserver/sse.py

import sys

SUBSTITUTIONS = (
    ("async def ", "def "),
    ("async with ", "with "),
    ("await ", ""),
    ("ahttpserver", "httpserver"),
    ("ademo", "demo"),
)


def to_sync(text):
    """Returns the text of the asyncio side as it reads on the side of plain sockets."""
    for asynchronous, synchronous in SUBSTITUTIONS:
        text = text.replace(asynchronous, synchronous)
    return text


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8", newline="") as source:
        sys.stdout.write(to_sync(source.read()))
