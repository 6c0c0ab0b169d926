"""A ledger's topic of entries, filled for benchmarks with what the relay would have published, and the broker that it is on."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from confluent_kafka import Producer
from kafka.partitioner.default import murmur2

from infra import wiring
from infra.kafka import topics
from infra.kafka.published import published
from infra.settings import Settings
from tests.benchmarks.made import made
from tests.benchmarks.passes import say
from tests.services import kafka

PARTITIONS = 4
_FILLING = {
    "linger.ms": 20,
    "batch.size": 1_000_000,
    "enable.idempotence": True,
    "queue.buffering.max.messages": 20_000,  # what waits here for longer than the topic allows is refused
    "log_level": 3,
}


@contextmanager
def broker() -> Iterator[tuple[str, Path]]:
    """Where an Apache Kafka of our own answers, and a folder for what is needed beside it; both are gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="troth-bench-"))
    try:
        with kafka.started(folder / "kafka") as started:
            yield started.bootstrap, folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def ledger(bootstrap: str, folder: Path, name: str) -> Settings:
    """A ledger with a topic of entries. In its folder there is the policy that they are judged by, and no entry."""
    home = folder / name
    settings = Settings(home=home, ledger=name, kafka=bootstrap, kafka_partitions=PARTITIONS, kafka_replication=1)
    wiring.make(settings)
    topics.ensure(bootstrap, name, PARTITIONS, 1)
    return settings


def fill(settings: Settings, entries: int, parties: int) -> None:
    """Publish so many entries about so many parties."""
    since = time.perf_counter()
    size = _publish(str(settings.kafka), topics.names(settings.ledger).entries, entries, parties)
    say(
        f"{entries:,} entries about {parties:,} parties, {size / entries:.0f} bytes each, in {PARTITIONS} partitions; "
        f"filled in {time.perf_counter() - since:.0f} s"
    )


def _publish(bootstrap: str, topic: str, entries: int, parties: int) -> int:
    producer = Producer({"bootstrap.servers": bootstrap, **_FILLING})
    last: dict[int, int] = {}
    size = 0
    for position, party, state in made(entries, parties):
        partition = partition_of(party)
        value = published(position, last.get(partition), state)
        last[partition] = position
        size += len(value)
        while True:
            try:
                producer.produce(topic, value, party.encode(), partition, on_delivery=_delivered)
                break
            except BufferError:
                producer.poll(0.1)
        if position % 1_000 == 0:
            producer.poll(0)
    assert producer.flush(60) == 0, "not all entries were published"
    return size


def _delivered(error: object, _: object) -> None:
    assert error is None, f"an entry was not published: {error}"


@cache
def partition_of(party: str) -> int:
    """Where Kafka's clients put a party's entries."""
    return (murmur2(party.encode()) & 0x7FFFFFFF) % PARTITIONS
