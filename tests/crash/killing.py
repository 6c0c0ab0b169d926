"""What is killed, again and again, and what must be true in the end: of the record, the receipts, the views, each life."""

import os
import shutil
import subprocess
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path
from random import Random
from typing import NamedTuple

from domain.entry import Entry, leaf_hash
from domain.instant import parse
from domain.kinds import RESERVED
from infra import wiring
from infra.drivers import driving
from infra.settings import Settings
from infra.sqlite.connect import Connection
from infra.tables import all_built, digest
from projections.catalog import PROJECTIONS
from tests.crowd import crowd
from tests.ledgers import Ledger, Message
from tests.proof import prove, prove_recorded_once

ROOT = Path(__file__).resolve().parents[2]
UNTIL = parse("2025-06-01T00:00:00Z")
STREAMS = 160
LEDGER = "test"
ENDS_WITHIN_SECONDS = 120
BY_NAME = {each.name: each for each in PROJECTIONS}


class Come(NamedTuple):
    """How far the loops have come. None of these figures ever goes back."""

    entries: int = 0
    """Intake: entries on the record."""
    lapses: int = 0
    """The clock: of them, lapses."""
    folded: int = 0
    """Projectors: the positions of what readers see, added up."""
    built: int = 0
    """Rebuilding: how far the newest tables of each projection are, whether readers see them or not."""
    shown: int = 0
    """Swapping: the generations that readers see, added up."""


class Life(NamedTuple):
    """One life of the process: whether it was killed, at a named point or at any time, and how far it had come then."""

    killed: bool
    come: Come
    before: Come
    at_any_time: bool

    @property
    def came_on(self) -> bool:
        """Whether any loop came further in it."""
        return self.come != self.before


class Victim:
    """A folder with a ledger, reports to bring into it, and the lives of the processes that try to."""

    THREADS = 1
    """How many threads of the process may come by one point at once."""
    IDLE: dict[str, int] = {}  # noqa: RUF012
    """Points that the process comes by also while it has nothing to do, and about how often before it has done anything."""

    def __init__(self, home: Path, seed: int) -> None:
        self.home = home
        self.seed = seed
        self.reports = reports(seed)
        self.settings = Settings(home=home / "ledger", ledger=LEDGER)
        self.lives: list[Life] = []
        self.heard: list[tuple[tuple[str, str], tuple[int, str]]] = []
        """(source, id) of each report whose publisher heard of its receipt, and the position and hash that it was told."""
        home.mkdir(parents=True)

    def kill_at(self, point: str, chance: Random) -> Life:
        """Let a process live until some passing of the point before which any loop must have come on."""
        passings = self.THREADS + chance.randrange(1, 5) * self.IDLE.get(point, 1)
        return self._lived({"TROTH_FAILPOINT": f"{point}:{passings}"}, None, at_any_time=point in self.IDLE)

    def kill_after(self, seconds: float) -> Life:
        """Let a process live so long after it started, unless it is done before."""
        return self._lived({}, seconds, at_any_time=True)

    def finish(self) -> Life:
        """Let a process live until it is done."""
        return self._lived({}, None, at_any_time=False)

    def _lived(self, told: dict[str, str], seconds: float | None, *, at_any_time: bool) -> Life:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("TROTH_")}
        killed = self._live(environment | told, seconds)
        before = self.lives[-1].come if self.lives else Come()
        self.lives.append(Life(killed, self._come(), before, at_any_time))
        return self.lives[-1]

    def _live(self, environment: dict[str, str], seconds: float | None) -> bool:
        """One life; whether it was killed."""
        raise NotImplementedError

    def _come(self) -> Come:
        """How far the loops have come, seen in a copy, so that what a killed process left is opened first by the next one."""
        if not (self.settings.home / "ledger.sqlite").exists():
            return Come()
        with tempfile.TemporaryDirectory() as copied:
            shutil.copytree(self.settings.home, copied, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*-shm"))
            settings = Settings(home=Path(copied), ledger=LEDGER)
            wiring.make(settings)
            with closing(wiring.open_log(settings)) as log, closing(wiring.read_views(settings)) as views:
                kinds, built = log.count_by_kind(), all_built(views)
        newest = {each.name: each for each in sorted(built, key=lambda each: each.generation)}
        live = [each for each in built if each.live]
        return Come(
            sum(kinds.values()),
            sum(kinds.get(kind, 0) for kind in RESERVED),
            sum(each.position for each in live),
            sum(each.generation * 1_000_000 + each.position for each in newest.values()),
            sum(each.generation for each in live),
        )

    def verify(self) -> None:
        """Prove the record, the receipts that were heard, the views, and that every loop came on."""
        with driving(self.settings) as drivers:
            drivers.catch_up()
            stored = drivers.log.page(0, 10**9)
            built = drivers.views.built()
            shown = shown_by(drivers.views.connection)
            digests = {each.name: digest(drivers.views.reader, each, BY_NAME[each.name]) for each in built}
        record = prove(stored)
        prove_recorded_once(record, self.reports)
        assert digests == undisturbed(self.seed)
        assert {(each.position, each.live) for each in built} == {(len(record), True)}
        assert shown == {table.name: each.generation for each in built for table in BY_NAME[each.name].tables}
        assert [each.name for each in built] == sorted(BY_NAME)
        where = {(each.source, each.id): (one.position, leaf_hash(one.state)) for one, each in zip(stored, record, strict=True)}
        assert [(name, where[name]) for name, _ in self.heard] == self.heard
        self._verify_progress(record)

    def _verify_progress(self, record: list[Entry]) -> None:
        """No loop went back; a process that was let past its point once came on; and in the end all had come all the way."""
        last = self._come()
        for each in self.lives:
            assert all(now >= before for now, before in zip(each.come, each.before, strict=True)), each
            assert each.came_on or each.come == last or each.at_any_time, each
        assert last.entries == len(record)
        assert last.lapses == sum(each.kind in RESERVED for each in record) > 0


def shown_by(views: Connection) -> dict[str, int]:
    """Of which generation the rows are that readers see, by table; there are no others."""
    named = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE '%!_!_%' ESCAPE '!'"
    tables = [name for (name,) in views.execute(named)]
    seen = dict(views.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'view'").fetchall())
    generations = {name: int(sql.rpartition("__")[2]) for name, sql in seen.items()}
    assert sorted(tables) == sorted(f"{name}__{generation}" for name, generation in generations.items())
    return generations


def kill_after(process: subprocess.Popen[bytes], seconds: float) -> None:
    """kill -9 the process when it has lived so long, unless it has ended by then."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()


@cache
def reports(seed: int) -> list[Message]:
    """What is to be brought in."""
    return crowd(seed, STREAMS, parties=12, until=UNTIL)


@cache
def undisturbed(seed: int) -> dict[str, str]:
    """The digests of a ledger that was told the same and never disturbed."""
    with tempfile.TemporaryDirectory() as home, Ledger(Path(home)) as ledger:
        for begun in range(0, len(reports(seed)), 500):
            ledger.receipts(*reports(seed)[begun : begun + 500])
        return ledger.settle()
