"""The application that `troth serve` runs: intake, projectors and clock beside the API, in one process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, closing
from functools import partial
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI

from infra import metrics, wiring
from infra.asking.moment import Present
from infra.asking.status import Digests
from infra.drivers import running
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
from infra.http.reading import Reading
from infra.running import ending, wake
from infra.settings import Settings

ASKED = (parties.router, promises.router, incidents.router, board.router, entries.router)
ROUTERS = (reports.router, *ASKED, trust.router, status.router, quarantine.router, health.router, front.router)

_NO_DOCS: dict[str, Any] = {"docs_url": None, "redoc_url": None, "openapi_url": None}


def create(settings: Settings, *, driving: bool = True) -> FastAPI:
    """The application; it opens the ledger when it starts and closes it when it ends."""

    app = FastAPI(title="Troth", version=version("troth"), lifespan=partial(_opened, settings, driving=driving), **_NO_DOCS)
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    openapi.install(app)
    app.add_middleware(paths.WholeSegments)
    app.add_middleware(SameMachine)
    app.add_middleware(Measured)
    return app


@asynccontextmanager
async def _opened(settings: Settings, app: FastAPI, *, driving: bool) -> AsyncIterator[None]:
    wiring.make(settings)
    with ExitStack() as opened:  # closes in the reverse order: the desk first, what it records with last
        views = opened.enter_context(closing(wiring.read_views(settings)))
        log = opened.enter_context(closing(wiring.open_log(settings)))
        record = opened.enter_context(closing(wiring.open_log(settings)))
        loops = opened.enter_context(ending(running(settings) if driving else []))
        intake = wiring.open_intake(record, metrics.observe_outcomes)
        app.state.desk = opened.enter_context(closing(Desk(intake, partial(wake, loops))))
        app.state.quarantine = opened.enter_context(closing(wiring.open_quarantine(settings)))
        app.state.loops, app.state.settings, app.state.log, app.state.views = loops, settings, log, views
        app.state.settling = asyncio.Lock()
        app.state.reading = opened.enter_context(closing(Reading(settings)))
        app.state.present = Present(views, log)
        app.state.asking = Asking(app.state.present, log, app.state.reading)
        app.state.digests = Digests()
        app.state.unusable_at = None
        yield
