"""A projection in shadow views: how far it has come of what it is to come, folded run by run or by leaps over many entries."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple, Protocol

from consumers.ports import Built, Entries, Reached, Run
from domain.policy import Policy
from projections.fold import Pending, Projection, pending_for


class Judged(NamedTuple):
    """A projection, and what it judges by."""

    projection: Projection
    policy: Policy


class Leap(NamedTuple):
    """What all entries of a stretch, up to a position, change in a projection's tables.

    `entry_counts`: how many of them there are of each party.
    """

    position: int
    entry_counts: Mapping[str, int]
    pending: Pending


class Telescope(Protocol):
    """Where many entries can be folded without looking at each: a file that has them by columns."""

    def leaps(self, start: int, end: int, judged: Judged, *, below: Callable[[str], int]) -> Iterator[Leap]:
        """What the entries from `start` on up to `end` change, in stretches, those of a party left out from `below(party)` on.

        Only for a projection of standings, which is one without `of_entry`. Raises BrokenRecord.
        """


@dataclass
class Shadow:
    """A projection in the shadow views: how far it has come, what is not written yet, and how far it is to come."""

    built: Built
    projection: Projection
    policy: Policy
    below: Mapping[int, Reached] = field(default_factory=dict)
    """How far each partition is to be folded: up to that position."""
    due: int = 0
    """How many entries that are."""
    reached: dict[int, Reached] = field(default_factory=dict)
    pending: Pending = field(default_factory=Pending)
    full: set[int] = field(default_factory=set)
    """Partitions of which an entry was seen that is not to be folded."""

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Fold on from what is written."""
        self.reached = dict(self.built.reached)
        self.pending = pending_for(self.projection)

    def aim(self, below: Mapping[int, Reached], due: int) -> None:
        """Let it come so far: `due` entries."""
        self.below, self.due, self.full = below, due, set()

    @property
    def taken(self) -> int:
        """How many entries it has come."""
        return sum(each.taken for each in self.reached.values())

    @property
    def open(self) -> Mapping[int, Reached]:
        """Partitions that may hold what is to be folded, and how far they have come."""
        return {
            partition: at
            for partition, at in self.reached.items()
            if at.position < self.below[partition].position and partition not in self.full
        }

    @property
    def is_beyond(self) -> bool:
        """Whether it has come further than it is to: what readers see was begun anew, and is behind."""
        return any(at.position > self.below[partition].position for partition, at in self.reached.items())

    def take(self, run: Run) -> Entries:
        """What is new of a run of a partition, as far as that is to come: it counts as reached."""
        at, below = self.reached[run.partition], self.below[run.partition]
        new = _between(run.entries, at.position, below.position)
        if run.entries[-1][0] >= below.position:
            self.full.add(run.partition)
        if new:
            position = new[-1][0] + 1
            # Where the run goes on, what follows lies behind what was read before, or where readers' projector says.
            offset = max(at.offset, below.offset) if run.partition in self.full else run.offset
            self.reached[run.partition] = Reached(position, offset, at.taken + len(new))
        return new

    def take_part(self, partition: int, run: Run, entries: Entries) -> Entries:
        """What is new of those entries of a run of the log that are in one partition: there are no more in it so far."""
        at, below = self.reached[partition], self.below[partition]
        new = _between(entries, at.position, below.position)
        position = max(at.position, min(run.entries[-1][0] + 1, below.position))
        self.reached[partition] = Reached(position, run.offset, at.taken + len(new))
        return new

    def leap(self, leap: Leap, partition_of: Callable[[str], int]) -> None:
        """Take over what a stretch changes."""
        self.pending = leap.pending
        taken = Counter({partition: at.taken for partition, at in self.reached.items()})
        for party, count in leap.entry_counts.items():
            taken[partition_of(party)] += count
        for partition, at in self.reached.items():
            position = max(at.position, min(leap.position, self.below[partition].position))
            self.reached[partition] = Reached(position, position, taken[partition])


def _between(entries: Entries, first: int, below: int) -> Entries:
    """Of entries by their positions those from one position on up to another."""
    return entries[bisect_left(entries, first, key=itemgetter(0)) : bisect_left(entries, below, key=itemgetter(0))]
