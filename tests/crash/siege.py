"""A ledger's drivers as processes on Kafka and a database, killed again and again while reports come in; what must hold then.

Each driver is a process of its own. One that is killed is started again at once, to be killed at the next point; the others go
on. Two publishers report meanwhile, by Kafka and by HTTP, much of it twice, and some of it is nothing that can be recorded.
"""

import signal
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from itertools import cycle
from pathlib import Path
from random import Random
from threading import Event
from typing import NamedTuple

from domain.entry import leaf_hash
from domain.instant import parse
from domain.kinds import RESERVED
from infra import rebuilding, wiring
from infra.kafka import topics
from infra.kafka.connect import administering
from infra.tables import all_built
from projections.catalog import PROJECTIONS
from tests.crash.reporting import ByHTTP, ByKafka
from tests.crowd import crowd
from tests.fleet import Fleet, Member
from tests.forked import Forked
from tests.ledgers import Ledger, Message
from tests.proof import prove, prove_recorded_once
from tests.published import ends_of, prove_published, quick_topics, records_on
from tests.services.kafka import free_ports

ANY_TIME = "any time"
PARTITIONS = 4
UNTIL = parse("2025-06-01T00:00:00Z")
POLL_MILLISECONDS = 20
RUNS = ('"event": "running"', '"event": "serving"')
"""What a process says once it runs."""
LIFE_SECONDS = 30
"""How long a process is given to come to the point at which it is to be killed."""
SETTLE_SECONDS = 90
TELL_EVERY_SECONDS = 0.1
TOLD_AT_ONCE = 3
RECORDING = ("batch_read", "before_append", "inside_append", "after_append")
POINTS: Mapping[str, tuple[str, ...]] = {
    "intake": ("after_poll", "after_setting_aside", *RECORDING, "before_commit", "after_commit"),
    "relay": (*RECORDING[1:], "before_produce", "after_produce", "before_ack", "after_ack"),
    "project": (
        *("inside_build", "after_poll", "before_views", "inside_views", "after_views", "before_commit", "after_commit"),
        *("inside_rebuild", "before_swap", "inside_swap", "after_swap"),
    ),
    "clock": ("before_tick", "after_tick", *RECORDING),
    "api": RECORDING,
}
"""Which points the process of each driver comes by."""
REBUILDING = ("inside_rebuild", "before_swap", "inside_swap", "after_swap")
"""Points that are passed while a projection is rebuilt: one is begun for a process that is to be killed there."""
FIRST = ("inside_build",)
"""Points that are passed when a ledger is new, once for each projection: the first lives of a projector come by them."""
FIRST_LIVES = 4
RARE = ("after_setting_aside",)
"""Points that are passed a few times in a life."""
IDLE = {"before_tick": 1_000 // POLL_MILLISECONDS, "after_tick": 1_000 // POLL_MILLISECONDS}
"""Points that a process comes by also while it has nothing to do, and about how often before it has done anything."""
COMES_ON = {
    *(("intake", each) for each in ("inside_append", "after_append", "before_commit", "after_commit")),
    *(("relay", each) for each in ("before_produce", "after_produce", "before_ack", "after_ack")),
    *(("project", each) for each in ("before_views", "inside_views", "after_views", "before_commit", "after_commit")),
    *(("clock", each) for each in ("inside_append", "after_append")),
}
"""Points that a driver passes a second time only when it has come on since the first.

`before_append` is none of them: who was beaten to a stream weighs again, and passes it again.
"""


class Life(NamedTuple):
    """One life of a driver: where it was to be killed, whether it was, and how far it had come before, and by then."""

    driver: str
    point: str
    killed: bool
    before: int
    come: int


class Told(NamedTuple):
    """Where a driver is to be killed next: at some passing of a point, or so many seconds after it said that it runs."""

    point: str
    passing: int = 0
    after_seconds: float = 0.0


def told(driver: str, point: str, chance: Random) -> Told:
    """That it is to be killed at this point, or at any time."""
    if point == ANY_TIME:
        return Told(point, after_seconds=chance.uniform(0.0, 2.0))
    if point in (*REBUILDING, *RARE) or (driver == "relay" and point in RECORDING):
        return Told(point, 1)
    if point in FIRST:  # so that there is still one to be built in the last of the first lives
        return Told(point, chance.choice((1, 2)))
    return Told(point, (1 if point in IDLE else 2) + chance.randrange(3) * IDLE.get(point, 1))


class _Victim:
    """A driver's process, and what it was told."""

    def __init__(self, fleet: Fleet, driver: str, told: Told | None, before: int) -> None:
        failing = {"TROTH_FAILPOINT": f"{told.point}:{told.passing}"} if told and told.passing else {}
        self.member: Member = fleet.start(driver, TROTH_INSTANCE=f"{driver}-1", **failing)
        self.driver = driver
        self.told = told
        self.before = before
        self._ran_at: float | None = None

    def has_ended(self) -> bool:
        """Whether this life is over; one that is to be killed at any time is killed here when its time has come."""
        if self.told is None:
            return False
        if self.member.process.poll() is not None:
            return True
        if self._ran_at is None:
            if not runs(self.member):
                return False
            self._ran_at = time.monotonic()
        ran = time.monotonic() - self._ran_at
        if self.told.point == ANY_TIME and ran > self.told.after_seconds:
            self.member.kill()
        elif ran > LIFE_SECONDS:
            self.member.stop()
        return self.member.process.poll() is not None

    def life(self, come: int) -> Life:
        """What has become of it."""
        code = self.member.process.returncode
        unheard = code == -signal.SIGTERM and not runs(self.member)  # it was told to stop before it could hear that
        assert unheard or code in (0, -signal.SIGKILL), (self.driver, self.told, code, self.member.said()[-3000:])
        assert self.told is not None
        return Life(self.driver, self.told.point, code == -signal.SIGKILL, self.before, come)


class Siege:
    """One ledger, the processes that drive it, those who report to it, and the lives that were ended."""

    def __init__(
        self, home: Path, bootstrap: str, ledger: str, database: str | None, *, seed: int, streams: int, replication: int = 1
    ) -> None:
        quick_topics(bootstrap, ledger, PARTITIONS, replication)
        self.bootstrap, self.ledger = bootstrap, ledger
        (port,) = free_ports(1)
        self.api = f"http://127.0.0.1:{port}"
        self.fleet = Fleet(
            home,
            starting=Forked,
            **({} if database is None else {"TROTH_DATABASE": database}),
            TROTH_KAFKA=bootstrap,
            TROTH_KAFKA_PARTITIONS=str(PARTITIONS),
            TROTH_KAFKA_REPLICATION=str(replication),
            TROTH_KAFKA_SESSION_SECONDS="6",
            TROTH_LEDGER=ledger,
            TROTH_POLL_MILLISECONDS=str(POLL_MILLISECONDS),
            TROTH_PORT=str(port),
        )
        self.settings = self.fleet.settings
        wiring.make(self.settings)
        self.reports = crowd(seed, streams, parties=20, until=UNTIL)
        both_ways = self.reports[::11]
        self.by_kafka = ByKafka(bootstrap, topics.names(ledger).reports, self.reports[::2] + both_ways)
        self.by_http = ByHTTP(self.api, self.reports[1::2] + both_ways)
        self._marks = marks_of(bootstrap, ledger)
        self.lives: list[Life] = []
        self._victims: dict[str, _Victim] = {}
        self._rebuilt = cycle(each.name for each in PROJECTIONS)

    def close(self) -> None:
        """End what still runs."""
        self.by_kafka.close()
        self.fleet.__exit__()

    def besiege(self, choose: Callable[[str], Told | None]) -> None:
        """Let all drivers live and be killed where they are told, until all is reported, or nobody is to be killed any more.

        `choose` says of a driver that is started where it is to be killed; None lets it live.
        """
        for driver in POINTS:
            self._begin(driver, choose(driver))
        while any(each.told for each in self._victims.values()) and not self.told_all:
            self.tell(TOLD_AT_ONCE)
            for driver, victim in self._victims.items():
                if victim.has_ended():
                    self.lives.append(victim.life(self.come(driver)))
                    self._begin(driver, choose(driver))
            Event().wait(TELL_EVERY_SECONDS)

    def finish(self) -> None:
        """Let all live until all that was told is on the record, published, and in the views; then tell them to stop."""
        for driver, victim in self._victims.items():
            if victim.told is not None:
                victim.member.stop()
                self.lives.append(victim.life(self.come(driver)))
                self._begin(driver, None)
        ends = time.monotonic() + SETTLE_SECONDS
        while not self.told_all:
            self.tell(TOLD_AT_ONCE * 100)
            self.fleet.check()
            assert time.monotonic() < ends
        entries, _ = undisturbed(self.ledger, self.reports)
        self.fleet.settled(entries, SETTLE_SECONDS)
        # Who has only just been started would not hear yet that it is to stop.
        while self.come("relay") < entries or not all(runs(each.member) for each in self._victims.values()):
            self.fleet.check()
            assert time.monotonic() < ends
            Event().wait(TELL_EVERY_SECONDS)
        self.fleet.stop()

    def prove(self) -> None:
        """Prove the record, the topics, the views, the receipts, what was refused, and that every driver has come on."""
        entries, digests = undisturbed(self.ledger, self.reports)
        with closing(wiring.open_log(self.settings)) as log:
            stored = log.page(0, 10**9)
        record = prove(stored)
        prove_recorded_once(record, self.reports)
        assert len(record) == entries
        prove_published(stored, self.bootstrap, self.ledger, PARTITIONS)
        assert {each.name: each.digest for each in self.fleet.projections().projections} == digests
        where = {(each.source, each.id): (one.position, leaf_hash(one.state)) for one, each in zip(stored, record, strict=True)}
        assert [(name, where[name]) for name, _ in self.by_http.heard] == self.by_http.heard
        assert self.by_http.done
        self._prove_refused()
        for each in self.lives:
            assert each.come >= each.before, each
            assert each.come > each.before or (each.driver, each.point) not in COMES_ON or not each.killed, each

    def _prove_refused(self) -> None:
        """All that could not be recorded is in quarantine, as it came, and on the topic for its publishers."""
        with closing(wiring.open_quarantine(self.settings)) as quarantine:
            kept = [(each.reason, each.raw) for each in quarantine.list(status=None, limit=10**6)]
        assert sorted(kept) == sorted(self.by_kafka.poisoned)
        set_aside = records_on(self.bootstrap, topics.names(self.ledger).quarantine)
        assert {each.value for each in set_aside} == {each.raw for each in self.by_kafka.poisoned}

    @property
    def told_all(self) -> bool:
        """Whether all has been told, and answered where it is to be answered."""
        return self.by_kafka.done and self.by_http.done

    def come(self, driver: str) -> int:
        """How far a driver has come: a figure that never goes back."""
        if driver == "api":
            return len(self.by_http.heard)
        if driver == "relay":
            return sum(ends_of(self.bootstrap, self.ledger))
        with closing(wiring.open_log(self.settings)) as log:
            if driver == "intake":
                return sum(int((log.mark(each) or "0 0").split()[1]) for each in self._marks)
            if driver == "clock":
                return sum(count for kind, count in log.count_by_kind().items() if kind in RESERVED)
        with closing(wiring.read_views(self.settings)) as views:
            built = all_built(views)
        newest = {each.name: each for each in sorted(built, key=lambda each: each.generation)}
        return sum(each.generation * 1_000_000 + each.position for each in (*newest.values(), *(b for b in built if b.live)))

    def tell(self, wanted: int) -> None:
        """Report so many more each way, so that both end together: whoever has nothing to do any more comes by no point."""
        if self.by_kafka.left >= self.by_http.left:
            self.by_kafka.tell(wanted)
        self.by_http.tell(wanted)

    def _begin(self, driver: str, told: Told | None) -> None:
        if told is not None and told.point in REBUILDING:
            rebuilding.begin(self.settings, [next(self._rebuilt)])
        self._victims[driver] = _Victim(self.fleet, driver, told, self.come(driver))


def runs(member: Member) -> bool:
    """Whether a process has said that it runs."""
    return any(each in member.said() for each in RUNS)


def marks_of(bootstrap: str, ledger: str) -> list[str]:
    """What the marks are called that say how far each partition of reports was taken in."""
    topic = topics.names(ledger).reports
    with administering(bootstrap) as admin:
        (described,) = admin.describe_topics([topic])
    return [f"kafka:{topic}:{described['topic_id']}:{number}" for number in range(len(described["partitions"]))]


def undisturbed(ledger: str, reports: list[Message]) -> tuple[int, dict[str, str]]:
    """How many entries an embedded ledger of this name makes of the same when nothing disturbs it, and its digests."""
    with tempfile.TemporaryDirectory() as home, Ledger(Path(home), name=ledger) as told:
        for begun in range(0, len(reports), 1_000):
            told.receipts(*reports[begun : begun + 1_000])
        digests = told.settle()
        return told.log.end(), digests
