# The server.  Not made by tests/mirror.py: httpserver has on_error, too, and start() differs.

from collections.abc import Callable
from typing import Any, TypeVar

from url import HTTPRequest, InvalidRequest

from .connection import Handler

_H = TypeVar("_H", bound=Handler)

class HTTPServer:
    """
    A server, one more task of your program.

    host, port: where it listens; backlog: connections that the system may hold in waiting
    timeout: seconds that a client may keep the server waiting; max_connections: at once, None:
    as many as the board can do; max_body: bytes that reader.read() takes
    ssl: an ssl.SSLContext for HTTPS; log: called with a line for each request, such as print
    """

    on_refuse: (
        Callable[[HTTPRequest | None, InvalidRequest], tuple[str, str | bytes] | None] | None
    )
    """The mimetype and the body of the server's own answer to an error, or None for its text."""

    def __init__(
        self,
        host: str = "0.0.0.0",
        port: int = 80,
        backlog: int = 5,
        timeout: float = 10,
        max_connections: int | None = None,
        max_body: int = 16384,
        ssl: Any = None,
        log: Callable[[str], object] | None = None,
    ) -> None: ...
    def route(self, method: str = "GET", path: str = "/") -> Callable[[_H], _H]:
        """
        Decorator: the handler for a method and a path.

        path: "/exact", "/led/<name>" for one segment, "/files/<path:name>" for the rest
        """

    async def start(self) -> None:
        """Returns when the server listens; OSError if the port is taken."""

    async def stop(self) -> None:
        """Closes the listener and all connections."""
