"""The relay: publishes what is on the record, in the order of positions, each entry exactly once in its partition.

    1. have the lock: one relay at a time
    2. read the last entry of each partition: that, and nothing that we remember, says what is published
    3. take what follows on the record, and of that what each partition lacks
    4. send it, and go on when all of it is there

Partitions stand side by side, so that after a crash one may be ahead of another: each is given what it lacks and nothing else.
In one round a partition gets all it is sent or nothing, so that no partition ever has an entry without the one before it.

A relay that was killed, or that lost the lock while it was stopped, may have sent something that has not arrived yet. Whoever
comes after it would read the tails, publish the same once more, and then the other arrives. So every round is stamped with the
time from before we last made sure of the lock, the publisher lets nothing arrive that is stamped too long ago, and a relay
that has something to send waits until then (`settling_seconds`), unless the one before it said that it left nothing behind.
It says so in the mark `relay` of the record, which the next one takes over before it does anything else.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from uuid import uuid4

import msgspec

from consumers.ports import (
    BrokenRecord,
    Clock,
    Conflict,
    Lock,
    Log,
    Mark,
    NotWritten,
    Publisher,
    Sending,
    Stored,
    Unpublished,
    Unreachable,
)

WINDOW = 5_000
"""How many entries are sent and not known to be there, at most."""
OVERHEAD = 100
"""More bytes than a record has around its key and the entry's stored bytes, the position in front of them included."""
MARK = "relay"
LEFT = "left"


class _About(msgspec.Struct):
    """Of an entry, only whom it is about: all that publishing it needs."""

    party: str


_about = msgspec.json.Decoder(_About).decode


class Relay:
    """Publishes one ledger's record. Any number may run; one of them publishes, and the others wait for its lock."""

    def __init__(
        self, log: Log, publisher: Publisher, lock: Lock, clock: Clock, elapsed: Callable[[], float] = monotonic
    ) -> None:
        """`elapsed` counts seconds, from whenever."""
        self._log = log
        self._publisher = publisher
        self._lock = lock
        self._clock = clock
        self._elapsed = elapsed
        self._published: list[int | None] = []
        self._next = 0
        self._mark: str | None = None
        self._settled = False
        self._settled_at = 0.0

    def step(self) -> bool:
        """Publish what follows; False where there is nothing to do, or where we have to wait.

        Raises Unpublished, Unreachable, NotWritten or Conflict where it is to be closed and made anew; BrokenRecord where
        what is published and what is on the record contradict each other.
        """
        if self._mark is None and not self._begin():
            return False
        entries, upto = self._lacking()
        if entries and not self._settled:
            return self._settle()
        if entries:
            self._publish(entries)
        came_on, self._next = upto > self._next, upto
        return came_on

    @property
    def next_position(self) -> int:
        """All entries below it are published."""
        return self._next

    def close(self) -> None:
        """Give back what it holds, and say if nothing that was sent can be on its way."""
        self._publisher.close()
        if self._mark is not None and self._settled:
            # Where that cannot be said, whoever comes next waits for what is not on its way.
            with suppress(Conflict, NotWritten, Unreachable):
                self._move_mark(self._mark, LEFT)
        self._lock.release()

    def _begin(self) -> bool:
        """Take lock and mark over from the relay before us, and read what is published. False where another has the lock."""
        if not self._lock.take():
            return False
        before = self._log.mark(MARK)
        partitions, left = before.split() if before is not None else (None, LEFT)
        self._read_tails()
        if partitions not in {None, str(self._publisher.partitions)} and self._published.count(None) < len(self._published):
            raise BrokenRecord(
                f"the topic of entries has {self._publisher.partitions} partitions, and entries went out in {partitions}; "
                "they are fixed for life: with the topic deleted, the whole record is published anew"
            )
        self._settled_at = self._elapsed() + self._publisher.settling_seconds
        self._move_mark(before, uuid4().hex)
        # From here on whoever comes after us knows that something may be on its way.
        self._settled = left == LEFT
        return True

    def _move_mark(self, before: str | None, to: str) -> None:
        after = f"{self._publisher.partitions} {to}"
        self._log.append([], [], Mark(MARK, before, after))
        self._mark = after

    def _read_tails(self) -> None:
        """Learn what is published from what is there."""
        tails = self._publisher.tails()
        for partition, tail in enumerate(tails):
            if tail is not None:
                self._compare(partition, tail)
        self._published = [None if tail is None else tail.position for tail in tails]
        self._next = min(0 if position is None else position + 1 for position in self._published)

    def _compare(self, partition: int, tail: Stored) -> None:
        """The last entry of a partition is on the record, byte for byte, and is where it belongs."""
        position, state = tail
        found = self._log.page(position, 1) if position < self._log.end() else []
        if not found or found[0].state != state:
            raise BrokenRecord(
                f"partition {partition} of the topic of entries ends with position {position}, which is not on this record: "
                "the record is older (a backup?), or the topic is another ledger's"
            )
        if self._publisher.partition_of(_about(state).party.encode()) != partition:
            raise BrokenRecord(f"position {position} was published in partition {partition}, where its party does not belong")

    def _settle(self) -> bool:
        """Wait until nothing can be on its way any more, and read again what is there by then."""
        if self._elapsed() < self._settled_at:
            return False
        self._read_tails()
        self._settled = True
        return True

    def _lacking(self) -> tuple[list[Sending], int]:
        """What partitions lack of the entries that follow, as much as can be sent at once, and up to which position that is."""
        published, sizes = list(self._published), [0] * len(self._published)
        entries: list[Sending] = []
        position = self._next - 1
        for position, state in self._log.page(self._next, WINDOW):
            party = _about(state).party.encode()
            partition = self._publisher.partition_of(party)
            previous = published[partition]
            if previous is not None and position <= previous:
                continue
            size = len(state) + len(party) + OVERHEAD
            alone = size > self._publisher.at_once  # its batch is full at once, and clients then send all others unfinished
            if (alone and entries) or (sizes[partition] and sizes[partition] + size > self._publisher.at_once):
                return entries, position
            sizes[partition] += size
            published[partition] = position
            entries.append(Sending(partition, position, previous, party, state))
            if alone:
                return entries, position + 1
        return entries, position + 1

    def _publish(self, entries: Sequence[Sending]) -> None:
        at = self._clock()
        if not self._lock.held():
            raise Unpublished("the relay's lock was lost: another relay may have it by now")
        self._settled = False
        self._publisher.publish(entries, at)
        for each in entries:
            self._published[each.partition] = each.position
        self._settled = True
