"""Publishers: what they put on the topic of reports, in every mode and form, good and bad."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from confluent_kafka import Producer
from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from tests.ledgers import Message

Headers = list[tuple[str, bytes | None]]
ATTRIBUTES = ("specversion", "id", "source", "type", "subject", "time")


class Put(NamedTuple):
    """A record as a publisher sends it."""

    value: bytes | None
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes | None]] = ()
    partition: int | None = None


def structured(message: Message) -> Put:
    """A report in structured mode."""
    headers: Headers = [("content-type", b"application/cloudevents+json; charset=utf-8")]
    return Put(json.dumps(message).encode(), message["subject"].encode(), headers)


def binary(message: Message) -> Put:
    """The same in binary mode."""
    headers: Headers = [("content-type", b"application/json"), *((f"ce_{each}", message[each].encode()) for each in ATTRIBUTES)]
    return Put(json.dumps(message["data"]).encode(), message["subject"].encode(), headers)


def put(bootstrap: str, topic: str, records: Sequence[Put]) -> None:
    """Publish these records, in order; by librdkafka, which sends what kafka-python would not."""
    producer, failed = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5}), list[object]()
    for each in records:
        partition = -1 if each.partition is None else each.partition
        producer.produce(
            topic, each.value, each.key, partition, headers=list(each.headers),
            on_delivery=lambda wrong, _: failed.append(wrong) if wrong else None,
        )  # fmt: skip
    assert producer.flush(30) == 0
    assert failed == []


def all_of(bootstrap: str, topic: str) -> list[ConsumerRecord]:
    """All that is on a topic, partition by partition."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    try:
        partitions = [TopicPartition(topic, each) for each in sorted(consumer.partitions_for_topic(topic))]
        consumer.assign(partitions)
        for each in partitions:
            consumer.seek(each, 0)
        ends, found = consumer.end_offsets(partitions), list[ConsumerRecord]()
        while any(consumer.position(each) < ends[each] for each in partitions):
            for records in consumer.poll(500).values():
                found += records
        return sorted(found, key=lambda each: (each.partition, each.offset))
    finally:
        consumer.close()
