"""The agenda: what will lapse, and when, unless something happens before. It is what the ledger's clock reads."""

from collections.abc import Sequence

from domain.kinds import Standing, lapses
from projections.fold import Change, Column, Context, Projection, Table

AGENDA = Table(
    "agenda",
    "What lapses next.",
    (Column("stream", "TEXT", "the promise, incident or thread"), Column("kind", "TEXT", "the kind of the lapse")),
    (
        Column("at", "INTEGER", "when, microseconds since 1970 UTC"),
        Column("party", "TEXT", "the party"),
        Column("fact", "TEXT", "the lapse, as a fact in JSON"),
    ),
    sums=False,
    indexes=("at",),
)


def of_standing(standing: Standing, context: Context) -> Sequence[Change]:
    """What one standing puts on the agenda."""
    return [
        (AGENDA.name, (context.stream, fact.KIND), (at, context.party, fact.model_dump_json())) for at, fact in lapses(standing)
    ]


PROJECTION = Projection("agenda", 2, (AGENDA,), of_standing)
