# One event to all streams.

from collections.abc import Mapping, Sequence

from .connection import Connection

class Broadcast:
    """max: so many may listen at once.  len() tells how many do."""

    def __init__(self, max: int | None = None) -> None: ...
    def __len__(self) -> int: ...
    def join(
        self,
        reader: Connection,
        writer: Connection,
        header: Mapping[str, str | bytes | int | Sequence[str | bytes | int]] | None = None,
    ) -> int:
        """The last thing in a handler: return what this returns."""

    def send(
        self,
        data: object = None,
        id: object = None,
        event: str | None = None,
        retry: int | None = None,
    ) -> None:
        """An event to all, without waiting for anybody; without arguments a heartbeat."""
