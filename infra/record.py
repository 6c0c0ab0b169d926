"""What both databases have in common: what can be asked of a ledger's record and of its quarantine, and what may be wrong."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Literal, NamedTuple, Protocol

from msgspec.structs import replace

from consumers.ports import Log, Stored
from domain.entry import Entry, decode, encode

Status = Literal["waiting", "recorded", "discarded"]
"""What became of a refused report."""


class UnknownSchema(Exception):
    """The ledger was written by another version of troth; the message says what to do."""


class NoLedgerHere(Exception):
    """There is no ledger here, or none can be made."""


class NotInQuarantine(Exception):
    """No refused report has this number."""


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


def not_before(last: bytes | None, entries: Sequence[tuple[Entry, bytes]]) -> Sequence[tuple[Entry, bytes]]:
    """The entries, none of them recorded before the last one on the record: then they take over its time."""
    at = decode(last).recorded_at if last is not None else 0
    if all(entry.recorded_at >= at for entry, _ in entries):
        return entries
    later = [replace(entry, recorded_at=max(at, entry.recorded_at)) for entry, _ in entries]
    return [(entry, encode(entry)) for entry in later]


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
        """Say that one is not to be recorded. Its bytes stay. Raises NotInQuarantine."""

    def recorded(self, number: int, position: int) -> None:
        """Say that one was recorded after all, by the entry at this position. Its bytes stay. Raises NotInQuarantine."""

    def refused_again(self, number: int, reason: str, message: str, pointer: str) -> None:
        """Say why the same bytes were refused when they were tried again. Raises NotInQuarantine."""
