"""Examples for the front page: something of this very ledger to ask about."""

from infra.asking.answers import Answer, select
from infra.asking.moment import Moment


class Examples(Answer):
    """Something of this ledger to ask about; none where there is nothing yet."""

    party: str | None
    """The party about which most was promised."""
    team: str | None
    """The team with most evidence."""
    position: int
    """The newest entry's."""


def examples(moment: Moment) -> Examples:
    """Something of this ledger to ask about."""
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
