"""Consumers, as all of ours are set: no deserializer, no commit by themselves, no place but the one that they are told.

An exception from `poll` is passed on: a consumer that raised once is closed, and another one made.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import CorruptRecordError, LogTruncationError, NoOffsetForPartitionError, OffsetOutOfRangeError

from infra.kafka.connect import CLIENT, REACH_MS, make_sure, reaching
from infra.kafka.topics import Fault, UnfitTopic

GONE = (OffsetOutOfRangeError, NoOffsetForPartitionError, LogTruncationError, CorruptRecordError)
"""What `poll` raises where records that were there are not there any more, or are not what was written."""


def opened(bootstrap: str, **more: Any) -> KafkaConsumer:
    """A consumer. Raises NoBroker."""
    settings: dict[str, Any] = {
        "bootstrap_servers": bootstrap.split(","),
        "client_id": CLIENT,
        "bootstrap_timeout_ms": REACH_MS,
        "enable_auto_commit": False,
        "auto_offset_reset": "none",
        "allow_auto_create_topics": False,
        "metrics_enabled": False,
        "fetch_max_bytes": 16 * 1024 * 1024,
    }
    make_sure(bootstrap)
    with reaching(bootstrap):
        return KafkaConsumer(**settings, **more)


def partitions_of(consumer: KafkaConsumer, bootstrap: str, topic: str) -> list[TopicPartition]:
    """All partitions of a topic, by number. Raises UnfitTopic or NoBroker."""
    with reaching(bootstrap):
        numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        raise missing(topic)
    return [TopicPartition(topic, number) for number in sorted(numbers)]


def missing(topic: str) -> UnfitTopic:
    """What is said of a topic that is not there."""
    return UnfitTopic([Fault(topic, "is missing", "`troth run relay` makes it")])


def bounds(consumer: KafkaConsumer, bootstrap: str, partitions: Sequence[TopicPartition]) -> Mapping[int, tuple[int, int]]:
    """The first offset that each partition has, and the one behind its last, as they are now. Raises NoBroker."""
    with reaching(bootstrap):
        first = consumer.beginning_offsets(partitions, timeout_ms=REACH_MS)
        end = consumer.end_offsets(partitions, timeout_ms=REACH_MS)
    return {each.partition: (first[each], end[each]) for each in partitions}
