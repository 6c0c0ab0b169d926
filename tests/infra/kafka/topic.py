"""The topic of a ledger's entries, filled as the relay fills it, and as it never would."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self
from zlib import crc32

from kafka import KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from consumers.ports import Stored
from domain.entry import decode
from infra.kafka.published import published
from infra.settings import Settings

Record = tuple[int, bytes | None]
"""The partition and the value of a record."""


def settings(bootstrap: str, ledger: str, home: Path = Path("nowhere"), *, poll: int = 50) -> Settings:
    """A ledger on this Kafka."""
    return Settings(home=home, ledger=ledger, kafka=bootstrap, kafka_session_seconds=6, poll_milliseconds=poll)


class Topic:
    """`<ledger>.entries`, made when it is opened. What is published follows what was, in each partition."""

    def __init__(self, bootstrap: str, ledger: str, partitions: int) -> None:
        self.name = f"{ledger}.entries"
        self._partitions = partitions
        self._admin = KafkaAdminClient(bootstrap_servers=bootstrap)
        self._producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5)
        self.make()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._producer.close()
        self._admin.close()

    def make(self) -> None:
        """Make it, empty."""
        self._next = 0
        self._last: dict[int, int] = {}
        self._admin.create_topics([NewTopic(self.name, self._partitions, 1)])

    def drop(self) -> None:
        """Delete it."""
        self._admin.delete_topics([self.name])

    def empty(self, partition: int, before: int) -> None:
        """Delete the records of a partition before an offset."""
        self._admin.delete_records({TopicPartition(self.name, partition): before})

    def publish(self, record: Sequence[Stored]) -> None:
        """Publish what is new of a record."""
        self.send(self.records(record))

    def records(self, record: Sequence[Stored]) -> list[Record]:
        """What is new of a record, as it would be published."""
        new = []
        for position, state in record[self._next :]:
            partition = partition_of(decode(state).party, self._partitions)
            new.append((partition, published(position, self._last.get(partition), state)))
            self._last[partition] = position
        self._next = len(record)
        return new

    def send(self, records: Sequence[Record]) -> None:
        """Send records as they are."""
        sent = [self._producer.send(self.name, value, b"key", partition=partition) for partition, value in records]
        for each in sent:
            each.get(30)


def partition_of(party: str, partitions: int) -> int:
    """Where a party's entries are."""
    return crc32(party.encode()) % partitions
