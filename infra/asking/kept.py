"""Who keeps their word: promises by how they came out, by month and by who promised, with trust, DPMO and sigma level.

Where there is too little evidence the grade says `unknown` and the interval is wide: nothing unknown is shown as good.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from domain.promise import Side
from infra.asking import trust
from infra.asking.answers import Answer, Asked, BadQuestion, asked, select
from infra.asking.moment import Moment
from infra.asking.paging import Condition, Order, Paged, Sort, equal, from_cursor, page, to_cursor
from infra.asking.promises import condition
from infra.asking.trust import ScoreShown
from projections import sigma

Promisor = Literal["team", "person", "category", "channel"]
Dimension = Literal["company", "team", "person", "category", "channel"]
SortBy = Literal["lower", "upper", "mass", "opportunities", "defects", "overdue", "name"]
Month = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]

MICRO = 1_000_000
_ENDINGS = ("in_time", "late", "overdue", "broken", "released", "disputed")
_COUNTS = ", ".join(f"{each}_count" for each in _ENDINGS)
_SUMS = ", ".join(f"SUM({each}_count)" for each in _ENDINGS)


class PromisesKept(Answer):
    """How promises came out, never without an interval (95 %, Jeffreys)."""

    in_time_count: int
    """Kept in time, or kept where no time was promised."""
    late_count: int
    overdue_count: int
    """Lapsed, and not kept."""
    broken_count: int
    """Broken, or taken back without consent or too late."""
    released_count: int
    """Taken back in time and with consent: neither kept nor broken, and no opportunity."""
    disputed_count: int
    """Of all these, disputed by whom they were made to."""
    opportunities: int
    """Promises that could have been kept in time by now."""
    defects: int
    """Of them late, overdue or broken."""
    on_time_micro: int | None
    """The share kept in time; none without opportunities."""
    on_time_lower_micro: int | None
    on_time_upper_micro: int | None
    dpmo_micro: int | None
    """Defects per million opportunities, in millionths of one."""
    sigma_micro: int | None
    """Φ⁻¹(1 − DPMO / 10⁶) + 1.5; none where nothing, or everything, went wrong: then only a bound is known."""
    sigma_lower_micro: int | None
    sigma_upper_micro: int | None


class KeptInMonth(Answer):
    """How promises came out that were due in a month, or ended in it where no time was promised."""

    value: str
    """The team, person, category or channel; `all` for the company."""
    month: str
    kept: PromisesKept


class MonthsAnswer(Answer):
    """One page of months, the latest first."""

    asked: Asked
    dimension: Dimension
    months: list[KeptInMonth]
    next: str | None
    """The cursor of the next page; none on the last."""


class PromisorShown(Answer):
    """A team, person, category or channel: how far its word can be trusted, and how it kept it."""

    subject: str
    score: ScoreShown
    kept: PromisesKept
    overdue_now: int
    """Promises that are open and past their due time."""
    due_soon: int
    """Promises that fall due within seven days."""


class PromisorsAnswer(Answer):
    """One page of those who promise for the company."""

    asked: Asked
    dimension: Promisor
    promisors: list[PromisorShown]
    next: str | None
    """The cursor of the next page; none on the last."""


class MonthsWanted(Paged):
    """Of whom, and since when."""

    dimension: Dimension = "company"
    """The company as a whole, or its teams (or queues), people, categories or channels."""
    value: str | None = None
    """One of them; all of them unless said otherwise."""
    promisor: Side = "company"
    """Who promised: company or party."""
    since: Month | None = None
    """From this month on, such as 2026-01."""


class PromisorsWanted(Paged):
    """Which promisors, in which order."""

    dimension: Promisor = "team"
    """Teams (or queues), people, categories or channels."""
    sort: SortBy = "lower"
    """lower: who surely keep their word come first; upper: who surely do not; mass: of whom most is known; …"""
    order: Order | None = None
    """Unless said otherwise `upper` and `name` ascend and everything else descends."""
    since: Month | None = None
    """Count promises from this month on, such as 2026-01. Trust fades by itself, and is of the whole record."""


def months(moment: Moment, wanted: MonthsWanted) -> MonthsAnswer:
    """How promises came out by month. Raises BadQuestion."""
    conditions: list[Condition] = equal(promisor=wanted.promisor, dimension=wanted.dimension, value=wanted.value)
    if wanted.since is not None:
        conditions.append(("month >= ?", (wanted.since,)))
    sort = Sort("month", "month", "value", descending=True, types=(str, str))
    columns = f"value, month, {_COUNTS}"
    rows, following = page(moment, columns, "board_promises", conditions=conditions, sort=sort, asked=wanted)
    found = [
        KeptInMonth(value=row["value"], month=row["month"], kept=kept([row[f"{each}_count"] for each in _ENDINGS]))
        for row in rows
    ]
    return MonthsAnswer(asked=asked(moment), dimension=wanted.dimension, months=found, next=following)


def of_all(moment: Moment, promisor: Side) -> PromisesKept:
    """How all promises of the company, or to it, came out."""
    statement = f"SELECT {_SUMS} FROM board_promises WHERE promisor = ? AND dimension = 'company'"
    return kept([count or 0 for count in select(moment, statement, promisor)[0]])


def promisors(moment: Moment, wanted: PromisorsWanted) -> PromisorsAnswer:
    """Those who promise for the company, in the order asked for. Raises BadQuestion."""
    counted = _counted(moment, wanted)
    subjects = select(moment, "SELECT subject FROM trust_sums WHERE subject_kind = ?", wanted.dimension)
    scores = {name: trust.shown(moment, wanted.dimension, name, "in_us") for name in {*counted, *(row[0] for row in subjects)}}
    keys = {name: (_key(wanted.sort, name, score, counted.get(name, _NONE)), name) for name, score in scores.items()}
    descending = wanted.order == "descending" if wanted.order else wanted.sort not in ("upper", "name")
    names, following = _page(keys, wanted, descending=descending)
    pending = _pending(moment, wanted.dimension)
    found = [
        PromisorShown(
            subject=name,
            score=scores[name],
            kept=kept(counted.get(name, _NONE)),
            overdue_now=pending.get(name, (0, 0))[0],
            due_soon=pending.get(name, (0, 0))[1],
        )
        for name in names
    ]
    return PromisorsAnswer(asked=asked(moment), dimension=wanted.dimension, promisors=found, next=following)


def kept(counts: list[int]) -> PromisesKept:
    """How promises came out, from their counts in the order of the board's columns."""
    in_time, late, overdue, broken, *_ = counts
    opportunities, defects = in_time + late + overdue + broken, late + overdue + broken
    dpmo, interval = sigma.dpmo_micro(defects, opportunities), sigma.dpmo_interval_micro(defects, opportunities)
    fewest, most = interval if interval is not None else (None, None)
    return PromisesKept(
        **{f"{each}_count": count for each, count in zip(_ENDINGS, counts, strict=True)},
        opportunities=opportunities,
        defects=defects,
        on_time_micro=in_time * MICRO // opportunities if opportunities else None,
        on_time_lower_micro=None if most is None else MICRO - -(-most // MICRO),
        on_time_upper_micro=None if fewest is None else MICRO - fewest // MICRO,
        dpmo_micro=dpmo,
        sigma_micro=None if dpmo is None else sigma.level_micro(dpmo),
        sigma_lower_micro=None if most is None else sigma.level_micro(most),
        sigma_upper_micro=None if fewest is None else sigma.level_micro(fewest),
    )


_NONE = [0] * len(_ENDINGS)


def _counted(moment: Moment, wanted: PromisorsWanted) -> dict[str, list[int]]:
    rows = select(
        moment,
        f"SELECT value, {_SUMS} FROM board_promises WHERE promisor = 'company' AND dimension = ? AND month >= ? GROUP BY value",
        wanted.dimension,
        wanted.since or "",
    )
    return {value: counts for value, *counts in rows}


def _pending(moment: Moment, dimension: Promisor) -> dict[str, tuple[int, int]]:
    """How many promises of each are overdue, and fall due soon."""
    overdue, due = condition("overdue", moment.now)[0], condition("due", moment.now)[0]
    rows = select(
        moment,
        f"SELECT {dimension}, COUNT(*) FILTER (WHERE {overdue}), COUNT(*) FILTER (WHERE {due}) FROM promises "
        f"WHERE promisor = 'company' AND (({overdue}) OR ({due})) AND {dimension} IS NOT NULL GROUP BY {dimension}",
    )
    return {value: (past_due, soon) for value, past_due, soon in rows}


def _key(sort: SortBy, name: str, score: ScoreShown, counts: list[int]) -> int | str:
    in_time, late, overdue, broken, *_ = counts
    match sort:
        case "lower":
            return score.lower_micro
        case "upper":
            return score.upper_micro
        case "mass":
            return score.mass_micro
        case "opportunities":
            return in_time + late + overdue + broken
        case "defects":
            return late + overdue + broken
        case "overdue":
            return overdue
        case "name":
            return name


def _page(keys: dict[str, tuple[Any, str]], wanted: PromisorsWanted, *, descending: bool) -> tuple[list[str], str | None]:
    name = f"{wanted.dimension}:{wanted.sort}:{'descending' if descending else 'ascending'}"
    ordered = sorted(keys.values(), reverse=descending)
    after = from_cursor(wanted.cursor, 3)
    if after is not None:
        if after[0] != name or type(after[1]) is not type(ordered[0][0] if ordered else after[1]):
            raise BadQuestion("cursor", "this cursor is another question's: start again without one")
        ordered = [each for each in ordered if (each < after[1:] if descending else each > after[1:])]
    shown = ordered[: wanted.limit]
    following = to_cursor(name, *shown[-1]) if len(ordered) > len(shown) else None
    return [subject for _, subject in shown], following
