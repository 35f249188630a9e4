# A password.

from collections.abc import Callable

from .connection import Handler

def basic_auth(user: str, password: str, realm: str = "board") -> Callable[[Handler], Handler]:
    """Decorator: the handler serves this user only.  realm: what a browser shows."""
