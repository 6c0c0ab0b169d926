"""Paths: what stands between two slashes is one value, whatever is in it.

Ids may have slashes (Boston's parties are addresses). A publisher's `/` in an id is written `%2F`, as RFC 3986 says; servers
decode that before routes are matched, and then it divides the path. So until the route has been found another character
stands for it: NUL, which no id can have.
"""

from typing import Annotated
from urllib.parse import unquote

from fastapi import Path
from pydantic import AfterValidator
from starlette.types import ASGIApp, Receive, Scope, Send

_INSTEAD = "\0"


def _whole(segment: str) -> str:
    return segment.replace(_INSTEAD, "/")


Party = Annotated[str, AfterValidator(_whole), Path(description="The party's id, percent-encoded: a slash in it is `%2F`.")]
Subject = Annotated[str, AfterValidator(_whole), Path(description="The id, percent-encoded: a slash in it is `%2F`.")]


class WholeSegments:
    """Keeps a slash that belongs to an id from dividing the path. Parameters of routes are `Party` and `Subject`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        raw: bytes = scope.get("raw_path") or b""
        if b"%" in raw:
            segments = raw.decode("ascii", "replace").split("/")
            scope["path"] = "/".join(unquote(segment).replace("/", _INSTEAD) for segment in segments)
        await self._app(scope, receive, send)
