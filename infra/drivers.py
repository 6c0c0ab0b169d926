"""The loops that drive a ledger, put together: what brings its views up to date, and its record to the time of day."""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from consumers.clock import LapseClock
from consumers.feed import LogFeed
from consumers.intake import Outcome
from consumers.ports import Clock, Conflict, Fenced, NotWritten, Progress
from consumers.project import Projector
from infra import metrics, wiring
from infra.agenda import AgendaInViews
from infra.asking.ranking import Ranking
from infra.failpoint import failpoint
from infra.running import Running
from infra.settings import Settings
from infra.sqlite import views as sqlite_views
from infra.sqlite.views import SQLiteViews
from projections.catalog import PROJECTIONS

OUTAGES = (NotWritten, Conflict, Fenced)
"""What says that something is only away for a while, or that another was faster: the loop is made anew and tries again."""


class DrivenElsewhere(Exception):
    """Another process, such as `troth serve`, drives this ledger's views."""


class Drivers:
    """The loops that bring views up to date: projector, clock, ranking of parties. One process has them at a time."""

    def __init__(
        self, settings: Settings, observe: Callable[[Sequence[Outcome]], None] = lambda _: None, clock: Clock = wiring.now
    ) -> None:
        self._now = clock
        self.log = wiring.open_log(settings, clock)
        self._lock = _drive(settings.home)
        self.views: SQLiteViews = sqlite_views.open_views(settings.home)
        self.projector = Projector(self.log, LogFeed(self.log), self.views, PROJECTIONS, clock)
        self.projector.begin_what_is_wanted()
        self.clock = LapseClock(AgendaInViews(self.views.reader), wiring.open_intake(self.log, observe, clock), clock)
        self.ranking = Ranking(self.views.ranked, self.views.reader, self.log)

    def step(self) -> bool:
        """Bring the views nearer to the record and the record to the time of day; False where there is nothing to do."""
        if self.projector.step():
            return True
        failpoint("before_tick")
        lapsed = self.clock.tick()
        failpoint("after_tick")
        return lapsed > 0 or self.ranking.refresh(self.projector.policy, self._now()) > 0

    def catch_up(self, progress: Progress = lambda done, total: None) -> None:
        """Step until there is nothing to do."""
        self.projector.catch_up(progress)
        while self.step():
            pass

    def close(self) -> None:
        """Give the files and the lock back."""
        self.views.close()
        self.log.close()
        os.close(self._lock)


def running(settings: Settings) -> list[Running]:
    """The loops of this ledger, each in a thread of its own. Raises DrivenElsewhere."""

    def begin() -> Drivers:
        return Drivers(settings, metrics.observe_outcomes)

    return [Running("drivers", begin, settings.poll_milliseconds / 1000, OUTAGES, begun=begin())]


@contextmanager
def driving(settings: Settings, clock: Clock = wiring.now) -> Iterator[Drivers]:
    """The drivers, for as long as the block lasts. Raises DrivenElsewhere."""
    drivers = Drivers(settings, clock=clock)
    try:
        yield drivers
    finally:
        drivers.close()


def driven(home: Path) -> bool:
    """Whether some process drives the ledger in this folder."""
    try:
        with undriven(home):
            return False
    except DrivenElsewhere:
        return True


@contextmanager
def undriven(home: Path) -> Iterator[None]:
    """Nobody drives the ledger in this folder for as long as the block lasts. Raises DrivenElsewhere."""
    handle = _drive(home)
    try:
        yield
    finally:
        os.close(handle)


def _drive(home: Path) -> int:
    """Hold the folder's driver lock. Raises DrivenElsewhere."""
    try:
        return wiring.locked(home / "drivers.lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise DrivenElsewhere(f"another process drives the views in {home}") from None
