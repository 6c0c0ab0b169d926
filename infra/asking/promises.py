"""Promises: which are open, due, overdue, kept, broken; by whom, and at whom."""

from typing import Annotated, Any, Literal

from pydantic import Field

from domain.instant import DAY, SECOND
from domain.promise import Side
from infra.asking.answers import Answer, Asked, At, asked, refuse_unknown
from infra.asking.moment import Moment
from infra.asking.paging import LAST, Condition, Order, Paged, Sort, counts, equal, page

State = Literal["open", "due", "overdue", "kept", "late", "broken", "withdrawn", "disputed"]
Status = Literal["open", "overdue", "kept", "late", "broken", "withdrawn"]
Days = Annotated[int, Field(ge=0, le=36_500)]

DUE_WITHIN_DAYS = 7
COLUMNS = (
    "stream, party, promise_id, promisor, status, kept, made_at, due_at, ended_at, team, person, guarantor, category, channel, "
    "touchpoint, weight_micro, renegotiations, accepted, disputed"
)
_BY_DUE = f"COALESCE(due_at, {LAST})"


class PromisesWanted(Paged):
    """Which promises, in which order."""

    state: State | None = None
    """open: not ended, of these due: within `within_days`, overdue: past it; kept: in time; late: kept after it was due."""
    within_days: Days = DUE_WITHIN_DAYS
    """How many days ahead counts as due."""
    promisor: Side | None = None
    """Who promised: company or party."""
    party: str | None = None
    """To whom, or by whom, the company's counterpart."""
    team: str | None = None
    """Which team of the company."""
    person: str | None = None
    """Which person of the company."""
    guarantor: str | None = None
    """Who stands behind it by name."""
    category: str | None = None
    """What kind of promise."""
    sort: Literal["due", "made"] | None = None
    """By due time (those without one last) or by when they were made; open ones are sorted by due unless said otherwise."""
    order: Order | None = None
    """Unless said otherwise due times ascend, and the latest made come first."""


class PromiseShown(Answer):
    """A promise, and how it stands."""

    party: str
    promise_id: str
    promisor: Side
    status: Status
    """kept: in time; late: kept after it was due; overdue: open past its due time."""
    made_at: At
    due_at: At | None
    """From when it is overdue: its due time, or when it was made if that was later."""
    ended_at: At | None
    late_by_seconds: int | None
    """How long after it was due it was kept, or has been overdue."""
    team: str | None
    person: str | None
    guarantor: str | None
    category: str | None
    channel: str | None
    touchpoint: str | None
    weight_micro: int
    renegotiations: int
    accepted: bool
    disputed: bool


class PromiseCounts(Answer):
    """How many promises, and how they stand. Total = open + kept early, on time and late + broken + withdrawn."""

    total: int
    open: int
    due: int
    """Of the open ones, due within the days asked for."""
    overdue: int
    """Of the open ones, past their due time."""
    kept_early: int
    """A day or more before they were due."""
    kept_on_time: int
    """In time, or kept where no time was promised."""
    kept_late: int
    broken: int
    withdrawn: int
    disputed: int
    """Of them all, disputed by the promisee."""


class PromisesAnswer(Answer):
    """One page of promises."""

    asked: Asked
    counts: PromiseCounts | None
    """Of all promises that meet the question whatever their state; on the first page only."""
    promises: list[PromiseShown]
    next: str | None
    """The cursor of the next page; none on the last."""


def listed(moment: Moment, wanted: PromisesWanted) -> PromisesAnswer:
    """One page of promises. Raises NotFound where a party is named that nothing is recorded about."""
    if wanted.party is not None:
        refuse_unknown(moment, wanted.party)
    whose = equal(**wanted.model_dump(include={"promisor", "party", "team", "person", "guarantor", "category"}))
    stands = [] if wanted.state is None else [condition(wanted.state, moment.now, wanted.within_days)]
    rows, following = page(moment, COLUMNS, "promises", conditions=[*stands, *whose], sort=_sort(wanted), asked=wanted)
    return PromisesAnswer(
        asked=asked(moment),
        counts=counted(moment, whose, wanted.within_days) if wanted.cursor is None else None,
        promises=[shown(row, moment.now) for row in rows],
        next=following,
    )


def condition(state: State, now: int, within_days: int = DUE_WITHIN_DAYS) -> Condition:
    """What a promise in this state meets in the table `promises`."""
    match state:
        case "due":
            return f"status = 'open' AND due_at BETWEEN {now} AND {now + within_days * DAY}", ()
        case "overdue":
            return f"status = 'open' AND due_at < {now}", ()
        case "kept":
            return "status = 'kept' AND kept = 'in_time'", ()
        case "late":
            return "status = 'kept' AND kept = 'late'", ()
        case "disputed":
            return "disputed = 1", ()
        case "open" | "broken" | "withdrawn":
            return f"status = '{state}'", ()


def counted(moment: Moment, whose: list[Condition], within_days: int = DUE_WITHIN_DAYS) -> PromiseCounts:
    """How many promises meet these conditions, and how they stand."""
    early, kept = f"due_at - ended_at >= {DAY}", condition("kept", 0)[0]
    states: tuple[State, ...] = ("open", "due", "overdue", "broken", "withdrawn", "disputed")
    of: dict[str, str] = {state: condition(state, moment.now, within_days)[0] for state in states}
    of |= {"total": "TRUE", "kept_late": condition("late", 0)[0]}
    of |= {"kept_early": f"{kept} AND {early}", "kept_on_time": f"{kept} AND ({early}) IS NOT TRUE"}
    return PromiseCounts(**counts(moment, of, "promises", whose))


def shown(row: dict[str, Any], now: int) -> PromiseShown:
    """A row of `promises`, by its COLUMNS, as answers show it at this instant."""
    status, due_at, ended_at = row["status"], row["due_at"], row["ended_at"]
    late_by = None
    if status == "kept" and row["kept"] == "late":
        status, late_by = "late", ended_at - due_at
    elif status == "open" and due_at is not None and due_at < now:
        status, late_by = "overdue", now - due_at
    given = {name: row[name] for name in PromiseShown.model_fields if name in row}
    return PromiseShown(**given | {"status": status, "late_by_seconds": None if late_by is None else late_by // SECOND})


def _sort(wanted: PromisesWanted) -> Sort:
    by = wanted.sort or ("due" if wanted.state in ("open", "due", "overdue") else "made")
    descending = wanted.order == "descending" if wanted.order else by == "made"
    # Those that are due or overdue have a due time, so that the index on it gives them in order.
    due = "due_at" if wanted.state in ("due", "overdue") else _BY_DUE
    return Sort(by, due if by == "due" else "made_at", "stream", descending, (int, str))
