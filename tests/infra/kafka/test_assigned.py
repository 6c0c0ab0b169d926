"""Replaying from a real Kafka, by either client: the same entries, to the end and no further, and the same digests."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec import structs

from consumers.ports import Reached
from consumers.project import Projector
from domain.entry import Entry, decode
from infra.kafka.assigned import AssignedFeed, KafkaReader, Reader, open_reader
from infra.kafka.fast import FastReader
from infra.kafka.feed import GroupFeed
from infra.kafka.topics import UnfitTopic
from infra.sqlite.views import in_memory
from projections.catalog import PROJECTIONS
from tests.crowd import crowd
from tests.infra.kafka.topic import Topic, partition_of, settings
from tests.ledgers import Ledger

pytestmark = pytest.mark.service
READERS = [KafkaReader, FastReader]
PARTITIONS = 3


@pytest.fixture(params=READERS)
def reading(request: pytest.FixtureRequest) -> Callable[[str, str], Reader]:
    return request.param


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path) as ledger:
        ledger.receipts(*crowd(1, 60))
        yield ledger


@pytest.fixture
def topic(ledger: Ledger, kafka_bootstrap: str, ledger_name: str) -> Iterator[Topic]:
    with Topic(kafka_bootstrap, ledger_name, PARTITIONS) as topic:
        topic.publish(ledger.stored())
        yield topic


def taken(feed: AssignedFeed, limit: int) -> dict[int, list[tuple[int, Entry]]]:
    """All that a feed hands out, by partition, in the order of coming."""
    reached = dict.fromkeys(feed.partitions, Reached())
    found: dict[int, list[tuple[int, Entry]]] = {each: [] for each in feed.partitions}
    while runs := feed.take(reached, limit):
        for run in runs:
            found[run.partition] += run.entries
            reached[run.partition] = Reached(run.entries[-1][0] + 1, run.offset)
    assert not feed.more
    assert {each: at.offset for each, at in reached.items()} == feed.ends()
    return found


@pytest.mark.parametrize("limit", [1, 7, 10_000])
def test_both_clients_read_the_same_entries(limit: int, ledger: Ledger, topic: Topic, kafka_bootstrap: str) -> None:
    expected: dict[int, list[tuple[int, Entry]]] = {each: [] for each in range(PARTITIONS)}
    for position, state in ledger.stored():
        entry = decode(state)
        expected[partition_of(entry.party, PARTITIONS)].append((position, entry))
    for each in READERS:
        with closing(AssignedFeed(each(kafka_bootstrap, topic.name))) as feed:
            found = taken(feed, limit)
        assert {partition: [(position, stored(entry)) for position, entry in run] for partition, run in found.items()} == {
            partition: [(position, stored(entry)) for position, entry in run] for partition, run in expected.items()
        }


def stored(entry: Entry) -> dict[str, object]:
    """What the record keeps of an entry."""
    return {name: structs.asdict(entry)[name] for name in Entry.__struct_fields__}


def test_a_replay_ends_where_the_topic_ended_and_then_follows(
    reading: Callable[[str, str], Reader], ledger: Ledger, topic: Topic, kafka_bootstrap: str
) -> None:
    with (
        closing(AssignedFeed(reading(kafka_bootstrap, topic.name))) as feed,
        closing(in_memory()) as views,
    ):
        projector = Projector(ledger.log, feed, views, PROJECTIONS, ledger.clock)
        end = ledger.log.end()
        ledger.receipts(*crowd(2, 20))
        topic.publish(ledger.stored())
        projector.catch_up()
        assert end <= min(each.position for each in views.built())
        feed.following = True
        projector.catch_up()
        digests = ledger.catch_up()
        live = [(each, projection) for each in views.built() for projection in PROJECTIONS if each.name == projection.name]
        assert {each.name: views.digests([(each, projection)])[0] for each, projection in live} == digests


def test_what_is_built_anew_is_read_by_assignment_while_the_group_goes_on(
    reading: Callable[[str, str], Reader], ledger: Ledger, topic: Topic, kafka_bootstrap: str, ledger_name: str
) -> None:
    with (
        closing(GroupFeed(settings(kafka_bootstrap, ledger_name))) as feed,
        closing(AssignedFeed(reading(kafka_bootstrap, topic.name), mine=feed.assigned, following=True)) as building,
    ):
        projector = Projector(ledger.log, feed, ledger.views, PROJECTIONS, ledger.clock, rebuilding=building)
        while any(each.position < ledger.log.end() for each in ledger.views.built()) or not ledger.views.built():
            projector.step()
        digests, seen = ledger.digests(), {each.generation for each in ledger.views.built()}
        projector.rebuild([each.name for each in PROJECTIONS])
        ledger.receipts(*crowd(2, 20))
        topic.publish(ledger.stored())
        while any(not each.live or each.position < ledger.log.end() for each in ledger.views.built()):
            projector.step()
        assert seen.isdisjoint(each.generation for each in ledger.views.built())
        assert ledger.digests() != digests
        assert Projector(ledger.log, building, ledger.views, PROJECTIONS, ledger.clock).step() is False


def test_a_ledger_without_a_topic_says_so(kafka_bootstrap: str, ledger_name: str) -> None:
    for opening in (open_reader, GroupFeed):
        with pytest.raises(UnfitTopic, match=rf"the topic {ledger_name}\.entries is missing: `troth run relay` makes it"):
            opening(settings(kafka_bootstrap, ledger_name))
