# WebSocket: messages in both directions.

from collections.abc import Container

from .connection import Connection

def WebSocket(
    reader: Connection, writer: Connection, origins: Container[str] | None = None
) -> _WebSocket:
    """
    Begins it, the first thing in a handler for GET.  origins: of pages that may connect, too

    InvalidRequest 403 or 426; when no place is left, the client is answered 503, and ClientGone.
    """

class _WebSocket:
    def receive(self) -> str | bytes | None:
        """The next message; None at the end, whoever made it."""

    def send(self, data: str | bytes | bytearray | memoryview) -> None:
        """A message; ClientGone when the client has left."""

    def ping(self) -> None:
        """Finds out about a client that has left without a word."""

    def close(self, code: int = 1000) -> None:
        """Says that this is the end; receive() gives what still comes, then None."""
