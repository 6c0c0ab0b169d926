"""Plays the year into a ledger: day by day through the intake, with the views and the ledger's own clock behind it.

The clock is the year's, so that what was known when can be asked: what arrives in a day is recorded at eight in the evening,
and lapses are recorded that evening too. A mark in the ledger says how far the year has come; it moves in the transaction
that records a day, so a demo that was killed goes on where it was.
"""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Final, NamedTuple

from consumers.intake import Incoming, Intake
from consumers.ports import Mark
from domain.instant import DAY, HOUR
from infra import wiring
from infra.demo import year
from infra.demo.telling import Arriving
from infra.drivers import Drivers, driving
from infra.record import NoLedgerHere
from infra.settings import Settings

SEED: Final = 1
MARK: Final = "demo"
WHOLE: Final = "whole"
SUMMARY: Final = "{entries:,} entries about {parties} parties: a year of Kestrel Coffee until {until} (seed {seed}), in {home}"
COMMANDS: Final = (
    ("troth board --by team", "which team keeps its word, and how surely that is known"),
    ("troth show harbour-hotel", "all that lies between us and one customer"),
    ("troth explain old-mill-cafe", "why its trust has sunk, to the last millionth"),
    ("troth parties --sort overdue", "who waits for what we promised, and how far they trust us"),
    ("troth timeline northgate-offices", "a customer whom nobody called any more"),
)
"""What is worth trying on the demo's ledger, and what each shows."""


class NotTheDemos(Exception):
    """The folder holds a ledger that is not the demo's, or the demo of another year."""


class NotOnKafka(Exception):
    """The year is played by one process that drives the views itself, day by day; with Kafka others drive them."""


class Played(NamedTuple):
    """Which year the ledger holds, and how much of it."""

    seed: int
    until: date
    entries: int
    parties: int


class _Year(NamedTuple):
    seed: int
    until: date

    def reached(self, what: str) -> str:
        return f"{self.seed} {self.until} {what}"


class _Clock:
    """The time of the year that is being played, in microseconds since 1970 UTC."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


def play(settings: Settings, seed: int | None = None, until: date | None = None) -> Played:
    """Fill an empty folder with the year, or finish one that was begun. Raises NotTheDemos or NotOnKafka."""
    held, reached = _held(settings)
    asked = _Year(SEED if seed is None else seed, _yesterday() if until is None else until)
    if asked.until > _yesterday():
        raise NotTheDemos("the demo's year ends yesterday or earlier: what has not happened yet cannot be reported")
    if held is not None and held != (held.seed if seed is None else seed, until or held.until):
        raise NotTheDemos(f"{wiring.where(settings)} holds the demo's year until {held.until} of seed {held.seed}")
    which = held or asked
    if reached != WHOLE:
        if settings.kafka is not None:
            raise NotOnKafka("the demo's year cannot be played with Kafka: unset TROTH_KAFKA")
        _play(settings, which, int(reached) if reached else 0)
    with closing(wiring.open_log(settings)) as log, closing(wiring.read_views(settings)) as views:
        parties = views.execute("SELECT COUNT(*) FROM party_totals").fetchone()[0]
        return Played(which.seed, which.until, log.end(), parties)


def _held(settings: Settings) -> tuple[_Year | None, str | None]:
    """Which year the ledger holds, and how far it has come; none where there is no ledger, or nothing in it."""
    try:
        opened = wiring.open_log(settings)
    except NoLedgerHere:
        return None, None
    with closing(opened) as log:
        mark = log.mark(MARK)
        if mark is None and log.end() > 1:  # more than the policy that every ledger begins with
            raise NotTheDemos(f"{wiring.where(settings)} holds a ledger that is not the demo's")
    if mark is None:
        return None, None
    seed, until, reached = mark.split()
    return _Year(int(seed), date.fromisoformat(until)), reached


def _play(settings: Settings, which: _Year, first_day: int) -> None:
    start = year.begins_at(which.until)
    clock = _Clock(start)
    wiring.make(settings, clock)
    with driving(settings, clock) as drivers:
        intake = wiring.open_intake(drivers.log, clock=clock)
        for day, arriving in _days(which, start, first_day):
            clock.now = min(start + day * DAY + 20 * HOUR, year.ends_at(which.until))  # the last evening ends with the year
            _record(intake, drivers, which, arriving, str(day + 1))
            _bring_on(drivers)
        clock.now = year.ends_at(which.until)
        _bring_on(drivers)
        _record(intake, drivers, which, [], WHOLE)
        drivers.catch_up()


def _days(which: _Year, start: int, first_day: int) -> Iterator[tuple[int, list[Arriving]]]:
    """What arrives until eight in the evening of each day, without the days that were played before."""
    reports = year.reports(which.seed, which.until)
    for day, arriving in groupby(reports, key=lambda each: (each.at - start + 4 * HOUR) // DAY):
        if day >= first_day:
            yield day, list(arriving)


def _record(intake: Intake, drivers: Drivers, which: _Year, arriving: list[Arriving], reached: str) -> None:
    mark = Mark(MARK, drivers.log.mark(MARK), which.reached(reached))
    intake.record([Incoming("demo", each.raw) for each in arriving], mark)


def _bring_on(drivers: Drivers) -> None:
    """Project what was recorded, and record what has lapsed by now, until nothing more has."""
    while drivers.projector.step() or drivers.clock.tick():
        pass


def _yesterday() -> date:
    return datetime.fromtimestamp(wiring.now() / 1_000_000, UTC).date() - timedelta(days=1)
