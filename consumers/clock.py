"""The ledger's own clock: records lapses when their time has come, once each, also after having been down for days.

It reads the agenda, which knows the next due time without looking at anything else. What it records is weighed like any report,
against all that is on the record at that moment: where the promise was kept meanwhile, nothing is recorded.
"""

from hashlib import sha256
from typing import NamedTuple, Protocol

from consumers.intake import Incoming, Intake
from consumers.ports import Clock
from domain.entry import content
from domain.kinds import KINDS
from domain.report import LEDGER_SOURCE, Report

SOURCE = LEDGER_SOURCE + "clock"
AT_ONCE = 1_000


class Due(NamedTuple):
    """A lapse whose time has come."""

    stream: str
    kind: str
    at: int
    party: str
    fact: str


class Agenda(Protocol):
    """What will lapse, and when."""

    def due(self, now: int, limit: int) -> list[Due]:
        """What has come due at or before `now`, the earliest first."""

    def next_at(self) -> int | None:
        """When the next lapse is due, or None where nothing is."""


class LapseClock:
    """Records what lapses."""

    def __init__(self, agenda: Agenda, intake: Intake, clock: Clock) -> None:
        self._agenda = agenda
        self._intake = intake
        self._clock = clock

    def tick(self) -> int:
        """Record what has come due; return how many lapses that was. Call it when the views have caught up."""
        due = self._agenda.due(self._clock(), AT_ONCE)
        return self._intake.record_if_counting([Incoming("clock", report=lapse(each)) for each in due]) if due else 0

    def next_at(self) -> int | None:
        """When the next lapse is due."""
        return self._agenda.next_at()


def lapse(due: Due) -> Report:
    """The report of a lapse. It happens when it is due, and its id says which lapse it is: once for each target that it missed.

    A promise made after its due time is overdue from when it was made; the due time may be put right, and that moment stays.
    A target that a pause moved stays what it was, and the moment is another: where a pause becomes known late, the lapse that
    was recorded is void by then, and the one at the later moment is another lapse.
    """
    fact = KINDS[due.kind].model_validate_json(due.fact)
    missed = sha256(content(fact)).hexdigest()[:16]
    return Report(due.kind, due.party, due.at, SOURCE, f"{due.kind}:{due.stream}:{due.at}:{missed}", fact)
