"""How long requests take, by the template of their route: paths hold the ids of parties, templates do not."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra import metrics

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


class Measured:
    """Middleware that measures each request until its last byte is sent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on, and observe what became of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, began = 500, time.perf_counter()

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            method = scope["method"] if scope["method"] in METHODS else "other"
            route = getattr(scope.get("route"), "path", "none")
            metrics.HTTP_SECONDS.labels(method, route, status).observe(time.perf_counter() - began)
