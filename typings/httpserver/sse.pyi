# Event streams.

from collections.abc import Mapping, Sequence

from .connection import Connection

def EventSource(
    reader: Connection,
    writer: Connection,
    header: Mapping[str, str | bytes | int | Sequence[str | bytes | int]] | None = None,
) -> _EventSource:
    """
    Begins an event stream.  header: more fields of the response

    When no place for a stream is left, the client is answered 503 and ClientGone is raised.
    """

class _EventSource(Connection):
    def send(
        self,
        data: object = None,
        id: object = None,
        event: str | None = None,
        retry: int | None = None,
    ) -> None:
        """
        An event; without arguments a comment that nobody sees.

        data: anything, its lines are kept; id: what a browser tells when it comes back
        event: its name; retry: milliseconds after which a browser comes back
        """
