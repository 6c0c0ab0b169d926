"""A replay ends exactly where readers' views stand, however source and views are partitioned and whatever comes meanwhile."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from random import Random
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers import project, replay, together
from consumers.feed import LogFeed
from consumers.policy import adopted_policies
from consumers.ports import LOG, BrokenRecord, Built, Feed, Reached, Run
from consumers.project import Projector
from consumers.replay import Compared, EndsEarly, Replay, Source
from domain.entry import Entry, decode
from domain.policy import Policy
from infra import wiring
from infra.sqlite.views import in_memory
from infra.tables import all_built, digest
from projections.catalog import PROJECTIONS
from projections.fold import Projection
from tests.consumers.test_project import another_policy
from tests.crowd import crowd
from tests.ledgers import Ledger


def place(party: str, partitions: int) -> int:
    """Where a party is."""
    return crc32(party.encode()) % partitions


class Partitioned:
    """A feed of the partitions that a log would be published to, each in pages of its own. An offset is a place in it."""

    def __init__(self, ledger: Ledger, count: int) -> None:
        self._ledger = ledger
        self.partitions: Sequence[int] = range(count)
        self.mine = {*self.partitions}
        self.more = False

    def ends(self) -> Mapping[int, int]:
        return {each: len(self._all(each)) for each in self.partitions}

    def broken(self, what: str) -> BrokenRecord:
        return BrokenRecord(what)

    def done(self) -> None:
        pass

    def take(self, reached: Mapping[int, Reached], limit: int) -> Sequence[Run]:
        runs, self.more = [], False
        for partition, at in reached.items():
            if partition not in self.mine:
                continue
            every = self._all(partition)
            behind = [position for position, _ in every if position < at.position]
            assert at.position == (behind[-1] + 1 if behind else 0)  # as Kafka's chain has it
            assert at.offset <= len(behind)  # a hint, and never past what is to be read
            taken = every[len(behind) : len(behind) + limit]
            self.more = self.more or len(every) > len(behind) + limit
            if taken:
                runs.append(Run(partition, at.position, taken, len(behind) + len(taken)))
        return runs

    def _all(self, partition: int) -> list[tuple[int, Entry]]:
        stored = [(each.position, decode(each.state)) for each in self._ledger.stored()]
        return [each for each in stored if place(each[1].party, len(self.partitions)) == partition]


class Live:
    """What readers see of a ledger, which may move whenever somebody looks at it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.meanwhile: list[Any] = []

    def built(self, projection: Projection) -> Built | None:
        built = all_built(self._ledger.views.reader)
        return next((each for each in built if each.live and each.name == projection.name), None)

    def digest(self, projection: Projection) -> tuple[Built, str] | None:
        if self.meanwhile:
            self.meanwhile.pop(0)()
        built = self.built(projection)
        if built is None:
            return None
        with self._ledger.views.reader.one_state():
            return built, digest(self._ledger.views.reader, built, projection)


class Case:
    """A ledger, projected by one way of partitioning and replayed by another."""

    def __init__(self, home: Path, live: int | None, source: int | None) -> None:
        self.ledger = Ledger(home)
        self.partitions = None if live is None else Partitioned(self.ledger, live)
        self._source = source
        self.live = Live(self.ledger)
        self.wait: Callable[[int], bool] = lambda looks: False
        self.shadow = in_memory()

    def project(self) -> None:
        """Bring what readers see up to date."""
        feed: Feed = self.partitions or LogFeed(self.ledger.log)
        Projector(self.ledger.log, feed, self.ledger.views, PROJECTIONS, self.ledger.clock).catch_up()

    def replay(self, **more: Any) -> list[Compared]:
        """What a replay comes to."""
        feed: Feed = LogFeed(self.ledger.log) if self._source is None else Partitioned(self.ledger, self._source)
        source = Source("the test", feed, self.ledger.log.end(), wait=self.wait)
        replaying = Replay(source, self.shadow, self.live, PROJECTIONS, policy_of=self._policy, partition_of=place)
        return replaying.run(**more)

    def _policy(self, policy_hash: str | None) -> Policy:
        policies = adopted_policies(self.ledger.log)
        return next(each for each in policies if policy_hash in (None, each.hash))

    def close(self) -> None:
        self.shadow.close()
        self.ledger.close()


@contextmanager
def case(
    factory: pytest.TempPathFactory, live: int | None, source: int | None, page: int = 7, streams: int = 3
) -> Iterator[Case]:
    """A case that folds in small pages and writes often."""
    with pytest.MonkeyPatch.context() as patched, closing(Case(factory.mktemp("case"), live, source)) as made:
        patched.setattr(replay, "PAGE", page)
        patched.setattr(replay, "PENDING_AT_MOST", 40)
        patched.setattr(project, "PAGE", 50)
        patched.setattr(together, "STREAMS_AT_MOST", streams)
        yield made


WAYS = [(None, None), (None, 3), (3, None), (3, 3), (1, None), (8, 8), (None, 1)]


@settings(max_examples=12)
@given(
    seed=st.integers(0, 10**6),
    way=st.sampled_from(WAYS),
    sizes=st.tuples(st.integers(1, 40), st.integers(0, 60)),
    late=st.integers(0, 30),
)
def test_a_replay_agrees_however_source_and_views_are_partitioned(
    tmp_path_factory: pytest.TempPathFactory, seed: int, way: tuple[int | None, int | None], sizes: tuple[int, int], late: int
) -> None:
    reports = crowd(seed, 30)
    with case(tmp_path_factory, *way, *sizes) as of:
        of.ledger.receipts(*reports[: len(reports) // 2])
        of.project()
        for begun in range(len(reports) // 2, len(reports) - late, 5):
            batch = reports[begun : min(begun + 5, len(reports) - late)]
            of.live.meanwhile.append(lambda batch=batch: (of.ledger.receipts(*batch), of.project()))
        of.ledger.receipts(*reports[len(reports) - late :])  # recorded, and not to be seen yet
        compared = of.replay()
        assert [each.built.name for each in compared if not each.agrees] == []
        assert {each.built.position for each in compared} <= set(range(of.ledger.log.end() + 1))


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_one_that_was_stopped_goes_on(tmp_path_factory: pytest.TempPathFactory, way: tuple[int | None, int | None]) -> None:
    class Stopped(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done > total * chance.random():
            raise Stopped

    chance = Random(1)
    with case(tmp_path_factory, *way) as of:
        of.ledger.receipts(*crowd(5, 60))
        of.project()
        came = [0]
        for _ in range(3):
            with pytest.raises(Stopped):
                of.replay(progress=stop)
            came.append(sum(each.position for each in of.shadow.built()))
        assert came == sorted(came)
        assert came[-1] > 0
        of.ledger.receipts(*crowd(6, 20))
        of.project()
        assert all(each.agrees and each.built.position == of.ledger.log.end() for each in of.replay())


@pytest.mark.parametrize("source", [None, 3])
def test_partitions_may_have_come_unequally_far(tmp_path_factory: pytest.TempPathFactory, source: int | None) -> None:
    def project_the_others_too() -> None:
        of.partitions.mine = {0, 1, 2}
        of.project()

    with case(tmp_path_factory, 3, source) as of:
        of.ledger.receipts(*crowd(11, 30))
        of.project()
        of.ledger.receipts(*crowd(12, 30))
        for mine in ({1}, {0, 1}):
            of.partitions.mine = mine
            of.project()
            behind = of.replay()
            assert all(each.agrees and each.built.position < of.ledger.log.end() for each in behind)
        of.live.meanwhile.append(project_the_others_too)
        assert all(each.agrees and each.built.position == of.ledger.log.end() for each in of.replay())


def test_views_that_are_begun_anew_are_replayed_anew(tmp_path_factory: pytest.TempPathFactory) -> None:
    with case(tmp_path_factory, None, None) as of:
        of.ledger.receipts(*crowd(7, 30))
        of.project()
        of.replay()  # leaves its shadow behind, as one that was stopped would
        for each in of.ledger.views.built():
            of.ledger.views.connection.execute("UPDATE projections SET live = 0")
            of.ledger.views.discard(each)
        Projector(of.ledger.log, LogFeed(of.ledger.log), of.ledger.views, PROJECTIONS, of.ledger.clock).begin_what_is_wanted()
        assert {each.built.position for each in of.replay()} == {0}


def test_a_policy_that_comes_into_force_meanwhile_is_replayed_under(tmp_path_factory: pytest.TempPathFactory) -> None:
    def adopt() -> None:
        wiring.adopt(of.ledger.intake, another_policy(), in_force_from=of.ledger.clock())
        of.project()

    with case(tmp_path_factory, None, None) as of:
        of.ledger.receipts(*crowd(8, 30))
        of.project()
        of.live.meanwhile.append(adopt)
        compared = of.replay()
        assert all(each.agrees for each in compared)
        assert {each.built.policy_hash for each in compared} == {"", another_policy().hash}


def test_a_source_that_holds_less_than_readers_have_seen_is_said(tmp_path_factory: pytest.TempPathFactory) -> None:
    with case(tmp_path_factory, 2, 2) as of:
        of.ledger.receipts(*crowd(9, 30))
        of.project()
        of.ledger.views.connection.execute("UPDATE reached SET position = position + 5, entry_count = entry_count + 1")
        with pytest.raises(EndsEarly, match="the test holds fewer entries"):
            of.replay()


def test_a_source_may_be_slow_again_and_again_but_not_silent_for_long(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    take, times = LogFeed.take, count()
    with case(tmp_path_factory, None, None, page=10) as of:
        of.ledger.receipts(*crowd(9, 100))
        of.project()
        of.wait = lambda in_vain: looks.append(in_vain) or in_vain < 3
        monkeypatch.setattr(LogFeed, "take", lambda *asked: take(*asked) if next(times) % 3 == 2 else ())
        assert all(each.agrees for each in of.replay())
        assert {*looks} == {1, 2}
        assert len(looks) > 10
        of.shadow = in_memory()
        monkeypatch.setattr(LogFeed, "take", lambda *asked: ())
        with pytest.raises(EndsEarly):
            of.replay()
        assert looks[-3:] == [1, 2, 3]


def test_other_partitions_than_readers_views_have_cannot_be_replayed(tmp_path_factory: pytest.TempPathFactory) -> None:
    with case(tmp_path_factory, 2, 3) as of:
        of.project()
        with pytest.raises(BrokenRecord, match="kept by 2 partitions, and there are 3"):
            of.replay()


def test_where_readers_see_nothing_all_is_replayed_and_nothing_agrees(tmp_path_factory: pytest.TempPathFactory) -> None:
    with case(tmp_path_factory, None, 3) as of:
        of.ledger.receipts(*crowd(10, 20))
        compared = of.replay()
        assert {each.built.position for each in compared} == {of.ledger.log.end()}
        assert {(each.seen_digest, each.agrees) for each in compared} == {(None, False)}
        of.project()
        assert {each.built.name: each.digest for each in compared} == of.ledger.digests()
        assert LOG not in compared[0].built.reached
