"""What is on Kafka, and how far it is read."""

from consumers.ports import Unfit, Unreachable
from infra.asking.answers import Answer
from infra.settings import Settings


class KafkaLag(Answer):
    """How far a partition of a topic is read, as its readers last said to Kafka: that is within a second or so."""

    topic: str
    partition: int
    records: int
    """How many records there are."""
    taken_in: int
    """How many have been taken in: of the reports by intake, of the entries by the projectors."""
    lag: int
    """How many have not."""


class KafkaStatus(Answer):
    """The ledger's topics, by partition."""

    published: int
    """How many entries the relay has published."""
    unpublished: int
    """How many it has not."""
    partitions: list[KafkaLag]
    trouble: str | None
    """Why Kafka could not be asked: no broker answers, or the topics are not fit. The rest is empty then."""


def kafka_status(settings: Settings, entries: int) -> KafkaStatus | None:
    """How far everything has come on Kafka, where `entries` are on the record; None where no Kafka is set."""
    if settings.kafka is None:
        return None
    from infra.kafka.checkup import lags  # noqa: PLC0415  # half a second that who uses no Kafka need not wait
    from infra.kafka.topics import names  # noqa: PLC0415

    try:
        found = lags(settings.kafka, settings.ledger)
    except (Unreachable, Unfit) as wrong:
        return KafkaStatus(published=0, unpublished=entries, partitions=[], trouble=str(wrong))
    published = sum(each.end for each in found if each.topic == names(settings.ledger).entries)
    return KafkaStatus(
        published=published,
        unpublished=max(0, entries - published),
        partitions=[
            KafkaLag(topic=each.topic, partition=each.partition, records=each.end, taken_in=each.committed, lag=each.behind)
            for each in found
        ],
        trouble=None,
    )
