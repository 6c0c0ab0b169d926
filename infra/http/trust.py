"""Questions about trust and layers."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from domain.evidence import Direction
from infra.asking import layers, trust
from infra.asking.layers import LayerAnswer
from infra.asking.trust import Explanation, SubjectKind, TrustAnswer
from infra.http.asked import AsOf, KnownAt, asking
from infra.http.paths import Party, Subject

router = APIRouter(tags=["trust and layers"])


@router.get("/parties/{party}/trust", response_model=TrustAnswer)
async def party_trust(request: Request, party: Party, as_of: AsOf = None, known_at: KnownAt = None) -> Response:
    """How far the party can trust us, and how far we can trust the party."""
    return await asking(request).answer(
        request, lambda moment: trust.of_party(moment, party), as_of=as_of, known_at=known_at, party=party
    )


@router.get("/parties/{party}/explanation", response_model=Explanation)
async def party_explanation(
    request: Request, party: Party, direction: Direction = "in_us", as_of: AsOf = None, known_at: KnownAt = None
) -> Response:
    """Every contribution to the party's score; they sum to it exactly."""
    return await asking(request).answer(
        request, lambda moment: trust.explain(moment, "party", party, direction), as_of=as_of, known_at=known_at, party=party
    )


@router.get("/parties/{party}/layers", response_model=LayerAnswer)
async def party_layers(request: Request, party: Party, as_of: AsOf = None, known_at: KnownAt = None) -> Response:
    """The party's layer: why this one, what is missing for the next, and how it moved."""
    return await asking(request).answer(
        request, lambda moment: layers.of_party(moment, party), as_of=as_of, known_at=known_at, party=party
    )


@router.get("/promisors/{kind}/{subject}/explanation", response_model=Explanation)
async def promisor_explanation(
    request: Request, kind: SubjectKind, subject: Subject, as_of: AsOf = None, known_at: KnownAt = None
) -> Response:
    """Every contribution to the score of a team, person, category or channel."""
    return await asking(request).answer(
        request, lambda moment: trust.explain(moment, kind, subject), as_of=as_of, known_at=known_at
    )
