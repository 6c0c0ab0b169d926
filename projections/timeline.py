"""The timeline: all that was recorded about a party, in the order of happening; and the names that parties are found by."""

from collections.abc import Sequence

import msgspec

from domain.entry import Entry, outcome
from domain.kinds import Standing
from domain.party import PartyRegistered, PartyStanding
from projections.fold import Change, Column, Context, Projection, Table

TIMELINE = Table(
    "timeline",
    "Every entry about a party.",
    (
        Column("party", "TEXT", "the party"),
        Column("happened_at", "INTEGER", "microseconds since 1970 UTC"),
        Column("source", "TEXT", "who reported it"),
        Column("id", "TEXT", "the report's id"),
    ),
    (
        Column("kind", "TEXT", "the kind of fact"),
        Column("stream", "TEXT", "the stream"),
        Column("position", "INTEGER", "the entry's position", in_digest=False),
        Column("outcome", "TEXT", "what the fact did when it was recorded", in_digest=False),
        Column("reason", "TEXT", "why it was void or awaiting", in_digest=False),
    ),
    sums=False,
)
NAMES = Table(
    "names",
    "What registrations called a party. Personal.",
    (
        Column("party", "TEXT", "the party"),
        Column("source", "TEXT", "who reported it"),
        Column("id", "TEXT", "the report's id"),
    ),
    (Column("name", "TEXT", "the name"),),
    sums=False,
)
NAMED = Table(
    "named",
    "Which registration says what the party is called now.",
    (Column("party", "TEXT", "the party"),),
    (Column("source", "TEXT", "who reported it"), Column("id", "TEXT", "the report's id")),
    sums=False,
)


class _Registered(msgspec.Struct):
    name: str | None = None


_decode = msgspec.json.Decoder(_Registered).decode


def of_entry(entry: Entry, position: int) -> Sequence[Change]:
    """What an entry adds for ever."""
    key = (entry.party, entry.happened_at, entry.source, entry.id)
    line: Change = (TIMELINE.name, key, (entry.kind, entry.stream, position, *outcome(entry)))
    if entry.kind != PartyRegistered.KIND:
        return [line]
    name = _decode(entry.fact).name
    return [line] if name is None else [line, (NAMES.name, (entry.party, entry.source, entry.id), (name,))]


def of_standing(standing: Standing, context: Context) -> Sequence[Change]:
    """By which registration the party is called."""
    if isinstance(standing, PartyStanding) and standing.named_by is not None:
        return [(NAMED.name, (context.party,), (standing.named_by.source, standing.named_by.id))]
    return ()


PROJECTION = Projection("timeline", 1, (TIMELINE, NAMES, NAMED), of_standing, of_entry)
