# What editors and type checkers are told of httpserver: every public name, its arguments and what
# comes back.  This folder stays on the PC.  VS Code (Pylance) and Pyright find it as it is, where
# a project has it as `typings`; mypy by MYPYPATH=typings.  Those of httpserver are made by
# tests/mirror.py, but for server.pyi.

from collections.abc import Mapping, Sequence
from typing import Final

from url import InvalidRequest as InvalidRequest

from .connection import Connection, Reader
from .server import HTTPServer as HTTPServer

__version__: str

CONNECTION_CLOSE: Final[int]
CONNECTION_KEEP_ALIVE: Final[int]

class HTTPServerError(Exception):
    """The server was used wrongly, in route() or start()."""

class HTTPResponse:
    """
    A response.

    status: its code; mimetype: such as "text/html"; close: the connection ends after it
    header: more fields; the value may be a list, for a field that is repeated
    """

    def __init__(
        self,
        status: int = 200,
        mimetype: str | None = None,
        close: bool = True,
        header: Mapping[str, str | bytes | int | Sequence[str | bytes | int]] | None = None,
    ) -> None: ...
    def send(self, writer: Connection, body: bytes | str | None = None) -> None:
        """The head, and the body if given; else the handler writes it."""

def sendfile(
    writer: Connection, filename: str, start: int = 0, length: int | None = None
) -> None:
    """A file as the body, or length bytes of it from start on; 404 if it cannot be opened."""

def receivefile(reader: Reader, filename: str, max_size: int | None = None) -> int:
    """
    The request's body into a file, which is replaced when all of it has come; returns its size.

    max_size: in bytes; InvalidRequest 413 beyond
    """
