"""Questions about incidents."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from infra.asking import incidents
from infra.asking.incidents import IncidentsAnswer, IncidentsWanted
from infra.http.asked import AsOf, KnownAt, asking

router = APIRouter(tags=["incidents"])


class IncidentsAsked(IncidentsWanted):
    """Which incidents, as of which moment."""

    as_of: AsOf = None
    known_at: KnownAt = None


@router.get("/incidents", response_model=IncidentsAnswer)
async def incident_list(request: Request, wanted: Annotated[IncidentsAsked, Query()]) -> Response:
    """Incidents by status, severity, whose they are and who has them, with counts of all that meet the question."""
    return await asking(request).answer(
        request,
        lambda moment: incidents.listed(moment, wanted),
        as_of=wanted.as_of,
        known_at=wanted.known_at,
        party=wanted.party,
    )
