# What editors and type checkers are told of url.py.  See typings/ahttpserver/__init__.pyi.

from typing import Literal, overload

METHODS: tuple[str, ...]

# What a stranger may send at most: bytes, and a number of fields.  A program may set them.
MAX_LINE: int
MAX_HEAD: int
MAX_FIELDS: int
MAX_CHUNK_LINE: int
MAX_TRAILERS: int

class InvalidRequest(Exception):
    """An answer to a request that cannot be served; a handler may raise it, too."""

    status: int
    """The status code of the answer."""
    header: dict[str, str | bytes | int | list[str | bytes | int]] | None
    """More fields of the answer."""

    def __init__(self, message: str, status: int = 400) -> None: ...

class HTTPRequest:
    """A request, checked: its line, or its whole head up to and including the empty line."""

    method: str
    """Such as "GET", one of METHODS."""
    url: str
    """The target as it was sent: "/a%20b?x=1"."""
    path: str
    """The path, decoded: "/a b"."""
    query: str
    """What follows the question mark, as it was sent: "x=1"."""
    version: str
    """ "1.1" or "1.0". """
    parameters: dict[str, str]
    """The query's names and first values, decoded; what the names in a route's path matched."""
    header: dict[str, str]
    """The fields: names in lower case, values without blanks around them."""

    def __init__(self, head: bytes) -> None:
        """Raises InvalidRequest."""

@overload
def query(string: str | bytes, all: Literal[False] = False) -> dict[str, str]:
    """The decoded names and first values of a query or of a form."""

@overload
def query(string: str | bytes, all: Literal[True]) -> dict[str, list[str]]:
    """The same with every value of a name."""

def unquote(string: str | bytes) -> str:
    """Percent-decoding, as UTF-8."""

def inside(folder: str, path: str) -> str:
    """The name of a file below the folder; InvalidRequest 404 for what could leave it."""

def head_end(data: bytes) -> int:
    """The length of the head at the beginning of data, 0 while its end has not come."""
