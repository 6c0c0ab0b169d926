"""Entries: what the ledger recorded. The bytes of an entry are stored, hashed and published unchanged."""

from collections.abc import Callable
from hashlib import sha256
from typing import Literal, NamedTuple

import msgspec
from msgspec import Raw, Struct, field
from pydantic import ValidationError

from domain.fact import Fact
from domain.kinds import ADAPTERS, Standing
from domain.report import Report
from domain.stream import Known, stream_id


class Entry(Struct, frozen=True, gc=False):
    """A fact, with the standing of its stream before and after it. Instants are microseconds since 1970 UTC.

    `version` is the fact's number in its stream, from 0. The position is given at commit and stands beside the bytes. The
    standings are decoded when they are asked for, anew each time: of most entries nobody asks.
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
    raw_before: Raw = field(name="before")
    raw_after: Raw = field(name="after")

    @property
    def before(self) -> Standing | None:
        """The standing before, or None where the stream begins. Raises UnreadableEntry."""
        return standing_before(self.raw_before)

    @property
    def after(self) -> Standing:
        """The standing after. Raises UnreadableEntry."""
        return standing_after(self.raw_after)


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

    def __init__(self, position: int | None = None) -> None:
        super().__init__(position)
        self.position = position

    def __str__(self) -> str:
        """Which entry, where that is known."""
        which = "an entry on the record" if self.position is None else f"the entry at position {self.position}"
        return f"{which} cannot be read: something else than troth altered it"


encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Entry).decode
_decode_before: Callable[[Raw | bytes], Standing | None] = msgspec.json.Decoder(Standing | None).decode
_decode_after: Callable[[Raw | bytes], Standing] = msgspec.json.Decoder(Standing).decode


def decode(state: bytes) -> Entry:
    """The entry that these bytes are. Raises UnreadableEntry."""
    try:
        return _decode(state)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UnreadableEntry from None


def decode_whole(state: bytes) -> Entry:
    """The entry that these bytes are, its standings looked at too. Raises UnreadableEntry."""
    entry = decode(state)
    standing_before(entry.raw_before)
    standing_after(entry.raw_after)
    return entry


def standing_before(raw: Raw, position: int | None = None) -> Standing | None:
    """The standing that an entry, the one at this position, leads from. Raises UnreadableEntry."""
    try:
        return _decode_before(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UnreadableEntry(position) from None


def standing_after(raw: Raw | bytes, position: int | None = None) -> Standing:
    """The standing that an entry, the one at this position, leads to. Raises UnreadableEntry."""
    try:
        return _decode_after(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UnreadableEntry(position) from None


def has_key(raw: Raw, key: bytes) -> bool:
    """Whether a key stands in JSON that troth wrote, given with its quotes and its colon: in a text the quotes are escaped."""
    return key in bytes(raw)


def leaf_hash(entry: bytes) -> str:
    """The entry's hash: the RFC 9162 leaf hash, sha256 of a zero byte and the entry's bytes, in hex."""
    return sha256(b"\0" + entry).hexdigest()


def fact_of(entry: Entry) -> Fact:
    """The fact, decoded. Raises UnreadableEntry: only what was validated when it came is put into an entry."""
    try:
        fact: Fact = ADAPTERS[entry.kind].validator.validate_json(bytes(entry.fact))
    except (KeyError, ValidationError):
        raise UnreadableEntry from None
    return fact


def content(fact: Fact) -> bytes:
    """The fact's stored form: its fields in the order of its kind, those left at their defaults left out."""
    return ADAPTERS[fact.KIND].serializer.to_json(fact, exclude_defaults=True)


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


def outcome(entry: Entry) -> tuple[Outcome, str | None]:
    """What the fact did when it was recorded, with the reason where it does not count. Raises UnreadableEntry."""
    if has_key(entry.raw_after, b'"void":'):
        for void in entry.after.void:
            if void.version == entry.version:
                return ("awaiting" if void.reason.startswith("awaits_") else "void"), void.reason
    return "counted", None


def receipt(position: int, raw: bytes, entry: Entry, *, repeated: bool) -> Receipt:
    """The receipt for the report that this entry records: the same whenever it is asked for."""
    return Receipt(position, leaf_hash(raw), *outcome(entry), repeated)
