"""How far everything has come, and building projections anew."""

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import Response

from infra import rebuilding
from infra.asking import status
from infra.asking.status import Building, Projections, Status
from infra.http.asked import with_etag
from infra.http.reading import read
from infra.running import wake

router = APIRouter(tags=["status"])


@router.get("/status", response_model=Status)
async def ledger_status(request: Request) -> Response:
    """What the ledger holds and how far everything has come, without the digests of the projections."""
    return with_etag(request, await asyncio.to_thread(status.status, request.app.state.settings))


@router.get("/projections", response_model=Projections)
async def projections(request: Request) -> Response:
    """Each projection with its position and the digest of its state at that position; what is being built."""
    state = request.app.state
    return with_etag(request, await asyncio.to_thread(status.projections, state.settings, state.digests))


@router.post("/projections/{name}/rebuild", response_model=Building, status_code=202)
async def rebuild(request: Request, name: str) -> Building:
    """Begin to build a projection anew beside the one that readers see; `GET /projections` shows how far it has come.

    When it has caught up and its digest is that of the one readers see, it takes its place.
    """
    state = request.app.state
    (begun,) = await asyncio.to_thread(rebuilding.begin, state.settings, [name])
    wake(state.loops)
    return Building(
        name=begun.name,
        version=begun.version,
        policy_hash=begun.policy_hash or None,
        position=begun.position,
        entries=await read(request, state.log.end),
    )
