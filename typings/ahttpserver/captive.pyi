# The name server of a captive portal.

class Captive:
    """Answers every question for an address with this one, while serve() runs."""

    address: str

    def __init__(self, address: str, port: int = 53) -> None: ...
    async def serve(self) -> None:
        """Until close(): for a task, in httpserver for a thread."""

    def close(self) -> None: ...

def answer(query: bytes, address: str) -> bytes | None:
    """The answer to a packet; None if it is not one plain question."""
