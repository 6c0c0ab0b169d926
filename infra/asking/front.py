"""What the front page says of a ledger: a few numbers, and examples to ask about."""

from infra.asking.answers import Answer, select
from infra.asking.moment import Moment
from projections.layers import NAMES


class Counted(Answer):
    """A word, and how many of it there are."""

    name: str
    count: int


class Headline(Answer):
    """How the company stands, in a few numbers."""

    kept_percent: int | None
    """Of what the company promised and what has ended or is overdue: how much was kept in time."""
    promises_count: int
    """How many promises that is."""
    overdue_count: int
    """What the company promised and is overdue now."""
    open_incident_count: int
    feedback_waiting_count: int
    grades: list[Counted]
    """How many parties have which grade, the most frequent first."""
    layers: list[Counted]
    """How many parties are in which layer, the deepest last."""


class Examples(Answer):
    """Something of this ledger to ask about; none where there is nothing yet."""

    party: str | None
    team: str | None
    position: int


def headline(moment: Moment) -> Headline:
    """How the company stands."""
    in_time, late, overdue, broken = _row(
        moment,
        "SELECT SUM(in_time_count), SUM(late_count), SUM(overdue_count), SUM(broken_count) "
        "FROM board_promises WHERE promisor = 'company' AND dimension = 'company'",
    )
    ended = in_time + late + overdue + broken
    grades = select(moment, "SELECT grade, COUNT(*) FROM parties GROUP BY grade ORDER BY 2 DESC, 1")
    layers = dict(select(moment, "SELECT layer, COUNT(*) FROM parties GROUP BY layer"))
    return Headline(
        kept_percent=in_time * 100 // ended if ended else None,
        promises_count=ended,
        overdue_count=_row(moment, "SELECT COUNT(*) FROM promises WHERE promisor = 'company' AND status = 'open' AND lapsed")[
            0
        ],
        open_incident_count=_row(moment, "SELECT COUNT(*) FROM incidents WHERE status IN ('open', 'paused')")[0],
        feedback_waiting_count=_row(moment, "SELECT COUNT(*) FROM feedback WHERE status = 'waiting'")[0],
        grades=[Counted(name=grade, count=count) for grade, count in grades],
        layers=[Counted(name=name, count=layers.get(number, 0)) for number, name in enumerate(NAMES)],
    )


def examples(moment: Moment) -> Examples:
    """The party about which most was promised, the team that promised most, the newest entry."""
    party = select(moment, "SELECT party FROM party_totals ORDER BY promise_count DESC, party LIMIT 1")
    team = select(
        moment,
        "SELECT subject FROM trust_sums WHERE subject_kind = 'team' ORDER BY evidence_count DESC, subject LIMIT 1",
    )
    return Examples(
        party=party[0][0] if party else None,
        team=team[0][0] if team else None,
        position=max(0, moment.position - 1),
    )


def _row(moment: Moment, statement: str) -> list[int]:
    return [int(cell or 0) for cell in select(moment, statement)[0]]
