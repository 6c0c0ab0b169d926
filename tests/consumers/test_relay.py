"""However the relay is stopped, whatever arrives of what it sent and however late: each entry is published once, in order."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers import relay as relaying
from consumers.ports import BrokenRecord, Conflict, Sending, Stored, Unpublished
from consumers.relay import MARK, Relay
from tests.ledgers import Hands, Ledger, contact

PARTITIONS = 3
ENTRIES = 40
SETTLING = 20.0


class Killed(BaseException):
    """The process that ran the relay is gone."""


LOST = float("inf")
Fate = float
"""After how many seconds what was sent to a partition arrives; 0 is at once."""


class Late(NamedTuple):
    """Entries of one partition that are on their way, and when they arrive."""

    at: float
    entries: Sequence[Sending]


class Shelf:
    """The topic: what has arrived in each partition, and what is still on its way to it."""

    def __init__(self) -> None:
        self.arrived: list[list[Sending]] = [[] for _ in range(PARTITIONS)]
        self.on_its_way: list[Late] = []
        self.now = 0.0

    def send(self, entries: Sequence[Sending], fate: Fate) -> None:
        """Let entries of one partition arrive; those that would arrive too late never do."""
        if fate == 0:
            self.arrived[entries[0].partition] += entries
        elif fate < SETTLING:
            self.on_its_way.append(Late(self.now + fate, entries))

    def wait(self, seconds: float) -> None:
        """Time passes, and what is due arrives."""
        self.now += seconds
        for each in [each for each in self.on_its_way if each.at <= self.now]:
            self.on_its_way.remove(each)
            self.send(each.entries, 0)

    def prove(self, record: Sequence[Stored]) -> None:
        """All of the record is here, once, in order."""
        assert sorted(each.position for one in self.arrived for each in one) == [each.position for each in record]
        for one in self.arrived:
            assert [each.previous for each in one] == [None, *(each.position for each in one)][: len(one)]
            assert all(each.state == record[each.position].state for each in one)


class Hand:
    """The port Publisher on a shelf. It dies in the round it is told to: then a partition has all of it, nothing, or later."""

    partitions = PARTITIONS
    at_once = 50_000
    settling_seconds = SETTLING

    def __init__(self, shelf: Shelf, dies_in: int | None = None, fates: Sequence[Fate] = (0,) * PARTITIONS) -> None:
        self._shelf = shelf
        self._dies_in = dies_in
        self._fates = fates
        self.rounds = 0

    def partition_of(self, party: bytes) -> int:
        """By the last digit."""
        return party[-1] % PARTITIONS

    def tails(self) -> list[Stored | None]:
        """The last of each partition."""
        return [Stored(each[-1].position, each[-1].state) if each else None for each in self._shelf.arrived]

    def publish(self, entries: Sequence[Sending], at: int) -> None:
        """Put them on the shelf."""
        dies, self.rounds = self.rounds == self._dies_in, self.rounds + 1
        for partition in range(PARTITIONS):
            of_it = [each for each in entries if each.partition == partition]
            if of_it:
                self._shelf.send(of_it, self._fates[partition] if dies else 0)
        if dies:
            raise Killed

    def close(self) -> None:
        """Nothing is held."""


class Key:
    """The port Lock, as far as one test goes."""

    def __init__(self) -> None:
        self.ours = True

    def take(self) -> bool:
        return self.ours

    def held(self) -> bool:
        return self.ours

    def release(self) -> None:
        """Nobody else wants it."""


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with Ledger(tmp_path_factory.mktemp("record")) as told:
        told.receipts(*(contact(f"party-{number % 7}", str(number)) for number in range(ENTRIES)))
        yield told


def relay(ledger: Ledger, hand: Hand, shelf: Shelf, key: Key | None = None) -> Relay:
    return Relay(ledger.log, hand, key or Key(), Hands(), lambda: shelf.now)


def forget(ledger: Ledger) -> None:
    """As if no relay had ever run here."""
    with ledger.log._store.transaction(commit=True) as cursor:
        cursor.execute("DELETE FROM marks WHERE name = ?", (MARK,))


fates = st.lists(st.sampled_from([0, LOST]) | st.floats(0.1, SETTLING - 0.1), min_size=PARTITIONS, max_size=PARTITIONS)
lives = st.lists(st.tuples(st.integers(0, 3), fates, st.integers(0, 30)), max_size=5)


@settings(max_examples=40)
@given(lives=lives, window=st.integers(1, 60), at_once=st.sampled_from([1, 2_000, 50_000]))
def test_whatever_arrives_of_what_dead_relays_sent_each_entry_is_published_once_and_in_order(
    ledger: Ledger, lives: list[tuple[int, list[Fate], int]], window: int, at_once: int
) -> None:
    forget(ledger)
    shelf = Shelf()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(relaying, "WINDOW", window)
        patched.setattr(Hand, "at_once", at_once)
        for dies_in, fates, patience in lives:
            live(relay(ledger, Hand(shelf, dies_in, fates), shelf), shelf, patience)
        last = relay(ledger, Hand(shelf), shelf)
        live(last, shelf, patience=100)
        last.close()
    shelf.prove(ledger.stored())


def test_an_entry_that_is_more_than_a_batch_has_goes_in_a_round_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Hand, "at_once", 700)
    rounds: list[list[int]] = []

    class Watched(Hand):
        """Its rounds are written down."""

        def publish(self, entries: Sequence[Sending], at: int) -> None:
            rounds.append([len(each.state) for each in entries])
            super().publish(entries, at)

    with Ledger(tmp_path) as ledger:
        ledger.receipts(*(contact(f"party-{each % 3}", "x" * 180 if each == 5 else f"c{each}") for each in range(10)))
        shelf = Shelf()
        live(relay(ledger, Watched(shelf), shelf), shelf, patience=100)
        shelf.prove(ledger.stored())
    policy, *others = rounds
    (large,) = (each for each in others if max(each) + relaying.OVERHEAD > Hand.at_once)
    assert (len(policy), len(large)) == (1, 1)
    assert len(others) < 10


def live(one: Relay, shelf: Shelf, patience: int) -> None:
    """Let a relay do what there is to do, for so many seconds; or until it dies."""
    try:
        for _ in range(patience + 1):
            while one.step():
                pass
            shelf.wait(1)
    except Killed:
        pass


def test_who_follows_a_relay_that_was_killed_sends_nothing_until_nothing_can_be_on_its_way(ledger: Ledger) -> None:
    forget(ledger)
    shelf = Shelf()
    with pytest.raises(Killed):
        relay(ledger, Hand(shelf, 0, [0, SETTLING - 0.5, LOST]), shelf).step()
    after = relay(ledger, Hand(shelf), shelf)
    assert [after.step() for _ in range(3)] == [False, False, False]
    shelf.wait(SETTLING - 0.001)
    assert not after.step()
    shelf.wait(0.001)
    while after.step():
        pass
    shelf.prove(ledger.stored())


def test_who_follows_one_that_left_in_order_or_finds_nothing_to_send_does_not_wait(ledger: Ledger) -> None:
    forget(ledger)
    shelf = Shelf()
    for _ in range(2):
        one = relay(ledger, Hand(shelf), shelf)
        while one.step():
            pass
        assert one.next_position == ledger.log.end()
        one.close()
    assert ledger.log.mark(MARK) == f"{PARTITIONS} left"
    relay(ledger, Hand(shelf), shelf).step()  # and is killed
    idle = relay(ledger, Hand(shelf), shelf)
    while idle.step():
        pass
    assert idle.next_position == ledger.log.end()


def test_one_that_did_not_wait_to_the_end_does_not_say_that_nothing_is_on_its_way(ledger: Ledger) -> None:
    forget(ledger)
    shelf = Shelf()
    with pytest.raises(Killed):
        relay(ledger, Hand(shelf, 0, [SETTLING - 0.5] * 3), shelf).step()
    impatient = relay(ledger, Hand(shelf), shelf)
    assert not impatient.step()
    impatient.close()
    assert ledger.log.mark(MARK) != f"{PARTITIONS} left"


def test_without_the_lock_nothing_is_read_or_sent(ledger: Ledger) -> None:
    forget(ledger)
    shelf, key = Shelf(), Key()
    key.ours = False
    waiting = relay(ledger, Hand(shelf), shelf, key)
    assert not waiting.step()
    assert ledger.log.mark(MARK) is None


def test_one_that_loses_the_lock_stops_at_once_and_says_nothing_of_leaving(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget(ledger)
    monkeypatch.setattr(relaying, "WINDOW", 10)
    shelf, key = Shelf(), Key()
    one = relay(ledger, Hand(shelf), shelf, key)
    assert one.step()
    key.ours = False
    with pytest.raises(Unpublished, match="lock was lost"):
        one.step()
    assert sum(map(len, shelf.arrived)) == 10


def test_one_whose_mark_another_has_taken_over_cannot_say_that_it_left(ledger: Ledger) -> None:
    forget(ledger)
    shelf = Shelf()
    one, other = relay(ledger, Hand(shelf), shelf), relay(ledger, Hand(shelf), shelf)
    one.step()
    other.step()
    one.close()
    assert ledger.log.mark(MARK) not in {None, f"{PARTITIONS} left"}
    other.close()
    assert ledger.log.mark(MARK) != f"{PARTITIONS} left"  # it has not waited for what `one` sent


def test_a_topic_that_the_record_contradicts_stops_the_relay(ledger: Ledger, tmp_path: Path) -> None:
    forget(ledger)
    shelf = Shelf()
    relay(ledger, Hand(shelf), shelf).step()
    with Ledger(tmp_path) as restored:
        restored.receipts(contact("party-1", "1"))
        with pytest.raises(BrokenRecord, match=r"which is not on this record: the record is older \(a backup\?\)"):
            relay(restored, Hand(shelf), shelf).step()
    shelf.arrived = [shelf.arrived[1], shelf.arrived[0], shelf.arrived[2]]
    with pytest.raises(BrokenRecord, match="where its party does not belong"):
        relay(ledger, Hand(shelf), shelf).step()


def test_a_topic_with_other_partitions_than_were_published_to_is_refused(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget(ledger)
    shelf = Shelf()
    relay(ledger, Hand(shelf), shelf).step()
    shelf.arrived.append([])
    monkeypatch.setattr(Hand, "partitions", 4)
    with pytest.raises(BrokenRecord, match="has 4 partitions, and entries went out in 3"):
        relay(ledger, Hand(shelf), shelf).step()
    emptied = Shelf()
    emptied.arrived.append([])
    relay(ledger, Hand(emptied), emptied).step()


def test_a_partition_that_lost_its_end_is_given_it_again(ledger: Ledger) -> None:
    forget(ledger)
    shelf = Shelf()
    one = relay(ledger, Hand(shelf), shelf)
    while one.step():
        pass
    one.close()
    del shelf.arrived[1][2:]
    after = relay(ledger, Hand(shelf), shelf)
    while after.step():
        pass
    shelf.prove(ledger.stored())


def test_two_that_take_over_the_same_mark_at_once_cannot_both_have_it(ledger: Ledger) -> None:
    forget(ledger)
    shelf = Shelf()

    class Slow(Hand):
        """Another relay takes over while this one reads what is there."""

        def tails(self) -> list[Stored | None]:
            relay(ledger, Hand(shelf), shelf).step()
            return super().tails()

    with pytest.raises(Conflict):
        relay(ledger, Slow(shelf), shelf).step()
