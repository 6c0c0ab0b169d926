"""Questions about the company as a whole."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from infra.asking import board, kept, recovered
from infra.asking.board import BoardAnswer, DurationsAnswer, DurationsWanted
from infra.asking.kept import MonthsAnswer, MonthsWanted, PromisorsAnswer, PromisorsWanted
from infra.asking.recovered import RecoveredAnswer, RecoveredWanted
from infra.http.asked import AsOf, KnownAt, OfAMoment, asking

router = APIRouter(tags=["board"])


class PromisorsAsked(OfAMoment, PromisorsWanted):
    """Which promisors, as of which moment."""


class MonthsAsked(OfAMoment, MonthsWanted):
    """Which months, as of which moment."""


class DurationsAsked(OfAMoment, DurationsWanted):
    """Which durations, as of which moment."""


class RecoveredAsked(OfAMoment, RecoveredWanted):
    """What counts as recovered, as of which moment."""


@router.get("/board", response_model=BoardAnswer)
async def board_whole(request: Request, as_of: AsOf = None, known_at: KnownAt = None) -> Response:
    """The company as a whole: promises kept, how long it takes, what is due, what does not count, where the parties stand."""
    return await asking(request).answer(request, board.of_company, as_of=as_of, known_at=known_at)


@router.get("/board/promisors", response_model=PromisorsAnswer)
async def board_promisors(request: Request, wanted: Annotated[PromisorsAsked, Query()]) -> Response:
    """Which teams, people, categories or channels keep their word: trust with its interval, DPMO and sigma level."""
    return await asking(request).answer_to(request, wanted, kept.promisors)


@router.get("/board/months", response_model=MonthsAnswer)
async def board_months(request: Request, wanted: Annotated[MonthsAsked, Query()]) -> Response:
    """How promises came out by month, of the company or by team, person, category or channel."""
    return await asking(request).answer_to(request, wanted, kept.months)


@router.get("/board/durations", response_model=DurationsAnswer)
async def board_durations(request: Request, wanted: Annotated[DurationsAsked, Query()]) -> Response:
    """How long it took to respond, resolve and answer: percentiles, pauses excluded."""
    return await asking(request).answer_to(request, wanted, board.durations)


@router.get("/board/recovered", response_model=RecoveredAnswer)
async def board_recovered(request: Request, wanted: Annotated[RecoveredAsked, Query()]) -> Response:
    """Which parties were let down and recovered."""
    return await asking(request).answer_to(request, wanted, recovered.listed)
