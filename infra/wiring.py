"""Wiring: the one place that knows which files and databases the settings ask for, and opens them."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from importlib.resources import files
from typing import Protocol

from consumers.intake import Incoming, Intake, Outcome
from consumers.ports import Clock, Lock
from domain import policy as policies
from domain.entry import Receipt
from domain.report import LEDGER_SOURCE, Report
from infra.record import NoLedgerHere, Quarantine, Record, Schemas
from infra.settings import Settings
from infra.sqlite.store import Files
from infra.tables import KeptViews, Reader

POLICY_SOURCE = LEDGER_SOURCE + "policy"


def now() -> int:
    """The time of day, in microseconds since 1970 UTC."""
    return time.time_ns() // 1_000


class Store(Protocol):
    """Where a ledger is kept: in files, or in a database."""

    schemas: Schemas
    """The versions of the schemas that this troth reads and writes there."""

    @property
    def where(self) -> str:
        """Where that is, in words, without any secret."""

    def making(self, clock: Clock) -> AbstractContextManager[None]:
        """The record is made when the block begins, unless it is there; inside, the rest is."""

    def log(self, clock: Clock) -> Record:
        """The record. Raises NoLedgerHere, UnknownSchema or Unreachable."""

    def quarantine(self) -> Quarantine:
        """What was refused."""

    def views(self) -> KeptViews:
        """The views, to be written; made where there are none yet."""

    def reader(self) -> Reader:
        """The views, to be read only."""

    def lock(self, what: str) -> Lock:
        """A lock by name. Raises NoLedgerHere."""


def store(settings: Settings) -> Store:
    """Where the settings say that the ledger is kept."""
    if settings.database is None:
        return Files(settings.home, settings.ledger)
    from infra.postgres.store import Database  # noqa: PLC0415  # a third of a second that who uses files need not wait

    return Database(settings.database.get_secret_value(), settings.ledger)


def make(settings: Settings, clock: Clock = now) -> None:
    """Make the ledger, under the policy that troth ships, unless it is there already. Any number of processes may."""
    kept = store(settings)
    with kept.making(clock):
        with closing(open_log(settings, clock)) as log:
            if not log.of_party(policies.SUBJECT):
                adopt(open_intake(log, clock=clock), shipped_policy(), in_force_from=0)
        kept.views().close()


def where(settings: Settings) -> str:
    """Where the ledger is, in words, without any secret."""
    return store(settings).where


def open_log(settings: Settings, clock: Clock = now) -> Record:
    """The ledger's record. Raises NoLedgerHere, UnknownSchema or Unreachable."""
    log = store(settings).log(clock)
    if settings.kafka is not None and log.name != settings.ledger:  # topics are named by it
        log.close()
        raise NoLedgerHere(f"the ledger in {where(settings)} is {log.name}, not {settings.ledger}: set TROTH_LEDGER={log.name}")
    return log


def open_intake(log: Record, observe: Callable[[Sequence[Outcome]], None] = lambda _: None, clock: Clock = now) -> Intake:
    """An intake that records in this log."""
    return Intake(log, log.name, clock, observe=observe)


def open_quarantine(settings: Settings) -> Quarantine:
    """What was refused."""
    return store(settings).quarantine()


def open_views(settings: Settings) -> KeptViews:
    """The views, to be written; made where there are none yet."""
    return store(settings).views()


def read_views(settings: Settings) -> Reader:
    """The views, to be read only."""
    return store(settings).reader()


def lock(settings: Settings, what: str) -> Lock:
    """A lock of this ledger's, by name. Raises NoLedgerHere."""
    return store(settings).lock(what)


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
