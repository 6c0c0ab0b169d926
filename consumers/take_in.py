"""Taking in: reports that come by partitions, each batch with how far that partition has been read, in one transaction.

    1. see which partitions are ours; read from the marks on the record where each of them goes on
    2. take what follows in one of them; record it, and the mark with it
    3. set what was refused aside where its publishers look for it, and wait until it is there
    4. only then say how far we are

The mark says from where the last batch began and who recorded it. Whoever begins anew, after a crash or because the partition
was dealt to it, takes that batch once more: what was recorded gets the receipt that it has, what was refused is refused again,
and is set aside once at the least. From then on whoever had the partition before cannot move the mark any more: its batch is
refused whole.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from consumers.intake import Incoming, Intake
from consumers.ports import Log, Mark
from domain.refusal import Refusal

AT_ONCE = 1_000


class Batch(NamedTuple):
    """Reports of one partition that follow each other, from one offset up to another."""

    partition: int
    start: int
    end: int
    reports: Sequence[Incoming]


class Reports(Protocol):
    """Where reports come from: partitions of which some are dealt to us."""

    def dealt(self) -> bool:
        """Whether partitions were dealt out since this was asked last."""

    def assigned(self) -> Mapping[int, str]:
        """The partitions that are ours now, each with the name of its mark."""

    def seek(self, partition: int, offset: int | None) -> None:
        """Read a partition from there on, or from its beginning. Raises Unfit where that is gone."""

    def poll(self, limit: int) -> Sequence[Batch]:
        """What follows, as soon as there is something; nothing after a while."""

    def set_aside(self, batch: Batch, refused: Mapping[int, Refusal]) -> None:
        """Put the reports with these indexes where their publishers find them. Returns when they are there for good."""

    def done(self, batch: Batch) -> None:
        """Say that a batch was taken in."""

    def close(self) -> None:
        """Let others have the partitions."""


class TakingIn:
    """Records what comes in. Any number of processes may; each has partitions of its own."""

    def __init__(self, reports: Reports, log: Log, intake: Intake, who: str) -> None:
        """`who` tells this one from all others that ever took reports in, itself of before an outage among them."""
        self._reports = reports
        self._log = log
        self._intake = intake
        self._who = who
        self._marks: dict[int, Mark] = {}
        self._finished: dict[str, str] = {}

    def step(self) -> bool:
        """Record what follows; False where there is nothing yet.

        Raises Conflict where another has a partition by now: nothing of the batch was recorded, and this one begins anew.
        """
        if self._reports.dealt():
            self._take_over()
        batches = self._reports.poll(AT_ONCE)
        if self._reports.dealt():
            self._take_over()  # what was polled may be from a place that nobody asked for
            return True
        for batch in batches:
            self._record(batch)
        return bool(batches)

    def _take_over(self) -> None:
        self._marks = {}
        for partition, name in self._reports.assigned().items():
            before = self._log.mark(name)
            self._marks[partition] = Mark(name, before, "")
            self._reports.seek(partition, None if before is None else self._next(name, before))

    def _next(self, name: str, mark: str) -> int:
        """Where reading goes on behind a mark: behind its batch where we ourselves have seen to all of that."""
        start, end, _ = mark.split()
        return int(end if self._finished.get(name) == mark else start)

    def _record(self, batch: Batch) -> None:
        name, before, _ = self._marks[batch.partition]
        mark = Mark(name, before, f"{batch.start} {batch.end} {self._who}")
        outcomes = self._intake.record(batch.reports, mark)
        self._marks[batch.partition] = Mark(name, mark.after, "")
        refused = {index: each for index, each in enumerate(outcomes) if isinstance(each, Refusal)}
        if refused:
            self._reports.set_aside(batch, refused)
        self._finished[name] = mark.after
        self._reports.done(batch)
