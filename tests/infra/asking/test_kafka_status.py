"""How far everything has come on Kafka, as `troth status` says it."""

import pytest

from infra.asking.kafka import kafka_status
from infra.kafka import topics
from infra.settings import Settings


def test_without_kafka_there_is_nothing_to_say() -> None:
    assert kafka_status(Settings(), 5) is None


def test_where_nobody_listens_it_says_where_and_what_to_do() -> None:
    found = kafka_status(Settings(kafka="127.0.0.1:1"), 5)
    assert found is not None
    assert "127.0.0.1:1" in (found.trouble or "")
    assert "TROTH_KAFKA" in (found.trouble or "")
    assert (found.unpublished, found.partitions) == (5, [])


@pytest.mark.service
def test_entries_that_are_on_the_record_and_not_on_kafka_are_unpublished(kafka_bootstrap: str, ledger_name: str) -> None:
    settings = Settings(kafka=kafka_bootstrap, ledger=ledger_name, kafka_partitions=2, kafka_replication=1)
    topics.ensure(kafka_bootstrap, ledger_name, 2, 1)
    found = kafka_status(settings, 7)
    assert found is not None
    assert (found.trouble, found.published, found.unpublished) == (None, 0, 7)
    assert [(each.topic, each.partition) for each in found.partitions] == [
        (name, partition) for name in (f"{ledger_name}.entries", f"{ledger_name}.reports") for partition in range(2)
    ]
