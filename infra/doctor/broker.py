"""The Kafka that is set: whether it answers, whether this machine reads it fast, whether the topics are fit for a record."""

from collections.abc import Iterator

from infra import wiring
from infra.doctor.check import Check
from infra.kafka.checkup import findings
from infra.settings import Settings


def looked_at(settings: Settings, bootstrap: str) -> Iterator[Check]:
    """The client, the brokers, the three topics, the clocks."""
    wanted = settings.kafka_partitions, settings.kafka_replication
    for each in findings(bootstrap, settings.ledger, *wanted, wiring.now()):
        yield Check(*each)
