"""Questions about parties: the list of them, one in short, its company view from two seats, its timeline."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from infra.asking import company, parties, theirs, timeline
from infra.asking.company import OursAnswer
from infra.asking.parties import PartiesAnswer, PartiesWanted, PartyAnswer
from infra.asking.theirs import TheirsAnswer
from infra.asking.timeline import TimelineAnswer, TimelineWanted
from infra.http.asked import AsOf, KnownAt, OfAMoment, asking
from infra.http.paths import Party

router = APIRouter(tags=["parties"])

Seat = Annotated[Literal["ours", "theirs"], Query(description="Who looks: the company, or the party itself.")]
SeatAnswer = Annotated[OursAnswer | TheirsAnswer, Field(discriminator="seat")]


class TimelineAsked(OfAMoment, TimelineWanted):
    """Which part of the timeline, as of which moment."""


@router.get("/parties", response_model=PartiesAnswer)
async def party_list(request: Request, wanted: Annotated[PartiesWanted, Query()]) -> Response:
    """The parties, each with its trust, interval, mass of evidence, layer and what is overdue.

    The list is as it stands now: `as_of` and `known_at` do not apply to it. Every party's own pages take them.
    """
    return await asking(request).answer(request, lambda moment: parties.listed(moment, wanted))


@router.get("/parties/{party}", response_model=PartyAnswer)
async def party_in_short(request: Request, party: Party, as_of: AsOf = None, known_at: KnownAt = None) -> Response:
    """One party in short: trust both ways, layer, and how much there is of everything."""
    return await asking(request).answer(
        request, lambda moment: parties.of_party(moment, party), as_of=as_of, known_at=known_at, party=party
    )


@router.get("/parties/{party}/company", response_model=SeatAnswer)
async def party_company(
    request: Request, party: Party, seat: Seat = "ours", as_of: AsOf = None, known_at: KnownAt = None
) -> Response:
    """The company view: from our seat everything, from theirs what lies between the two of us."""
    ask = company.ours if seat == "ours" else theirs.theirs
    return await asking(request).answer(request, lambda moment: ask(moment, party), as_of=as_of, known_at=known_at, party=party)


@router.get("/parties/{party}/timeline", response_model=TimelineAnswer)
async def party_timeline(request: Request, party: Party, wanted: Annotated[TimelineAsked, Query()]) -> Response:
    """All that was recorded about the party, in the order of happening, and what each of it did."""
    return await asking(request).answer_to(
        request, wanted, lambda moment, wanted: timeline.of_party(moment, party, wanted), party
    )
