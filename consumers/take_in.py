"""Taking in: reports that wait in partitions go on the record, with how far each partition has been read.

    1. take what follows in the partitions that are ours
    2. set aside what is refused where others look for it
    3. entries, refusals and the mark of the partition in one transaction
    4. say that it is done to whoever shows how much waits

A crash between any two of them loses and doubles nothing: reading goes on from the mark, and what is set aside twice says so by
where it came from. Where the mark has been moved by somebody else, the partition is theirs: nothing of it was written.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from consumers.intake import Incoming, Intake
from consumers.ports import Log, Mark, MarkMoved
from domain.refusal import Refusal


class Taken(NamedTuple):
    """Reports of one partition that follow each other, and how far it has been read once they are on the record."""

    batch: Sequence[Incoming]
    mark: Mark


class Reports(Protocol):
    """Where reports wait: partitions, some of which are ours, and which may change with every call of `take`."""

    def take(self, mark: Callable[[str], str | None]) -> Sequence[Taken]:
        """What follows in each partition that is ours; nothing where there is nothing yet. `mark` says where one was read to.

        Where there are several of one partition, each begins where the one before it ends.
        """

    def set_aside(self, taken: Taken, refused: Mapping[int, Refusal]) -> None:
        """Keep reports of what was taken, by their places, where whoever publishes reports sees what is refused.

        Returns once nothing that breaks can lose them.
        """

    def done(self, taken: Taken) -> None:
        """Told when what was taken is on the record."""

    def lost(self, taken: Taken) -> None:
        """Told when somebody else has taken it: where the partition has been read to is to be asked again."""


class TakingIn:
    """Takes reports in. Any number may run: each has partitions of its own, and one that has lost them is refused."""

    def __init__(self, log: Log, intake: Intake, reports: Reports) -> None:
        self._log = log
        self._intake = intake
        self._reports = reports

    def step(self) -> bool:
        """Take in what follows; False where there is nothing. Raises Conflict, NotWritten or Unreachable: then begin anew."""
        taken = self._reports.take(self._log.mark)
        for each in taken:
            try:
                self._intake.record(each.batch, each.mark, partial(self._reports.set_aside, each))
            except MarkMoved:
                self._reports.lost(each)
            else:
                # From here on it is on the record: whoever reads the partition next, begins behind it.
                self._reports.done(each)
        return bool(taken)
