"""Serving: uvicorn in this process, from the moment that the ledger is open until the last answer is given.

1. open the ledger and take its drivers, or say who has them: nothing is bound before
2. bind, and say where
3. serve until SIGTERM or SIGINT, or until the drivers or the intake fail
4. answer what is under way, record what was handed over, end the drivers after their step
"""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import uvicorn

from infra import log, wiring
from infra.http.app import create
from infra.http.binding import bound, url
from infra.settings import Settings

GRACE_SECONDS = 5
"""How long requests that are under way may still take once the process is to end."""


def serve(settings: Settings, listening: Callable[[str], None], *, driving: bool = True) -> None:
    """Serve until told to stop; `listening` is told the URL once it answers there.

    Without `driving` only reports are taken in and questions answered: whatever drives the ledger runs elsewhere.

    Raises DrivenElsewhere, PortTaken or UnknownSchema before anything was bound, and whatever made drivers or intake fail.
    """
    log.configure(settings)
    asyncio.run(_serve(settings, listening, driving=driving))


class _Server(uvicorn.Server):
    """uvicorn, but a signal that it has obeyed is not sent again: the process ends with 0."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        former = {each: signal.signal(each, self.handle_exit) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for each, handler in former.items():
                signal.signal(each, handler)

    def stop(self) -> None:
        """End as if a signal had said so."""
        self.should_exit = True


async def _serve(settings: Settings, listening: Callable[[str], None], *, driving: bool) -> None:
    app = create(settings, driving=driving)
    server = _Server(
        uvicorn.Config(
            app,
            lifespan="off",  # we open and close the ledger ourselves, so that what goes wrong there is told as what it is
            loop="asyncio",
            http="h11",
            ws="none",
            log_config=None,
            access_log=False,  # paths hold the ids of parties
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    async with app.router.lifespan_context(app):
        workers = (*app.state.loops, app.state.desk)
        for each in workers:
            each.on_failure = server.stop
        # Signals are heard from before anybody knows that we serve: who starts us and at once ends us gets a drained 0 too.
        with server.capture_signals(), closing(bound(settings)) as listener:
            address = url(listener)
            if all(each.failed is None for each in workers):
                listening(address)
                log.get().info("serving", address=address, ledger=app.state.log.name, home=wiring.where(settings))
                await server.serve(sockets=[listener])
        log.get().info("stopping", entries=app.state.log.end())
    for each in workers:
        if each.failed is not None:
            raise each.failed
    log.get().info("stopped")
