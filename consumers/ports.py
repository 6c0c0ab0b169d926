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


class MarkMoved(Conflict):
    """Somebody else moved the mark: whoever wanted to did not read from where it stands, and need not try again."""


class Unreachable(Exception):
    """What keeps the record is away: a database that is down, restarted or cut off. What it holds is safe; try again later."""


class Unfit(Exception):
    """What a ledger would stand on is not fit for a record for life; the message says what is wrong, and what to do."""


class NotWritten(Exception):
    """The record could not be written (a full disk, a lock held too long, a database that went away): try again later.

    Nothing of the batch is on it, unless the database went away after it had all of it and before it said so. Reports that
    are sent again get the receipt that they have; whoever moves a mark reads it again first.
    """


class OfParty(Protocol):
    """Where the entries about one party are found."""

    def of_party(self, party: str) -> list[Stored]:
        """All entries about a party, by position."""


class Log(OfParty, Protocol):
    """The ledger's record: entries by position, by stream and by report. Reading may raise Unreachable."""

    def known(self, names: Sequence[Name]) -> Mapping[Name, Stored]:
        """The entries that record these reports."""

    def streams(self, ids: Sequence[str]) -> Mapping[str, list[bytes]]:
        """All entries of these streams, in the order of their versions."""

    def append(self, entries: Sequence[tuple[Entry, bytes]], refused: Sequence[Refused], mark: Mark | None) -> Sequence[Stored]:
        """Record entries, refusals and mark in one transaction; return the entries as stored. Raises Conflict or NotWritten.

        Positions follow `recorded_at`: an entry that another writer overtook, or whose clock is behind, takes over the time
        of the last entry before it. So what was known at a moment is always the record up to some position.
        """

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


LOG = -1
"""The number of the one partition that a ledger's own log is read as."""


class Reached(NamedTuple):
    """How far a partition has been folded: everything in it below `position`, which were `taken` entries.

    `offset` is where Kafka keeps what follows: a hint, which saves looking for the position.
    """

    position: int = 0
    offset: int = 0
    taken: int = 0


Entries = Sequence[tuple[int, Entry]]
"""Entries by position."""


class Run(NamedTuple):
    """Entries of one partition that follow each other, by position: all that it holds from `start` on, up to the last of them.

    `offset` is the one behind the last.
    """

    partition: int
    start: int
    entries: Entries
    offset: int


class BrokenRecord(Exception):
    """The record is not whole: an entry is missing, doubled, misplaced or unreadable. Nothing may be computed from it.

    A standing in the middle of a stream that is folded as a whole cancels out: nothing is computed from it, and nobody looks.
    """


class Feed(Protocol):
    """Where a projector reads entries: the ledger's own log, or the partitions that Kafka gives to it."""

    @property
    def partitions(self) -> Sequence[int]:
        """All partitions that there are; which of them are read here may change with every call of `take`."""

    def take(self, reached: Mapping[int, Reached], limit: int) -> Sequence[Run]:
        """What follows in each partition that is read here; nothing where there is nothing yet. Raises BrokenRecord."""

    @property
    def more(self) -> bool:
        """Whether more is known to follow what was taken last."""

    def ends(self) -> Mapping[int, int]:
        """The offset behind the last entry of every partition, as it is now."""

    def broken(self, what: str) -> BrokenRecord:
        """What to raise where that is wrong with an entry of it: it says where that is kept, and what to do."""

    def done(self) -> None:
        """Told when all that was taken so far is in the views that readers see: to say so where others look for it."""


class Built(NamedTuple):
    """A projection's tables, and how far each partition has been folded into them."""

    name: str
    version: int
    policy_hash: str
    generation: int
    live: bool
    reached: Mapping[int, Reached]

    @property
    def position(self) -> int:
        """How many entries have been taken in: where there is one partition, the position of the next one."""
        return sum(each.taken for each in self.reached.values())

    def twin(self, among: Iterable[Self]) -> Self | None:
        """The same fold under the same policy, as readers see it."""
        return next((each for each in among if each.live and each[:3] == self[:3]), None)


class Move(NamedTuple):
    """Changes to a projection's tables, and how far the partitions have been folded once these are written."""

    built: Built
    projection: Projection
    pending: Pending
    reached: Mapping[int, Reached]


class Fenced(Exception):
    """Somebody else moved the views in between: nothing was written, and what was folded must be folded again from there."""


class Views(Protocol):
    """Where projections keep their tables. Views and how far they have come move in one transaction."""

    def built(self) -> list[Built]:
        """All that is built or being built."""

    def build(self, projection: Projection, policy_hash: str, partitions: Sequence[int], *, live: bool) -> Built:
        """New, empty tables for a projection, beside those that readers see, or at once for readers where there are none.

        Where the same are being built already, those. Raises Fenced where readers see others by now.
        """

    def write(self, moves: Sequence[Move], parties: Iterable[str]) -> None:
        """Apply the changes and move the partitions. Raises Fenced where one is not where it was when they were folded.

        `parties` are those that entries were about: whoever ranks them looks at them again.
        """

    def digests(self, built: Sequence[tuple[Built, Projection]]) -> list[str]:
        """sha256, in hex, over all that the tables hold, in the order of their keys, without what depends on arrival.

        All of them from one state of the views. Raises Fenced where they have not come equally far in it.
        """

    def go_live(self, built: Built, projection: Projection, seen: Built | None) -> None:
        """Let readers see these tables from now on, and drop those they saw before.

        Raises Fenced where they are seen already, are gone, or have not come as far as what was `seen` until now.
        """

    def discard(self, built: Built) -> None:
        """Drop tables that were being built. Raises Fenced where readers see them by now."""


class Lock(Protocol):
    """A right that one process has at a time. A process that ends, however it ends, has it no more."""

    def take(self) -> bool:
        """Take it if nobody has it, without waiting; whether it is ours now."""

    def held(self) -> bool:
        """Whether it is still ours at this moment, as whoever keeps it says."""

    def release(self) -> None:
        """Give it back, if it is ours."""


class Sending(NamedTuple):
    """An entry on its way out: its partition, its position, the one published before it there, and its party as a key."""

    partition: int
    position: int
    previous: int | None
    party: bytes
    state: bytes


class Unpublished(Exception):
    """Not all that was sent is known to have arrived, or we may not send any more: begin again, from what is there."""


class Publisher(Protocol):
    """Where entries are published: partitions that keep what they are sent, in order and for ever."""

    @property
    def partitions(self) -> int:
        """How many there are."""

    @property
    def at_once(self) -> int:
        """How many bytes may be sent to a partition in one `publish`, so that they arrive together or not at all."""

    @property
    def settling_seconds(self) -> float:
        """For how long what was sent may still arrive after whoever sent it has ended or was told to stop."""

    def partition_of(self, party: bytes) -> int:
        """The partition of a party's entries."""

    def tails(self) -> Sequence[Stored | None]:
        """The last entry that each partition holds. Raises Unreachable, or BrokenRecord where it holds something else."""

    def publish(self, entries: Sequence[Sending], at: int) -> None:
        """Send entries, and return when all are where nothing that breaks can lose them; in each partition all arrive, or none.

        `at` is when we last had reason to believe that we may send (microseconds since 1970 UTC): later than
        `settling_seconds` after that, none of them arrives. Raises Unpublished.
        """

    def close(self) -> None:
        """Give its connections back."""
