"""The gate: only what is asked from this machine, by its own name, comes in. There is no access control yet.

Binding to loopback keeps other machines out, not the browser on this one: a page from anywhere may send requests to
127.0.0.1, and may have its own name resolve to it. So the name that was asked for must be this machine's, and so must the
page that a browser says it asks for.
"""

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
            origin = headers.get("origin")
            if not _ours(headers.get("host", "localhost")) or (origin is not None and not _ours(urlsplit(origin).netloc)):
                await problems.problem(
                    403, "AnotherHost", "troth answers on this machine only: ask for it as 127.0.0.1 or localhost"
                )(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _ours(host: str) -> bool:
    """Whether a host is this machine: a loopback address, or a name without a dot, which nobody else can have."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return ip_address(name).is_loopback
    except ValueError:
        return name != "" and "." not in name.removesuffix(".localhost") and ":" not in name
