"""What was refused: to list, to show, to try again and to discard."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from domain.refusal import Refusal
from infra.asking import quarantine
from infra.asking.quarantine import KeptWhole, QuarantineAnswer, QuarantineWanted
from infra.asking.receipt import ReceiptShown, shown
from infra.http import problems
from infra.http.asked import with_etag
from infra.http.desk import Desk
from infra.http.reading import read
from infra.http.reports import TOO_LARGE, body_of

router = APIRouter(prefix="/quarantine", tags=["quarantine"])

Number = Annotated[int, Path(ge=1, le=2**53, description="The number in quarantine.")]


@router.get("", response_model=QuarantineAnswer)
async def refused_list(request: Request, wanted: Annotated[QuarantineWanted, Query()]) -> Response:
    """What was refused, by number; those that wait, unless another status is asked for."""
    return with_etag(request, await read(request, lambda: quarantine.listed(request.app.state.quarantine, wanted)))


@router.get("/{number}", response_model=KeptWhole)
async def refused_one(request: Request, number: Number) -> Response:
    """One of them, with why it was refused and its bytes as text."""
    return with_etag(request, await read(request, lambda: _whole(request, number)))


@router.post("/{number}/retry", response_model=ReceiptShown)
async def retry(request: Request, number: Number) -> Response:
    """Try it again; with a body, the body is tried in its place.

    200 with its receipt where it is recorded now, or was before; otherwise a problem that says why not, and it stays.
    """
    corrected = await body_of(request)
    if corrected is None:
        return problems.problem(413, "TooLarge", TOO_LARGE)
    kept = await read(request, lambda: request.app.state.quarantine.show(number))
    receipt = await read(request, lambda: quarantine.receipt_of(request.app.state.log, kept))
    if receipt is not None:
        return Response(shown(receipt).model_dump_json(), media_type="application/json")
    desk: Desk = request.app.state.desk
    tried = quarantine.again(kept, corrected or None)
    (outcome,) = await desk.record([tried.incoming])
    async with request.app.state.settling:
        await asyncio.to_thread(quarantine.settle, request.app.state.quarantine, [tried], [outcome])
    if isinstance(outcome, Refusal):
        return problems.of_refusal(outcome)
    return Response(shown(outcome).model_dump_json(), media_type="application/json")


@router.post("/{number}/discard", response_model=KeptWhole)
async def discard(request: Request, number: Number) -> Response:
    """Say that it is not to be recorded. Its bytes stay, and it can still be tried again.

    409 where it was recorded meanwhile: what is on the record stays there.
    """
    async with request.app.state.settling:
        await asyncio.to_thread(request.app.state.quarantine.discard, number)
    kept = await read(request, lambda: _whole(request, number))
    if kept.receipt is not None:
        detail = f"it is on the record, at position {kept.receipt.position}: a report of fact.retracted.v1 takes it back"
        return problems.problem(409, "AlreadyRecorded", detail)
    return with_etag(request, kept)


def _whole(request: Request, number: int) -> KeptWhole:
    return quarantine.whole(request.app.state.quarantine, request.app.state.log, number)
