"""Entries: what the ledger recorded. The bytes of an entry are stored, hashed and published unchanged."""

from hashlib import sha256
from typing import Literal, NamedTuple

import msgspec
from msgspec import Raw, Struct
from pydantic import ValidationError

from domain.fact import FACTS_PER_STREAM, Fact
from domain.kinds import KINDS, Standing, standing
from domain.refusal import StreamIsFull
from domain.report import LEDGER_SOURCE, Report
from domain.stream import Known, stream_id


class Entry(Struct, frozen=True, gc=False):
    """A fact, with the standing of its stream before and after it. Instants are microseconds since 1970 UTC.

    `version` is the fact's number in its stream, from 0. The position is given at commit and stands beside the bytes.
    """

    kind: str
    party: str
    stream: str
    version: int
    happened_at: int
    recorded_at: int
    source: str
    id: str
    fact: Raw
    before: Standing | None
    after: Standing


Outcome = Literal["counted", "void", "awaiting"]


class Receipt(NamedTuple):
    """What a publisher gets back: where the report's fact stands on the record, and what it did there."""

    position: int
    hash: str
    outcome: Outcome
    reason: str | None
    repeated: bool


class UnreadableEntry(Exception):
    """The bytes of an entry on the record are no entry: something else than troth altered them."""

    def __init__(self) -> None:
        super().__init__("an entry on the record cannot be read: something else than troth altered it")


encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Entry).decode


def decode(state: bytes) -> Entry:
    """The entry that these bytes are. Raises UnreadableEntry."""
    try:
        return _decode(state)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UnreadableEntry from None


def leaf_hash(entry: bytes) -> str:
    """The entry's hash: the RFC 9162 leaf hash, sha256 of a zero byte and the entry's bytes, in hex."""
    return sha256(b"\0" + entry).hexdigest()


def fact_of(entry: Entry) -> Fact:
    """The fact, decoded. Raises UnreadableEntry: only what was validated when it came is put into an entry."""
    try:
        return KINDS[entry.kind].model_validate_json(bytes(entry.fact))
    except (KeyError, ValidationError):
        raise UnreadableEntry from None


def content(fact: Fact) -> bytes:
    """The fact's stored form: its fields in the order of its kind, those left at their defaults left out."""
    return fact.model_dump_json(exclude_defaults=True).encode()


def says_the_same(entry: Entry, report: Report) -> bool:
    """Whether the entry records just what the report states. The order in which a policy gives its reasons says nothing."""
    if (entry.kind, entry.party, entry.happened_at) != (report.kind, report.party, report.happened_at):
        return False
    return bytes(entry.fact) == content(report.fact) or fact_of(entry) == report.fact


def stream_of(ledger: str, report: Report) -> str:
    """The id of the stream that the report's fact belongs to."""
    return stream_id(ledger, report.fact.family, report.party, report.fact.key)


def known_from(entry: Entry) -> Known:
    """The entry's fact, as its stream knows it."""
    return Known(entry.version, entry.happened_at, entry.source, entry.id, fact_of(entry))


def record(stream: str, known: list[Known], before: Standing | None, report: Report, recorded_at: int) -> Entry:
    """The entry that records the report's fact in its stream; the fact is added to `known`. Raises StreamIsFull.

    A full stream still takes what the ledger itself records: what is overdue in it lapses all the same.
    """
    if len(known) >= FACTS_PER_STREAM and not report.source.startswith(LEDGER_SOURCE):
        raise StreamIsFull(f"the stream holds {FACTS_PER_STREAM} facts, and no stream holds more")
    fact = report.fact
    known.append(Known(len(known), report.happened_at, report.source, report.id, fact))
    return Entry(
        kind=report.kind,
        party=report.party,
        stream=stream,
        version=len(known) - 1,
        happened_at=report.happened_at,
        recorded_at=recorded_at,
        source=report.source,
        id=report.id,
        fact=Raw(content(fact)),
        before=before,
        after=standing(fact.family, fact.key, known),
    )


def outcome(entry: Entry) -> tuple[Outcome, str | None]:
    """What the fact did when it was recorded, with the reason where it does not count."""
    for void in entry.after.void:
        if void.version == entry.version:
            return ("awaiting" if void.reason.startswith("awaits_") else "void"), void.reason
    return "counted", None


def receipt(position: int, raw: bytes, entry: Entry, *, repeated: bool) -> Receipt:
    """The receipt for the report that this entry records: the same whenever it is asked for."""
    return Receipt(position, leaf_hash(raw), *outcome(entry), repeated)
