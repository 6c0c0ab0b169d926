"""What both databases have in common: what can be asked of a ledger's record and of its quarantine, and what may be wrong."""

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import chain
from typing import Literal, NamedTuple, Protocol

from msgspec.structs import replace

from consumers.ports import Log, Name, Stored
from domain.entry import Entry, UnreadableEntry, decode, decode_whole, encode

Status = Literal["waiting", "recorded", "discarded"]
"""What became of a refused report."""


_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class UnknownSchema(Exception):
    """The ledger was written by another version of troth; the message says what to do."""


class NoLedgerHere(Exception):
    """There is no ledger here, or none can be made."""


class NotInQuarantine(Exception):
    """No refused report has this number."""


class Schemas(NamedTuple):
    """The versions of the schemas of a record and of its views."""

    ledger: int
    views: int


class Record(Log, Protocol):
    """The ledger's record, with what only questions ask of it."""

    name: str
    """The ledger's name: stream ids contain it."""

    def positions(self, streams: Sequence[str]) -> list[tuple[str, int, int]]:
        """(stream, version, position) of every entry of these streams, by stream and version."""

    def at(self, positions: Sequence[int]) -> list[Stored]:
        """The entries at these positions, as far as there are any, by position."""

    def count_by_kind(self) -> dict[str, int]:
        """How many entries there are of each kind, most frequent first."""

    def close(self) -> None:
        """Give files and connections back."""


def storable(*texts: str) -> bool:
    """Whether a database can hold these texts: no NUL, no half of a surrogate pair. Else they are not on the record."""
    return _UNSTORABLE.search("".join(texts)) is None


def storable_names(names: Sequence[Name]) -> Sequence[Name]:
    """Those of these (source, id) that can be on the record."""
    return names if storable(*chain.from_iterable(names)) else [each for each in names if storable(*each)]


def storable_ids(ids: Sequence[str]) -> Sequence[str]:
    """Those of these streams that can be on the record."""
    return ids if storable(*ids) else [each for each in ids if storable(each)]


def not_before(last: bytes | None, entries: Sequence[tuple[Entry, bytes]]) -> Sequence[tuple[Entry, bytes]]:
    """The entries, none of them recorded before the last one on the record: then they take over its time."""
    at = decode(last).recorded_at if last is not None else 0
    if all(entry.recorded_at >= at for entry, _ in entries):
        return entries
    later = [replace(entry, recorded_at=max(at, entry.recorded_at)) for entry, _ in entries]
    return [(entry, encode(entry)) for entry in later]


class Positions(NamedTuple):
    """How many entries there are, the first position that has none although a later one has, and what cannot be read."""

    entries: int = 0
    first_gap: int | None = None
    first_unreadable: int | None = None
    newest_recorded_at: int | None = None


def checked(record: Iterable[tuple[int, bytes]]) -> Positions:
    """What is wrong with a record, read whole and in order, each of its entries decoded."""
    found = Positions()
    for position, state in record:
        if position != found.entries and found.first_gap is None:
            found = found._replace(first_gap=found.entries)
        try:
            found = found._replace(entries=found.entries + 1, newest_recorded_at=decode_whole(state).recorded_at)
        except UnreadableEntry:
            first = position if found.first_unreadable is None else found.first_unreadable
            found = found._replace(entries=found.entries + 1, first_unreadable=first)
    return found


class Kept(NamedTuple):
    """A refused report: why, where in it, its bytes, where it came from, when first (microseconds since 1970 UTC), how often.

    `position` is that of the entry that records it, once it was tried again with success.
    """

    number: int
    reason: str
    message: str
    pointer: str
    raw: bytes
    origin: str
    refused_at: int
    times: int
    status: Status
    position: int | None


def fingerprint(reason: str, raw: bytes) -> str:
    """What tells refused reports apart: the same bytes, refused again for the same reason, are counted and not kept twice."""
    return sha256(reason.encode() + b"\0" + raw).hexdigest()


class Quarantine(Protocol):
    """What was refused, with its bytes. It can be listed, shown, tried again and discarded; nothing is skipped."""

    def close(self) -> None:
        """Give files and connections back."""

    def list(
        self, *, status: Status | None = "waiting", after: int = 0, limit: int = 100, reason: str | None = None
    ) -> list[Kept]:
        """Refused reports by number, from behind `after`; of one status or, with None, of all; of one reason or of all."""

    def show(self, number: int) -> Kept:
        """One of them. Raises NotInQuarantine."""

    def count_by_reason(self) -> dict[str, int]:
        """How many wait, by reason, the most frequent first."""

    def discard(self, number: int) -> None:
        """Say that one is not to be recorded, unless it has been. Its bytes stay. Raises NotInQuarantine."""

    def recorded(self, number: int, position: int) -> None:
        """Say that one was recorded after all, by the entry at this position. Its bytes stay. Raises NotInQuarantine."""

    def refused_again(self, number: int, reason: str, message: str, pointer: str) -> None:
        """Say why the same bytes were refused when they were tried again, unless they were recorded. Raises NotInQuarantine."""
