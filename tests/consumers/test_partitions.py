"""Projectors that share one set of views, each with partitions of its own: the same digests as one that reads the whole log."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers import project
from consumers.ports import BrokenRecord, Log, Reached, Run
from consumers.project import Projector
from domain.entry import decode
from infra import wiring
from projections.catalog import PROJECTIONS
from tests.consumers.test_project import another_policy
from tests.crowd import crowd
from tests.ledgers import Ledger
from tests.shelves import Shelf

NAMES = [each.name for each in PROJECTIONS]


class Partitioned:
    """A feed that reads some partitions of a log; which, is told from outside. An offset is a number within a partition."""

    def __init__(self, log: Log, count: int, mine: set[int]) -> None:
        self._log = log
        self.partitions: Sequence[int] = range(count)
        self.mine = mine
        self.more = False

    def ends(self) -> Mapping[int, int]:
        return {each: len(self._all(each)) for each in self.partitions}

    def take(self, reached: Mapping[int, Reached], limit: int) -> Sequence[Run]:
        runs, self.more = [], False
        for partition in self.mine & {*reached}:
            entries = [each for each in self._all(partition) if each[0] >= reached[partition].position]
            assert len(self._all(partition)) - len(entries) == reached[partition].offset
            self.more = self.more or len(entries) > limit
            if entries:
                taken = entries[:limit]
                runs.append(Run(partition, reached[partition].position, taken, reached[partition].offset + len(taken)))
        return runs

    def broken(self, what: str) -> BrokenRecord:
        return BrokenRecord(what)

    def done(self) -> None:
        pass

    def _all(self, partition: int) -> list[tuple[int, object]]:
        stored = [(each.position, decode(each.state)) for each in self._log.page(0, 10**9)]
        return [each for each in stored if crc32(each[1].party.encode()) % len(self.partitions) == partition]


class Group:
    """Projectors that share the partitions; any of them may step at any time, and who has which partition may change."""

    def __init__(self, ledger: Ledger, partitions: int, members: int) -> None:
        self._ledger = ledger
        self._feeds = [Partitioned(ledger.log, partitions, set()) for _ in range(members)]
        self.projectors = [Projector(ledger.log, each, ledger.views, PROJECTIONS, ledger.clock) for each in self._feeds]
        self.share(Random(0))

    def share(self, chance: Random) -> None:
        """Deal the partitions out anew."""
        for each in self._feeds:
            each.mine = set()
        for partition in self._feeds[0].partitions:
            chance.choice(self._feeds).mine.add(partition)

    def settle(self) -> None:
        """Let everybody step until nobody has anything to do."""
        while sum(each.step() for each in self.projectors):
            pass


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), partitions=st.integers(1, 5), members=st.integers(1, 3), page=st.integers(1, 40))
def test_any_number_of_projectors_comes_to_the_same_digests(
    tmp_path_factory: pytest.TempPathFactory, seed: int, partitions: int, members: int, page: int
) -> None:
    chance, reports = Random(seed), crowd(seed, 30)
    with Ledger(tmp_path_factory.mktemp("one")) as one, Ledger(tmp_path_factory.mktemp("several")) as several:
        one.receipts(*reports)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(project, "PAGE", page)
            patched.setattr(project, "PENDING_AT_MOST", 5)
            group = Group(several, partitions, members)
            for begun in range(0, len(reports), 7):
                several.receipts(*reports[begun : begun + 7])
                chance.choice(group.projectors).step()
                if chance.random() < 0.3:
                    group.share(chance)
            group.projectors[0].rebuild(chance.sample(NAMES, 2))
            group.settle()
        assert several.digests() == one.catch_up()
        assert all(each.live and each.position == several.log.end() for each in several.views.built())


def test_a_policy_that_one_of_them_reads_is_soon_everybodys(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Ledger(tmp_path_factory.mktemp("one")) as one, Ledger(tmp_path_factory.mktemp("several")) as several:
        group = Group(several, 4, 3)
        for each in (one, several):
            each.receipts(*crowd(3, 60))
            wiring.adopt(each.intake, another_policy(), in_force_from=each.clock())
        group.settle()
        several.clock.at += project.LOOK_EVERY
        group.settle()
        one.clock.at += project.LOOK_EVERY
        assert several.digests() == one.catch_up()
        assert {each.policy.hash for each in group.projectors} == {another_policy().hash}


def test_a_former_owner_that_has_not_heard_of_it_is_fenced_off_and_goes_on_from_where_the_views_stand(
    shelf: Shelf, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with Ledger(tmp_path_factory.mktemp("views"), shelf=shelf) as ledger:
        ledger.receipts(*crowd(4, 60))
        group = Group(ledger, 2, 2)
        former, owner = group.projectors
        for feed in group._feeds:  # both believe that all is theirs
            feed.mine = {0, 1}
        taken = group._feeds[0].take

        def overtaken(reached: Mapping[int, Reached], limit: int) -> Sequence[Run]:
            runs = taken(reached, limit)
            owner.catch_up()
            return runs

        group._feeds[0].take = overtaken  # type: ignore[method-assign]
        assert former.step()
        group._feeds[0].take = taken  # type: ignore[method-assign]
        ledger.receipts(*crowd(5, 30))
        former.catch_up()
        with Ledger(tmp_path_factory.mktemp("one")) as one:
            one.receipts(*crowd(4, 60))
            one.receipts(*crowd(5, 30))
            assert ledger.digests() == one.catch_up()


def test_views_of_other_partitions_are_built_anew_and_seen_until_then(shelf: Shelf, tmp_path: Path) -> None:
    with Ledger(tmp_path, shelf=shelf) as ledger:
        ledger.receipts(*crowd(4, 60))
        digests = ledger.catch_up()
        before = {each.name: each.generation for each in ledger.views.built()}
        Group(ledger, 3, 2).settle()
        assert ledger.digests() == digests
        assert all(each.live and each.generation > before[each.name] for each in ledger.views.built())
        assert all({*each.reached} == {0, 1, 2} for each in ledger.views.built())
