"""Reading a partition of the entries: that what comes is what follows, from one number in each of them.

Every entry names the position before it in its partition. So whoever knows how far a partition has been folded knows that
nothing is missing, doubled or misplaced, wherever Kafka keeps it: the offset is a hint, and one that turns out wrong is looked
for from the beginning.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import chain
from operator import attrgetter, itemgetter, lt

from consumers.ports import BrokenRecord, Reached
from infra import log
from infra.kafka.published import Published, Unreadable, decode, read

ANEW = "nothing more is computed from it; delete the topic, and `troth run relay` publishes it anew from the record"
"""What to do about a topic that is not what the relay published."""

_positions = attrgetter("position")
_previous = attrgetter("previous")
Values = Sequence[bytes | None]
Linked = list[tuple[int, Published]]


class Chain:
    """One partition as it is read: `position` is that of the next entry at the least, `offset` where to look for it."""

    def __init__(self, topic: str, partition: int) -> None:
        self._topic = topic
        self._partition = partition
        self.position = -1
        self.offset = 0
        self._last: int | None = None
        self._first = self._end = 0
        self._hinted = self._searching = False

    def begin(self, reached: Reached, first: int, end: int) -> int:
        """The offset from which to read on behind `reached`. `first` and `end` are those that the partition has now.

        It is that of the entry before, where there is one: whether that is the one that it should be shows whether the hint
        is right, also where nothing follows. Raises BrokenRecord where what follows is gone.
        """
        offset = reached.offset if reached.position else 0
        if offset < first:
            raise self._broken(f"all below offset {first} is gone, and was to be read from {offset} on: {ANEW}")
        self.position, self.offset = reached.position, max(offset - 1, first)
        self._first, self._end = first, end
        self._last = reached.position - 1 if reached.position else None
        self._hinted, self._searching = reached.position > 0, False
        return self._search() if self._hinted and not 0 < offset <= end else self.offset

    def link(self, values: Values, offsets: Sequence[int]) -> Linked | None:
        """The entries in records that follow each other, with their positions; what has been folded already is left out.

        None where the hint was wrong: `offset` then says where to read from. Raises BrokenRecord.
        """
        if self._hinted:
            self._hinted = False
            found = self._read(values, offsets, 0)
            if found.position == self._last:
                values, offsets, self.offset = values[1:], offsets[1:], offsets[0] + 1
            elif found.previous != self._last:
                self._search()
                return None
        if not values:
            return []
        linked = link(values, self._last)
        if linked is None:
            raise self._unlinked(values, offsets)
        if self._searching:
            linked = self._behind_what_was_sought(linked, offsets)
        else:
            self._last = linked[-1][0]
        self.offset = offsets[-1] + 1
        if linked:
            self.position = linked[-1][0] + 1
        return linked

    def look(self) -> None:
        """Raise BrokenRecord where the search has come to the end in vain."""
        if self._searching and self.offset >= self._end:
            raise self._broken(
                f"it ends at offset {self._end}, before position {self.position}, and was read as far before: "
                "was it made anew? `troth run relay` publishes it again; start this when it has"
            )

    def _search(self) -> int:
        where = f"{self._topic} {self._partition}"
        log.get().warning("searched_from_the_beginning", name=where, position=self.position)
        self._searching, self._hinted, self._last, self.offset = True, False, None, self._first
        return self.offset

    def _behind_what_was_sought(self, linked: Linked, offsets: Sequence[int]) -> Linked:
        """What follows the position that is searched; the search is over once the one before it has been seen."""
        sought = self.position - 1 if self.position else None
        behind = bisect_left(linked, self.position, key=itemgetter(0))
        before = linked[behind - 1][0] if behind else self._last
        self._last = linked[-1][0]
        if before == sought:
            self._searching = False
        elif behind < len(linked):
            raise self._broken(f"at offset {offsets[behind]} position {sought}, which was read before, is missing: {ANEW}")
        return linked[behind:]

    def _unlinked(self, values: Values, offsets: Sequence[int]) -> BrokenRecord:
        """What is wrong with the first record that does not follow the one before it."""
        last = self._last
        for index, offset in enumerate(offsets):
            entry = self._read(values, offsets, index)
            if entry.previous != last or (last is not None and entry.position <= last):
                return self._broken(
                    f"at offset {offset} position {entry.position} says that it follows {_named(entry.previous)}, "
                    f"and it comes behind {_named(last)}: entries are missing, doubled or in another order; {ANEW}"
                )
            last = entry.position
        raise AssertionError("records that follow each other were taken for others")

    def _read(self, values: Values, offsets: Sequence[int], index: int) -> Published:
        try:
            return read(values[index])
        except BrokenRecord as broken:
            before = f"the last position before it that was read is {_named(self._last)}"
            raise self._broken(f"at offset {offsets[index]}: {broken}; {before}; {ANEW}") from None

    def _broken(self, what: str) -> BrokenRecord:
        return BrokenRecord(f"partition {self._partition} of {self._topic}: {what}")


def link(values: Values, last: int | None) -> Linked | None:
    """The entries in these values, with their positions; None where one of them does not follow the one before it.

    Replay spends its time here: no step of it is taken in Python for each entry.
    """
    try:
        entries = [*map(decode, values)]
    except Unreadable:
        return None
    positions = [*map(_positions, entries)]
    if [*map(_previous, entries)] != [last, *positions[:-1]]:
        return None
    floor = -1 if last is None else last
    if not all(map(lt, chain((floor,), positions), positions)):
        return None
    return [*zip(positions, entries, strict=True)]


def _named(position: int | None) -> str:
    return "none" if position is None else f"position {position}"
