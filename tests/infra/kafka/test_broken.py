"""A topic that is not what was published stops whoever reads it, and a place that is wrong is looked for."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from consumers.ports import BrokenRecord, Feed, Reached
from infra.kafka.assigned import AssignedFeed, KafkaReader
from infra.kafka.fast import FastReader
from infra.kafka.feed import GroupFeed
from tests.infra.kafka.topic import Record, Topic, settings
from tests.ledgers import Ledger, made

pytestmark = pytest.mark.service
Opening = Callable[[str, str], Feed]


def by_group(bootstrap: str, ledger: str) -> Feed:
    return GroupFeed(settings(bootstrap, ledger))


def by_kafka_python(bootstrap: str, ledger: str) -> Feed:
    return AssignedFeed(KafkaReader(bootstrap, f"{ledger}.entries"))


def by_confluent(bootstrap: str, ledger: str) -> Feed:
    return AssignedFeed(FastReader(bootstrap, f"{ledger}.entries"))


WAYS = [by_group, by_kafka_python, by_confluent]


@pytest.fixture(params=WAYS)
def opening(request: pytest.FixtureRequest) -> Opening:
    return request.param


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """Some entries about one party, so that all are in one partition of however many."""
    with Ledger(tmp_path_factory.mktemp("record")) as ledger:
        ledger.receipts(*(made("acme", f"p{number}", due="2026-02-01") for number in range(6)))
        yield ledger


@pytest.fixture
def topic(kafka_bootstrap: str, ledger_name: str) -> Iterator[Topic]:
    with Topic(kafka_bootstrap, ledger_name, 1) as topic:
        yield topic


def positions(feed: Feed, reached: Reached = Reached(), enough: int = 1, polls: int = 100) -> list[int]:  # noqa: B008
    """The positions that a feed hands out behind a place."""
    found: list[int] = []
    for _ in range(polls):
        for run in feed.take({0: reached}, 4):
            assert run.start == reached.position
            found += [position for position, _ in run.entries]
            reached = Reached(found[-1] + 1, run.offset)
        if len(found) >= enough:
            break
    return found


def swapped(records: list[Record]) -> list[Record]:
    return [*records[:3], records[4], records[3], *records[5:]]


def another(records: list[Record]) -> list[Record]:
    """The record of somebody else from some position on: it does not follow."""
    begun = records[3][1] or b""
    return [*records[:3], (0, begun.replace(b'"previous":2', b'"previous":1')), *records[4:]]


BROKEN = {
    "a gap": lambda records: [*records[:3], *records[4:]],
    "a double": lambda records: [*records[:4], *records[3:]],
    "another order": swapped,
    "garbage": lambda records: [*records[:3], (0, b"\xff\x00"), *records[3:]],
    "no value": lambda records: [*records[:3], (0, None), *records[3:]],
    "another record": another,
    "an end that is missing at the beginning": lambda records: records[2:],
}


@pytest.mark.parametrize("breaking", BROKEN.values(), ids=BROKEN)
def test_what_was_not_published_so_stops_the_reader(
    breaking: Callable[[list[Record]], list[Record]], record: Ledger, topic: Topic, kafka_bootstrap: str, ledger_name: str
) -> None:
    topic.send(breaking(topic.records(record.stored())))
    for way in WAYS:
        with closing(way(kafka_bootstrap, ledger_name)) as feed, pytest.raises(BrokenRecord) as broken:
            positions(feed, enough=10**9, polls=20)
        assert f"partition 0 of {topic.name}: at offset" in str(broken.value)
        assert "acme" not in str(broken.value)


def test_reading_goes_on_where_the_views_stand(
    opening: Opening, record: Ledger, topic: Topic, kafka_bootstrap: str, ledger_name: str
) -> None:
    topic.publish(record.stored())
    end = record.log.end()
    with closing(opening(kafka_bootstrap, ledger_name)) as feed:
        assert positions(feed, enough=end) == list(range(end))
        assert positions(feed, Reached(3, 3), enough=end - 3) == list(range(3, end))
        assert positions(feed, Reached(end, end), polls=2) == []


def test_a_place_that_is_wrong_is_looked_for(
    opening: Opening, record: Ledger, topic: Topic, kafka_bootstrap: str, ledger_name: str
) -> None:
    topic.publish(record.stored())
    end = record.log.end()
    with closing(opening(kafka_bootstrap, ledger_name)) as feed:
        for hint in (0, 1, 5, end, 10**6):
            assert positions(feed, Reached(3, hint), enough=end - 3) == list(range(3, end))


def test_a_topic_that_is_shorter_than_what_was_read_from_it_stops_the_reader(
    opening: Opening, record: Ledger, topic: Topic, kafka_bootstrap: str, ledger_name: str
) -> None:
    topic.publish(record.stored()[:4])
    with closing(opening(kafka_bootstrap, ledger_name)) as feed, pytest.raises(BrokenRecord, match="ends at offset 4, before"):
        positions(feed, Reached(6, 6))


def test_entries_that_are_gone_stop_whoever_needs_them_and_nobody_else(
    opening: Opening, record: Ledger, topic: Topic, kafka_bootstrap: str, ledger_name: str
) -> None:
    topic.publish(record.stored())
    topic.empty(0, before=2)
    with closing(opening(kafka_bootstrap, ledger_name)) as feed:
        assert positions(feed, Reached(2, 2)) == [2, 3, 4, 5]
        with pytest.raises(BrokenRecord, match="all below offset 2 is gone, and was to be read from 1 on"):
            positions(feed, Reached(1, 1))
