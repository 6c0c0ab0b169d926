"""What the loops need of the world. Adapters in infra implement these; nothing here names a database or a broker."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol, Self

from domain.entry import Entry
from projections.fold import Pending, Projection

Name = tuple[str, str]
"""(source, id) of a report."""


class Stored(NamedTuple):
    """An entry as the log keeps it: its position, and the bytes that were hashed."""

    position: int
    state: bytes


class Mark(NamedTuple):
    """How far a source has been read. Moved in the transaction that records what was read, and only from where it was."""

    name: str
    before: str | None
    after: str


class Refused(NamedTuple):
    """A report that could not be recorded, as the quarantine keeps it: why, where in it, its bytes and where it came from."""

    reason: str
    message: str
    pointer: str
    raw: bytes
    origin: str


class Conflict(Exception):
    """Somebody else recorded something in between: nothing of the batch was written; load again and decide again."""


class NotWritten(Exception):
    """The record could not be written (a full disk, a lock held too long): nothing of the batch is on it; try again later."""


class Log(Protocol):
    """The ledger's record: entries by position, by stream and by report."""

    def known(self, names: Sequence[Name]) -> Mapping[Name, Stored]:
        """The entries that record these reports."""

    def streams(self, ids: Sequence[str]) -> Mapping[str, list[bytes]]:
        """All entries of these streams, in the order of their versions."""

    def append(self, entries: Sequence[tuple[Entry, bytes]], refused: Sequence[Refused], mark: Mark | None) -> Sequence[Stored]:
        """Record entries, refusals and mark in one transaction; return the entries as stored. Raises Conflict or NotWritten.

        Positions follow `recorded_at`: an entry that another writer overtook, or whose clock is behind, takes over the time
        of the last entry before it. So what was known at a moment is always the record up to some position.
        """

    def of_party(self, party: str) -> list[Stored]:
        """All entries about a party, by position."""

    def end(self) -> int:
        """The position that the next entry will get: how many entries there are."""

    def page(self, start: int, limit: int) -> list[Stored]:
        """At most `limit` entries from position `start` on, in order, without a gap."""

    def mark(self, name: str) -> str | None:
        """How far the source of this name has been read."""


class Clock(Protocol):
    """The time of day."""

    def __call__(self) -> int:
        """Microseconds since 1970 UTC."""


class Progress(Protocol):
    """Told how far a long work has come."""

    def __call__(self, done: int, total: int) -> None:
        """`done` of `total` entries."""


class Built(NamedTuple):
    """A projection's tables, as far as they have been built. `position` is that of the next entry to fold."""

    name: str
    version: int
    policy_hash: str
    generation: int
    position: int
    live: bool

    def twin(self, among: Iterable[Self]) -> Self | None:
        """The same fold under the same policy, as readers see it."""
        return next((each for each in among if each.live and each[:3] == self[:3]), None)


class Fenced(Exception):
    """Somebody else moved the views in between: nothing was written, and this projector must start again."""


class Views(Protocol):
    """Where projections keep their tables. Views and the positions they have reached move in one transaction."""

    def built(self) -> list[Built]:
        """All that is built or being built."""

    def build(self, projection: Projection, policy_hash: str, *, live: bool) -> Built:
        """New, empty tables for a projection, beside those that readers see, or at once for readers where there are none."""

    def write(self, changes: Sequence[tuple[Built, Projection, Pending]], reached: int, parties: Iterable[str]) -> None:
        """Apply the changes and move the positions to `reached`. Raises Fenced where one is not where we left it.

        `parties` are those that entries were about: whoever ranks them looks at them again.
        """

    def digest(self, built: Built, projection: Projection) -> str:
        """sha256, in hex, over all that the tables hold, in the order of their keys, without what depends on arrival."""

    def go_live(self, built: Built, projection: Projection) -> None:
        """Let readers see these tables from now on, and drop those they saw before."""

    def discard(self, built: Built, projection: Projection) -> None:
        """Drop tables that were being built."""
