# What a handler is, and what it gets.  To name these in annotations:
#
#     if TYPE_CHECKING:
#         from httpserver.connection import Connection

from typing import Literal, Protocol, overload

from url import HTTPRequest

class Handler(Protocol):
    """What answers a request: a function, or an object with such a __call__."""

    def __call__(
        self, reader: Connection, writer: Connection, request: HTTPRequest, /
    ) -> object: ...

class Reader(Protocol):
    """What reads like the body of a request."""

    def read(self, n: int = -1) -> bytes: ...

class Connection:
    """One client.  A handler gets it twice, as reader and as writer."""

    def read(self, n: int = -1) -> bytes:
        """Up to n bytes, b"" at the end; without n all, InvalidRequest 413 beyond max_body."""

    def readexactly(self, n: int) -> bytes:
        """n bytes; EOFError if the body ends before."""

    def readline(self) -> bytes:
        """A line with its LF, the last one perhaps without."""

    def readinto(self, buf: bytearray | memoryview) -> int:
        """Fills buf; returns the number of bytes, fewer than its length at the body's end."""

    def write(self, data: bytes | bytearray | memoryview | str) -> None:
        """Collects; it leaves with drain(), or at the end of the handler."""

    def drain(self) -> None:
        """Sends what was collected.  ClientGone, an OSError, if nobody is there any more."""

    def close(self, good: bool = True) -> None:
        """Nothing more will be written.  good=False: the answer has to look broken off."""

    def wait_closed(self) -> None: ...
    @overload
    def get_extra_info(self, name: Literal["peername"]) -> tuple[str, int]:
        """The client's address and port."""

    @overload
    def get_extra_info(self, name: str) -> object: ...
