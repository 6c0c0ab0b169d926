"""The composition root: the one place that opens the ledger's files and puts the loops together."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path

from consumers.clock import LapseClock
from consumers.feed import LogFeed
from consumers.intake import Incoming, Intake, Outcome
from consumers.ports import Clock, Progress
from consumers.project import Projector
from domain import policy as policies
from domain.entry import Receipt
from domain.report import LEDGER_SOURCE, Report
from infra.asking.ranking import Ranking
from infra.failpoint import failpoint
from infra.record import NoLedgerHere, Quarantine, Record
from infra.settings import Settings
from infra.sqlite import log as sqlite_log
from infra.sqlite import views as sqlite_views
from infra.sqlite.agenda import SQLiteAgenda
from infra.sqlite.connect import Connection, connect
from infra.sqlite.log import SQLiteLog
from infra.sqlite.quarantine import Quarantine as SQLiteQuarantine
from infra.sqlite.views import SQLiteViews
from projections.catalog import PROJECTIONS

POLICY_SOURCE = LEDGER_SOURCE + "policy"


class DrivenElsewhere(Exception):
    """Another process, such as `troth serve`, drives this ledger's views."""


def now() -> int:
    """The time of day, in microseconds since 1970 UTC."""
    return time.time_ns() // 1_000


def make(settings: Settings, clock: Clock = now) -> None:
    """Make the ledger in its folder, under the policy that troth ships, unless it is there already."""
    with _making(settings.home):
        sqlite_log.create(settings.home, settings.ledger, clock())
        with closing(open_log(settings, clock)) as log:
            if not log.of_party(policies.SUBJECT):
                adopt(open_intake(log, clock=clock), shipped_policy(), in_force_from=0)
        sqlite_views.open_views(settings.home).close()


def open_log(settings: Settings, clock: Clock = now) -> Record:
    """The ledger's record. Raises NoLedgerHere or UnknownSchema."""
    return SQLiteLog(settings.home, clock)


def open_intake(log: Record, observe: Callable[[Sequence[Outcome]], None] = lambda _: None, clock: Clock = now) -> Intake:
    """An intake that records in this log."""
    return Intake(log, log.name, clock, observe=observe)


def open_quarantine(settings: Settings) -> Quarantine:
    """What was refused."""
    return SQLiteQuarantine(connect(settings.home / sqlite_log.FILE))


def read_views(settings: Settings) -> Connection:
    """A read-only connection to the views."""
    return connect(settings.home / sqlite_views.FILE, read_only=True)


def shipped_policy() -> policies.Policy:
    """The policy that comes with troth."""
    return policies.read(files("infra").joinpath("policies", "default.toml").read_text("utf-8"))


def adopt(intake: Intake, policy: policies.Policy, in_force_from: int) -> Receipt:
    """Put a policy on the record, in force from an instant (microseconds since 1970 UTC). Raises the Refusal."""
    fact = policies.PolicyAdopted(policy=policy)
    ident = f"{policy.version}:{in_force_from}"
    report = Report(fact.KIND, policies.SUBJECT, in_force_from, POLICY_SOURCE, ident, fact)
    (outcome,) = intake.record([Incoming("policy", report=report)])
    if not isinstance(outcome, Receipt):
        raise outcome
    return outcome


class Drivers:
    """The loops that bring views up to date: projector, clock, ranking of parties. One process has them at a time."""

    def __init__(
        self, settings: Settings, observe: Callable[[Sequence[Outcome]], None] = lambda _: None, clock: Clock = now
    ) -> None:
        self._now = clock
        self.log = open_log(settings, clock)
        self._lock = _drive(settings.home)
        self.views: SQLiteViews = sqlite_views.open_views(settings.home)
        self.projector = Projector(self.log, LogFeed(self.log), self.views, PROJECTIONS, clock)
        self.projector.begin_what_is_wanted()
        self.clock = LapseClock(SQLiteAgenda(self.views.connection), open_intake(self.log, observe, clock), clock)
        self.ranking = Ranking(self.views.connection, self.log)

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


@contextmanager
def driving(settings: Settings, clock: Clock = now) -> Iterator[Drivers]:
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
        return _lock(home / "drivers.lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise DrivenElsewhere(f"another process drives the views in {home}") from None


@contextmanager
def _making(home: Path) -> Iterator[None]:
    """Wait until nobody else makes the ledger in this folder: two that open a new SQLite file at once lock each other out."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        handle = _lock(home / "making.lock", fcntl.LOCK_EX)
    except OSError as wrong:
        raise NoLedgerHere(f"no ledger can be made in {home}: {wrong.strerror}") from wrong
    try:
        yield
    finally:
        os.close(handle)


def _lock(path: Path, how: int) -> int:
    """Lock a file; the system gives the lock back when the handle is closed or the process ends, however it ends."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, how)
    except BaseException:
        os.close(handle)
        raise
    return handle
