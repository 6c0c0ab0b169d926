"""Questions about incidents."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from infra.asking import incidents
from infra.asking.incidents import IncidentsAnswer, IncidentsWanted
from infra.http.asked import OfAMoment, asking

router = APIRouter(tags=["incidents"])


class IncidentsAsked(OfAMoment, IncidentsWanted):
    """Which incidents, as of which moment."""


@router.get("/incidents", response_model=IncidentsAnswer)
async def incident_list(request: Request, wanted: Annotated[IncidentsAsked, Query()]) -> Response:
    """Incidents by status, severity, whose they are and who has them, with counts of all that meet the question."""
    return await asking(request).answer_to(request, wanted, incidents.listed, wanted.party)
