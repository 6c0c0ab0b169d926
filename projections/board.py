"""The board's view: the company as a whole. How promises end by team, category, channel and month; how long answers take.

Cells add up over any of their keys: months to years, teams to the company. Months are calendar months in UTC.
"""

from collections.abc import Sequence
from functools import lru_cache

from domain.feedback import FeedbackStanding
from domain.incident import IncidentStanding
from domain.instant import DAY, SECOND, month
from domain.interaction import InteractionStanding
from domain.kinds import Standing
from domain.party import PartyStanding
from domain.policy import PolicyStanding
from domain.promise import PromiseStanding, on_time, overdue_from
from projections.fold import Change, Column, Context, Projection, Table
from projections.histogram import bucket

_CELL = (
    Column("dimension", "TEXT", "company (all of it), team, person, category or channel"),
    Column("value", "TEXT", "which; `all` for the company"),
)
PROMISES = Table(
    "board_promises",
    "How promises end, by who promised and the month in which they were due (or ended, where no time was promised).",
    (Column("promisor", "TEXT", "company or party"), *_CELL, Column("month", "TEXT", "such as 2026-01")),
    (
        Column("in_time_count", "INTEGER", "kept in time, or kept where no time was promised"),
        Column("late_count", "INTEGER", "kept late"),
        Column("overdue_count", "INTEGER", "lapsed and not kept"),
        Column("broken_count", "INTEGER", "broken; or withdrawn without consent, or with consent when it was overdue"),
        Column("released_count", "INTEGER", "withdrawn with consent before it was due: neither kept nor broken"),
        Column("disputed_count", "INTEGER", "of all these, disputed by the promisee"),
    ),
    sums=True,
)
DURATIONS = Table(
    "board_durations",
    "How long it took to respond, resolve and answer, pauses excluded, by the month in which it began.",
    (
        Column("measure", "TEXT", "respond, resolve or answer"),
        *_CELL,
        Column("month", "TEXT", "such as 2026-01"),
        Column("bucket", "INTEGER", "duration in seconds, as projections.histogram.bucket"),
    ),
    (Column("count", "INTEGER", "how many"),),
    sums=True,
)

_IN_TIME, _LATE, _OVERDUE, _BROKEN, _RELEASED = (tuple(int(each == ending) for each in range(5)) for ending in range(5))


def of_standing(standing: Standing, context: Context) -> Sequence[Change]:
    """What one standing adds to the company as a whole."""
    match standing:
        case PromiseStanding():
            return _promise(standing)
        case IncidentStanding():
            return _incident(standing)
        case FeedbackStanding():
            if standing.answered_at is None:
                return ()
            took = standing.answered_at - standing.received_at
            return _duration("answer", _cells(standing, None), standing.received_at, took)
        case InteractionStanding() | PartyStanding() | PolicyStanding():
            return ()


PROJECTION = Projection("board", 1, (PROMISES, DURATIONS), of_standing)


def _promise(promise: PromiseStanding) -> Sequence[Change]:
    ending = _ending(promise)
    if ending is None:
        return ()
    due_at = overdue_from(promise)
    when = _month(due_at if due_at is not None else promise.ended_at or promise.made_at)
    counts = (*ending, int(promise.disputed))
    cells = _cells(promise, promise.person)
    return [(PROMISES.name, (promise.promisor, *cell, when), counts) for cell in cells]


def _ending(promise: PromiseStanding) -> tuple[int, ...] | None:
    """How the promise ended or what it has come to, as counts; None where neither can be said yet."""
    match promise.status:
        case "awaiting":
            return None
        case "open":
            return _OVERDUE if promise.lapsed else None
        case "kept":
            return _IN_TIME if on_time(promise) else _LATE
        case "broken":
            return _BROKEN
        case "withdrawn":
            return _RELEASED if promise.consent and on_time(promise) else _BROKEN


def _incident(incident: IncidentStanding) -> Sequence[Change]:
    if incident.responded_at is None and incident.resolved_at is None:
        return ()
    since, cells = incident.opened_at, _cells(incident, incident.person)
    changes: list[Change] = []
    if incident.responded_at is not None:
        took = incident.responded_at - since - incident.paused_before_response
        changes += _duration("respond", cells, since, took)
    if incident.resolved_at is not None:
        changes += _duration("resolve", cells, since, incident.resolved_at - since - incident.paused)
    return changes


def _duration(measure: str, cells: Sequence[tuple[str, str]], began_at: int, took: int) -> list[Change]:
    when, how_long = _month(began_at), bucket(max(0, took) // SECOND)
    return [(DURATIONS.name, (measure, *cell, when, how_long), (1,)) for cell in cells]


def _cells(of: PromiseStanding | IncidentStanding | FeedbackStanding, person: str | None) -> Sequence[tuple[str, str]]:
    """Where it counts: for the company, and for whoever and whatever it names."""
    named = (("team", of.team), ("person", person), ("category", of.category), ("channel", of.channel))
    return [("company", "all"), *((dimension, value) for dimension, value in named if value is not None)]


def _month(at: int) -> str:
    return _month_of_day(at // DAY)


@lru_cache(maxsize=20_000)
def _month_of_day(day: int) -> str:
    return month(day * DAY)
