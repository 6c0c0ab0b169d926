"""The record itself: entries by position, by report and page by page, as they were stored and hashed."""

from typing import Annotated, Any

import msgspec
from pydantic import Field, RootModel

from consumers.ports import Stored
from domain.entry import Outcome, decode_whole, leaf_hash, outcome
from infra.asking.answers import Answer, At, BadQuestion, NotFound, Question
from infra.record import Record

Position = Annotated[int, Field(ge=0, le=2**53)]


class EntriesWanted(Question):
    """Which entries: those behind a position, or the one that records a report."""

    after: Position | None = None
    """The position that the page begins behind; none for the first page."""
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    """At most how many."""
    source: str | None = None
    """Who reported it; needs `id`, and then there is but one entry."""
    id: str | None = None
    """The report's id within that source."""


class EntryAnswer(Answer):
    """What the ledger recorded. It never changes."""

    position: int
    hash: str
    """The RFC 9162 leaf hash of the stored bytes, in hex."""
    kind: str
    party: str
    stream: str
    version: int
    """The fact's number in its stream, from 0."""
    happened_at: At
    recorded_at: At
    source: str
    id: str
    outcome: Outcome
    """What the fact did when it was recorded."""
    reason: str | None
    """Why it did not count then, by name."""
    fact: dict[str, Any]
    """The fact, as it was stored."""
    before: dict[str, Any] | None
    """The standing of the stream before the fact, as it was stored (instants in microseconds since 1970 UTC)."""
    after: dict[str, Any]
    """The standing after it."""


class EntriesAnswer(Answer):
    """One page of the record."""

    end: int
    """How many entries there are."""
    entries: list[EntryAnswer]
    next: int | None
    """The position to ask the next page `after`; none at the end of the record."""


class CountByKind(RootModel[dict[str, int]]):
    """How many entries there are of each kind, the most frequent first."""


def listed(log: Record, wanted: EntriesWanted) -> EntriesAnswer:
    """One page of the record, or the one entry that records a report. Raises BadQuestion or NotFound."""
    end = log.end()
    if wanted.source is not None or wanted.id is not None:
        if wanted.source is None or wanted.id is None:
            raise BadQuestion("id" if wanted.id is None else "source", "a report is named by its source and its id together")
        return EntriesAnswer(end=end, entries=[of_report(log, wanted.source, wanted.id)], next=None)
    start = 0 if wanted.after is None else wanted.after + 1
    found = log.page(start, wanted.limit) if start < end else []
    last = found[-1].position if found else end
    return EntriesAnswer(end=end, entries=[_shown(each) for each in found], next=last if last + 1 < end else None)


def at_position(log: Record, position: int) -> EntryAnswer:
    """The entry at a position. Raises NotFound."""
    found = log.at([position])
    if not found:
        raise NotFound(f"no entry has position {position}: the record ends before {log.end()}")
    return _shown(found[0])


def of_report(log: Record, source: str, ident: str) -> EntryAnswer:
    """The entry that records a report. Raises NotFound."""
    found = log.known([(source, ident)])
    if not found:
        raise NotFound("no entry records a report of this source and id; was it refused?")
    return _shown(found[source, ident])


def count_by_kind(log: Record) -> CountByKind:
    """How many entries there are of each kind. Reads all of the record."""
    return CountByKind(log.count_by_kind())


def _shown(stored: Stored) -> EntryAnswer:
    entry = decode_whole(stored.state)
    did, reason = outcome(entry)
    whole = msgspec.json.decode(stored.state)
    return EntryAnswer(
        position=stored.position,
        hash=leaf_hash(stored.state),
        kind=entry.kind,
        party=entry.party,
        stream=entry.stream,
        version=entry.version,
        happened_at=entry.happened_at,
        recorded_at=entry.recorded_at,
        source=entry.source,
        id=entry.id,
        outcome=did,
        reason=reason,
        fact=whole["fact"],
        before=whole["before"],
        after=whole["after"],
    )
