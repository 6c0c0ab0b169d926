"""The application that `troth serve` runs: intake, projectors and clock beside the API, in one process."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, closing
from importlib.metadata import version

from fastapi import FastAPI

from infra import log, metrics, wiring
from infra.asking.moment import Present
from infra.asking.status import Digests
from infra.http import (
    board,
    entries,
    front,
    health,
    incidents,
    openapi,
    parties,
    paths,
    problems,
    promises,
    quarantine,
    reports,
    status,
    trust,
)
from infra.http.asked import Asking
from infra.http.desk import Desk
from infra.http.gate import SameMachine
from infra.http.measured import Measured
from infra.settings import Settings

ASKED = (parties.router, promises.router, incidents.router, board.router, entries.router)
ROUTERS = (reports.router, *ASKED, trust.router, status.router, quarantine.router, health.router, front.router)


def create(settings: Settings) -> FastAPI:
    """The application; it opens the ledger when it starts and closes it when it ends."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        wiring.make(settings)
        with ExitStack() as opened:  # closes in the reverse order: the desk first, what it records with last
            views = opened.enter_context(closing(wiring.read_views(settings)))
            reading = opened.enter_context(closing(wiring.open_log(settings)))
            record = opened.enter_context(closing(wiring.open_log(settings)))
            driving = opened.enter_context(closing(Driving(settings)))
            intake = wiring.open_intake(record, metrics.observe_outcomes)
            app.state.desk = opened.enter_context(closing(Desk(intake, driving.wake)))
            app.state.quarantine = opened.enter_context(closing(wiring.open_quarantine(settings)))
            app.state.driving, app.state.settings, app.state.log, app.state.views = driving, settings, reading, views
            app.state.settling = asyncio.Lock()
            app.state.present = Present(views, reading)
            app.state.asking = Asking(app.state.present, reading)
            app.state.digests = Digests()
            app.state.unusable_at = None
            yield

    app = FastAPI(title="Troth", version=version("troth"), lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    openapi.install(app)
    app.add_middleware(paths.WholeSegments)
    app.add_middleware(SameMachine)
    app.add_middleware(Measured)
    return app


class Driving:
    """The thread that projects, tells the time and ranks. When it fails the process stops: what it does is safe to repeat."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._wake = threading.Event()
        self._ended = False
        self.failed: BaseException | None = None
        self.on_failure: Callable[[], None] = lambda: None
        self._drivers = wiring.Drivers(settings, metrics.observe_outcomes)
        self._thread = threading.Thread(target=self._work, name="drivers", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Say that something was recorded."""
        self._wake.set()

    def close(self) -> None:
        """End after the step that is under way, and give the files back."""
        self._ended = True
        self._wake.set()
        self._thread.join()
        self._drivers.close()

    def _work(self) -> None:
        try:
            while not self._ended:
                self._wake.clear()
                began = time.perf_counter()
                if self._drivers.step():
                    metrics.PROJECTING_SECONDS.observe(time.perf_counter() - began)
                else:
                    self._wake.wait(self._settings.poll_milliseconds / 1000)
        except BaseException as wrong:
            self.failed = wrong
            log.get().error("drivers_failed", reason=type(wrong).__name__, where=log.place(wrong.__traceback__))
            self.on_failure()
            raise
