"""Questions about promises."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from infra.asking import promises
from infra.asking.promises import PromisesAnswer, PromisesWanted
from infra.http.asked import AsOf, KnownAt, asking

router = APIRouter(tags=["promises"])


class PromisesAsked(PromisesWanted):
    """Which promises, as of which moment."""

    as_of: AsOf = None
    known_at: KnownAt = None


@router.get("/promises", response_model=PromisesAnswer)
async def promise_list(request: Request, wanted: Annotated[PromisesAsked, Query()]) -> Response:
    """Promises by how they stand, by whom and at whom, with counts of all that meet the question."""
    return await asking(request).answer(
        request,
        lambda moment: promises.listed(moment, wanted),
        as_of=wanted.as_of,
        known_at=wanted.known_at,
        party=wanted.party,
    )
