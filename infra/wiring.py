"""Wiring: the one place that knows which files and databases the settings ask for, and opens them."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path

from consumers.intake import Incoming, Intake, Outcome
from consumers.ports import Clock
from domain import policy as policies
from domain.entry import Receipt
from domain.report import LEDGER_SOURCE, Report
from infra.record import NoLedgerHere, Quarantine, Record
from infra.settings import Settings
from infra.sqlite import log as sqlite_log
from infra.sqlite import views as sqlite_views
from infra.sqlite.connect import connect
from infra.sqlite.log import SQLiteLog
from infra.sqlite.quarantine import Quarantine as SQLiteQuarantine
from infra.sqlite.reader import SQLiteReader
from infra.tables import Reader

POLICY_SOURCE = LEDGER_SOURCE + "policy"


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


def read_views(settings: Settings) -> Reader:
    """The views, to be read only."""
    return SQLiteReader(connect(settings.home / sqlite_views.FILE, read_only=True))


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


@contextmanager
def _making(home: Path) -> Iterator[None]:
    """Wait until nobody else makes the ledger in this folder: two that open a new SQLite file at once lock each other out."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        handle = locked(home / "making.lock", fcntl.LOCK_EX)
    except OSError as wrong:
        raise NoLedgerHere(f"no ledger can be made in {home}: {wrong.strerror}") from wrong
    try:
        yield
    finally:
        os.close(handle)


def locked(path: Path, how: int) -> int:
    """The handle of a locked file; the system gives the lock back when it is closed or the process ends, however it ends."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, how)
    except BaseException:
        os.close(handle)
        raise
    return handle
