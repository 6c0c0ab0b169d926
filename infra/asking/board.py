"""The board's view: the company as a whole. How it keeps its word, how long it takes, what is due, how far relationships go."""

from collections import Counter
from typing import Literal

from infra.asking import kept
from infra.asking.answers import Answer, Asked, Question, asked, select
from infra.asking.kept import Dimension, KeptInMonth, Month, MonthsWanted, PromisesKept
from infra.asking.moment import Moment
from infra.asking.paging import Condition, equal, where
from infra.asking.promises import condition
from projections.histogram import percentile
from projections.layers import NAMES

Measure = Literal["respond", "resolve", "answer"]

MONTHS = 12
NEAREST = 10


class Duration(Answer):
    """How long it took, pauses excluded: nearest-rank percentiles in seconds, at most 1/64 above the true ones."""

    measure: Measure
    value: str
    """The team, person, category or channel; `all` for the company."""
    count: int
    p50_seconds: int
    p90_seconds: int
    p95_seconds: int


class Unsettled(Answer):
    """Facts on the record that do not count, for one reason."""

    reason: str
    awaiting: bool
    """Whether they will count once what they refer to has been reported."""
    fact_count: int
    stream_count: int
    """Of how many promises, incidents, threads, …"""


class NearEdge(Answer):
    """A party whose trust in us is among the lowest, with enough evidence to say so."""

    party: str
    grade: str
    lower_micro: int
    score_micro: int
    upper_micro: int
    mass_micro: int
    layer: str
    overdue_count: int


class Relationships(Answer):
    """Where the parties stand."""

    grades: dict[str, int]
    """How many parties have each grade; `unknown` where there is too little evidence for one."""
    layers: dict[str, int]
    """How many parties are in each layer."""
    near_edge: list[NearEdge]
    """The lowest lower bounds first."""


class BoardAnswer(Answer):
    """The company as a whole."""

    asked: Asked
    by_company: PromisesKept
    """What the company promised."""
    by_parties: PromisesKept
    """What was promised to it."""
    months: list[KeptInMonth]
    """What the company promised, by month, the latest first: twelve months with anything in them."""
    durations: list[Duration]
    overdue_now: int
    """Promises of the company that are open and past their due time."""
    due_soon: int
    """Promises of the company that fall due within seven days."""
    open_incidents: int
    unsettled: list[Unsettled]
    """What does not count, or not yet, by reason."""
    relationships: Relationships | None
    """None for another moment than now: parties are ranked for the present only."""


class DurationsAnswer(Answer):
    """How long responding, resolving and answering took, the most frequent first."""

    asked: Asked
    dimension: Dimension
    durations: list[Duration]


class DurationsWanted(Question):
    """Of whom, of what, and since when."""

    dimension: Dimension = "company"
    """The company as a whole, or its teams (or queues), people, categories or channels."""
    measure: Measure | None = None
    """respond and resolve (incidents), answer (feedback); all three unless said otherwise."""
    since: Month | None = None
    """What began in this month or later, such as 2026-01."""


def of_company(moment: Moment) -> BoardAnswer:
    """The company as a whole."""
    of_promises = "SELECT COUNT(*) FROM promises WHERE promisor = 'company' AND "
    present = moment.as_of is None and moment.known_at is None
    return BoardAnswer(
        asked=asked(moment),
        by_company=kept.of_all(moment, "company"),
        by_parties=kept.of_all(moment, "party"),
        months=kept.months(moment, MonthsWanted(limit=MONTHS)).months,
        durations=_durations(moment, DurationsWanted()),
        overdue_now=select(moment, of_promises + condition("overdue", moment.now)[0])[0][0],
        due_soon=select(moment, of_promises + condition("due", moment.now)[0])[0][0],
        open_incidents=select(moment, "SELECT COUNT(*) FROM incidents WHERE status IN ('open', 'paused')")[0][0],
        unsettled=_unsettled(moment),
        relationships=_relationships(moment) if present else None,
    )


def durations(moment: Moment, wanted: DurationsWanted) -> DurationsAnswer:
    """How long responding, resolving and answering took, by whom."""
    return DurationsAnswer(asked=asked(moment), dimension=wanted.dimension, durations=_durations(moment, wanted))


def _durations(moment: Moment, wanted: DurationsWanted) -> list[Duration]:
    begun: Condition = ("month >= ?", (wanted.since or "",))
    which, parameters = where([*equal(dimension=wanted.dimension, measure=wanted.measure), begun])
    rows = select(
        moment,
        f"SELECT measure, value, bucket, SUM(count) FROM board_durations{which} GROUP BY measure, value, bucket",
        *parameters,
    )
    histograms: dict[tuple[Measure, str], Counter[int]] = {}
    for measure, value, bucket, count in rows:
        histograms.setdefault((measure, value), Counter())[bucket] = count
    found = [
        Duration(
            measure=measure,
            value=value,
            count=counts.total(),
            p50_seconds=percentile(counts, 500) or 0,
            p90_seconds=percentile(counts, 900) or 0,
            p95_seconds=percentile(counts, 950) or 0,
        )
        for (measure, value), counts in histograms.items()
    ]
    order = ("respond", "resolve", "answer")
    return sorted(found, key=lambda each: (order.index(each.measure), -each.count, each.value))


def _unsettled(moment: Moment) -> list[Unsettled]:
    rows = select(
        moment, "SELECT reason, SUM(fact_count), COUNT(*) FROM unsettled GROUP BY reason ORDER BY SUM(fact_count) DESC, reason"
    )
    return [
        Unsettled(reason=reason, awaiting=reason.startswith("awaits_"), fact_count=facts, stream_count=streams)
        for reason, facts, streams in rows
    ]


def _relationships(moment: Moment) -> Relationships:
    grades = dict(select(moment, "SELECT grade, COUNT(*) FROM parties GROUP BY grade"))
    layers = dict(select(moment, "SELECT layer, COUNT(*) FROM parties GROUP BY layer"))
    names = [*(grade.name for grade in moment.policy.grades), "unknown"]
    columns = [name for name in NearEdge.model_fields if name != "layer"]
    nearest = select(
        moment,
        f"SELECT layer, {', '.join(columns)} FROM parties WHERE grade <> 'unknown' ORDER BY lower_micro, party LIMIT ?",
        NEAREST,
    )
    return Relationships(
        grades={name: grades.get(name, 0) for name in names},
        layers={name: layers.get(level, 0) for level, name in enumerate(NAMES)},
        near_edge=[NearEdge(layer=NAMES[layer], **dict(zip(columns, row, strict=True))) for layer, *row in nearest],
    )
