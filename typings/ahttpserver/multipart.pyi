# Forms with files in them.

from collections.abc import Mapping

from url import HTTPRequest

from .connection import Connection

class Multipart:
    """The parts of a request's body; InvalidRequest 415 if it is no such form."""

    def __init__(self, reader: Connection, request: HTTPRequest) -> None: ...
    async def next(self) -> _Part | None:
        """The next part, None after the last; InvalidRequest for what is no form."""

class _Part:
    """A field or a file; reads like the body of a request."""

    name: str
    filename: str | None
    header: Mapping[str, str]

    async def read(self, n: int = -1) -> bytes:
        """Up to n bytes, b"" at the end; without n all, InvalidRequest 413 beyond max_body."""
