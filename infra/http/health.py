"""Whether the process is alive, whether it is ready, and its metrics."""

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from consumers.ports import Unreachable
from domain.instant import MINUTE
from infra import disk, metrics
from infra.asking.status import lags
from infra.health import wrong_with
from infra.http.desk import Desk
from infra.http.reading import read
from infra.sqlite.connect import Unusable, is_fault
from infra.tables import all_built
from infra.wiring import now

router = APIRouter(tags=["operations"])

LAG_AT_MOST = 10_000
"""Entries that a projection may be behind before its answers count as stale."""


class Wrong(BaseModel):
    """Something that is in the way."""

    what: str
    """The loop that waits or failed; or projections, files, database, disk."""
    why: str
    """In words, with what to do."""


class Readiness(BaseModel):
    """Whether reports are recorded and answers are current; if not, why."""

    ready: bool
    wrong: list[Wrong]


@router.get("/livez")
async def livez() -> dict[str, bool]:
    """The process answers."""
    return {"alive": True}


@router.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness}})
async def readyz(request: Request) -> Response:
    """200 where reports are recorded and answers are current, otherwise 503; and what is in the way."""
    wrong = [*_intake(request.app.state.desk), *(Wrong(**each) for each in wrong_with(request.app.state.loops))]
    try:
        wrong += [*await read(request, lambda: _projections(request)), *_files(request)]
    except Unusable as unusable:
        if is_fault(unusable):
            raise
        wrong.append(Wrong(what="files", why=f"the ledger's files cannot be used ({unusable}): `troth doctor` says more"))
    except Unreachable as away:
        wrong.append(Wrong(what="database", why=str(away)))
    wrong += _disk(request)
    return JSONResponse(Readiness(ready=not wrong, wrong=wrong).model_dump(), 503 if wrong else 200)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}})
async def metrics_text(request: Request) -> Response:
    """Prometheus metrics."""
    state = request.app.state
    counted = await read(request, lambda: (state.log.end(), lags(state.log, state.views), state.quarantine.count_by_reason()))
    body = metrics.exposed(*counted)
    return Response(body, headers={"Content-Type": metrics.CONTENT_TYPE})


def _intake(desk: Desk) -> list[Wrong]:
    if desk.failed is not None:
        return [Wrong(what="intake", why=f"it failed ({type(desk.failed).__name__}) and the process is stopping")]
    if desk.trouble is not None:
        why = f"the record could not be written ({desk.trouble}): is the disk full, or the database away? It is tried again"
        return [Wrong(what="intake", why=why)]
    return []


def _files(request: Request) -> list[Wrong]:
    at = request.app.state.unusable_at
    if at is None or now() - at > MINUTE:
        return []
    return [Wrong(what="files", why="the ledger's files could not be used within the last minute: `troth doctor` says why")]


def _projections(request: Request) -> list[Wrong]:
    state = request.app.state
    if not any(each.live for each in all_built(state.views)):
        return [Wrong(what="projections", why="none has been built yet")]
    return [
        Wrong(what="projections", why=f"{name} is {lag} entries behind; answers are stale until it has caught up")
        for name, lag in lags(state.log, state.views).items()
        if lag > LAG_AT_MOST
    ]


def _disk(request: Request) -> list[Wrong]:
    free = disk.free(request.app.state.settings.home)
    if free >= disk.FREE_AT_LEAST:
        return []
    return [
        Wrong(what="disk", why=f"{free // 1_048_576} MiB are free, and {disk.FREE_AT_LEAST // 1_048_576} should be: make room")
    ]
