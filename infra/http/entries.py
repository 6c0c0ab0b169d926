"""Questions about the record itself. Entries never change, so they are asked as of no moment."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from infra.asking import entries
from infra.asking.entries import CountByKind, EntriesAnswer, EntriesWanted, EntryAnswer
from infra.http.asked import with_etag
from infra.http.reading import read
from infra.record import Record

router = APIRouter(tags=["entries"])

Position = Annotated[int, Path(ge=0, le=2**53, description="The entry's number in the ledger, from 0.")]


@router.get("/entries", response_model=EntriesAnswer)
async def entry_list(request: Request, wanted: Annotated[EntriesWanted, Query()]) -> Response:
    """The record page by page, from behind the position `after`; or the one entry that records a report."""
    return with_etag(request, await read(request, lambda: entries.listed(_log(request), wanted)))


@router.get("/entries/count-by-kind", response_model=CountByKind)
async def entry_count(request: Request) -> Response:
    """How many entries there are of each kind."""
    return with_etag(request, await asyncio.to_thread(entries.count_by_kind, _log(request)))


@router.get("/entries/{position}", response_model=EntryAnswer)
async def entry_at(request: Request, position: Position) -> Response:
    """The entry at a position: its envelope, fact, and the standing before and after."""
    return with_etag(request, await read(request, lambda: entries.at_position(_log(request), position)))


def _log(request: Request) -> Record:
    log: Record = request.app.state.log
    return log
