"""Questions about promises."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from infra.asking import promises
from infra.asking.promises import PromisesAnswer, PromisesWanted
from infra.http.asked import OfAMoment, asking

router = APIRouter(tags=["promises"])


class PromisesAsked(OfAMoment, PromisesWanted):
    """Which promises, as of which moment."""


@router.get("/promises", response_model=PromisesAnswer)
async def promise_list(request: Request, wanted: Annotated[PromisesAsked, Query()]) -> Response:
    """Promises by how they stand, by whom and at whom, with counts of all that meet the question."""
    return await asking(request).answer_to(request, wanted, promises.listed, wanted.party)
