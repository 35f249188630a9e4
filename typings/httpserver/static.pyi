# A folder of files.

from collections.abc import Mapping

from .connection import Handler

def StaticFiles(
    folder: str,
    cache_control: str = "no-cache",
    mimetypes: Mapping[str, str] | None = None,
) -> Handler:
    """
    A handler that serves the folder; its route calls the path <path:file>.

    mimetypes: more media types by the ends of names, such as {"ogg": "audio/ogg"}
    """
