"""What is on a ledger's topic of entries, read from its beginning as any reader may, and proved against the record.

Also topics for tests: their brokers take nothing that is older than a second, so that a relay which follows one that was killed
waits for that long and not for twenty.
"""

from collections.abc import Sequence
from contextlib import closing
from typing import NamedTuple

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.partitioner import murmur2

from consumers.ports import Stored
from domain.entry import decode
from infra.kafka import topics
from infra.kafka.connect import administering
from infra.kafka.published import read, stored

LATE_MS, AHEAD_MS = 900, 100


class Found(NamedTuple):
    """A record on the topic, as it is there."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes
    stamp: int


def quick_topics(bootstrap: str, ledger: str, partitions: int = 3, replication: int = 1, *, late_ms: int = LATE_MS) -> None:
    """Make the ledger's topics, that of the entries with a fence of one second or so: who publishes there must bear it."""
    topics.ensure(bootstrap, ledger, partitions, replication)
    fence = {topics.LATE_MS: str(late_ms), topics.AHEAD_MS: str(AHEAD_MS)}
    with administering(bootstrap) as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topics.names(ledger).entries, fence)])
    assert topics.check(bootstrap, ledger, partitions, replication) == []


def ends_of(bootstrap: str, ledger: str) -> list[int]:
    """How many records each partition of the topic of entries has."""
    topic = topics.names(ledger).entries
    with closing(KafkaConsumer(bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False)) as consumer:
        ends = consumer.end_offsets([TopicPartition(topic, each) for each in consumer.partitions_for_topic(topic) or ()])
        return [end for _, end in sorted(ends.items())]


def found_on(bootstrap: str, ledger: str) -> list[Found]:
    """Every record on the topic of entries, by partition and offset."""
    return records_on(bootstrap, topics.names(ledger).entries)


def records_on(bootstrap: str, topic: str) -> list[Found]:
    """Every record on a topic, by partition and offset."""
    with closing(KafkaConsumer(bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False)) as consumer:
        wanted = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        consumer.assign(wanted)
        consumer.seek_to_beginning(*wanted)
        ends, found = consumer.end_offsets(wanted), []
        while any((consumer.position(each) or 0) < ends[each] for each in wanted):
            for records in consumer.poll(500).values():
                found += [Found(each.partition, each.offset, each.key, each.value, each.timestamp) for each in records]
    return sorted(found)


def prove_published(record: Sequence[Stored], bootstrap: str, ledger: str, partitions: int = 3) -> None:
    """All of the record is there: each entry once, unchanged, where its party belongs, in order, behind the one before it."""
    found = found_on(bootstrap, ledger)
    places = [read(each.value).position for each in found]
    assert sorted(places) == [each.position for each in record]
    last: dict[int, int] = {}
    for each, position in zip(found, places, strict=True):
        assert read(each.value).previous == last.get(each.partition)
        assert position > last.get(each.partition, -1)
        last[each.partition] = position
        assert stored(each.value) == record[position].state
        party = decode(record[position].state).party.encode()
        assert (each.key, each.partition) == (party, (murmur2(party) & 0x7FFFFFFF) % partitions)
    counts = [sum(each.partition == number for each in found) for number in range(partitions)]
    assert [each.offset for each in found] == [offset for count in counts for offset in range(count)]
