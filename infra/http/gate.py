"""The gate: only what is asked from this machine, by its own name, comes in. There is no access control yet.

Binding to loopback keeps other machines out, not the browser on this one: a page from anywhere may send requests to
127.0.0.1, and may have its own name resolve to it. So the name that was asked for must be this machine's, and so must the
page that a browser says it asks for.
"""

from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from infra.http import problems


class SameMachine:
    """Middleware that refuses requests for, or by pages of, another host."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it in or answer 403."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            asked_for, asked_by = f"//{headers.get('host', 'localhost')}", headers.get("origin")
            if not _ours(asked_for) or (asked_by is not None and not _ours(asked_by)):
                await problems.problem(
                    403, "AnotherHost", "troth answers on this machine only: ask for it as 127.0.0.1 or localhost"
                )(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _ours(url: str) -> bool:
    """Whether its host is this machine: a loopback address, localhost, or a name under it, which nobody else can have."""
    with suppress(ValueError):  # what is no URL, or no address
        name = urlsplit(url).hostname or ""
        return f".{name}".endswith(".localhost") or ip_address(name).is_loopback
    return False
