"""What `troth doctor` says of Kafka, and how far everything has come there."""

from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.structs import OffsetAndMetadata

from consumers.relay import Relay
from infra import wiring
from infra.kafka import checkup, topics
from infra.kafka.checkup import Finding, Lag
from infra.kafka.publisher import KafkaPublisher
from infra.kafka.topics import Partition
from infra.sqlite.lock import FileLock
from tests.ledgers import Ledger, contact
from tests.services.kafka import free_ports


def found(bootstrap: str, ledger: str, replication: int = 1, now: int | None = None) -> dict[str, Finding]:
    findings = checkup.findings(bootstrap, ledger, 3, replication, wiring.now() if now is None else now)
    return {each.name: each for each in findings}


def publish(home: Path, bootstrap: str, name: str, entries: int) -> None:
    with Ledger(home) as ledger:
        ledger.receipts(*(contact(f"party-{number}", "a") for number in range(entries - 1)))
        with closing(Relay(ledger.log, KafkaPublisher(bootstrap, name), FileLock(home / "relay.lock"), wiring.now)) as relay:
            while relay.step():
                pass


def test_where_no_broker_is_that_is_what_is_wrong() -> None:
    nobody = f"127.0.0.1:{free_ports(1)[0]}"
    all_found = found(nobody, "nowhere")
    assert [(each.name, each.ok) for each in all_found.values()] == [("checksums", True), ("Kafka", False)]
    assert nobody in all_found["Kafka"].found


@pytest.mark.service
def test_where_all_is_well_everything_was_looked_at(kafka_bootstrap: str, ledger_name: str, tmp_path: Path) -> None:
    topics.ensure(kafka_bootstrap, ledger_name, 3, 1)
    before = found(kafka_bootstrap, ledger_name)
    assert all(each.ok for each in before.values())
    assert before["Kafka"].found.startswith("Kafka 4.")
    assert before[f"topic {ledger_name}.entries"].found == "3 partitions on 1 brokers"
    assert before["Kafka's clock"].found == "no entry is published yet, and the protocol tells no broker's time"
    publish(tmp_path / "home", kafka_bootstrap, ledger_name, 20)
    after = found(kafka_bootstrap, ledger_name)
    assert after["Kafka's clock"].ok
    assert after["Kafka's clock"].found.startswith("the newest entry was published at 2")


@pytest.mark.service
def test_a_clock_that_is_behind_what_was_published_is_wrong(kafka_bootstrap: str, ledger_name: str, tmp_path: Path) -> None:
    topics.ensure(kafka_bootstrap, ledger_name, 3, 1)
    publish(tmp_path / "home", kafka_bootstrap, ledger_name, 1)
    clock = found(kafka_bootstrap, ledger_name, now=wiring.now() - 60_000_000)["Kafka's clock"]
    assert not clock.ok
    assert "our clock is at least" in clock.do


@pytest.mark.service
def test_missing_and_unfit_topics_are_wrong_each_with_what_to_do(kafka_bootstrap: str, ledger_name: str) -> None:
    missing = found(kafka_bootstrap, ledger_name)[f"topic {ledger_name}.entries"]
    assert (missing.ok, missing.found) == (False, "is missing")
    assert "`troth run relay` makes it" in missing.do
    topics.ensure(kafka_bootstrap, ledger_name, 3, 1)
    entries = topics.names(ledger_name).entries
    with closing(KafkaAdminClient(bootstrap_servers=kafka_bootstrap)) as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, entries, {"retention.ms": "1000000"})])
    unfit = found(kafka_bootstrap, ledger_name)[f"topic {entries}"]
    assert (unfit.ok, unfit.found) == (False, "has retention.ms=1000000")
    assert "--add-config retention.ms=-1" in unfit.do


@pytest.mark.service
def test_how_far_groups_have_come_is_said_by_partition(kafka_bootstrap: str, ledger_name: str, tmp_path: Path) -> None:
    assert checkup.lags(kafka_bootstrap, ledger_name) == []
    assert checkup.published(kafka_bootstrap, ledger_name) == 0
    topics.ensure(kafka_bootstrap, ledger_name, 3, 1)
    publish(tmp_path / "home", kafka_bootstrap, ledger_name, 40)
    named = topics.names(ledger_name)
    with closing(KafkaConsumer(bootstrap_servers=kafka_bootstrap, group_id=f"{ledger_name}.projector")) as projector:
        projector.commit({TopicPartition(named.entries, 1): OffsetAndMetadata(2, "", -1)})
    lags = checkup.lags(kafka_bootstrap, ledger_name)
    assert [each[:3] for each in lags] == [
        *((f"{ledger_name}.projector", named.entries, partition) for partition in range(3)),
        *((f"{ledger_name}.intake", named.reports, partition) for partition in range(3)),
    ]
    assert [each.committed for each in lags] == [0, 2, 0, 0, 0, 0]
    assert sum(each.end for each in lags) == checkup.published(kafka_bootstrap, ledger_name) == 40
    assert sum(each.behind for each in lags) == 38


def test_a_group_that_says_more_than_there_is_is_not_behind() -> None:
    assert Lag("g", "t", 0, committed=5, end=3).behind == 0


def test_partitions_that_are_short_of_brokers_are_wrong() -> None:
    whole, short, headless = Partition(3, 3, led=True), Partition(3, 1, led=True), Partition(3, 2, led=False)
    assert checkup.brokers_of("t", [whole, whole], 2) == Finding("topic t", True, "2 partitions on 3 brokers")
    wrong = checkup.brokers_of("t", [short, whole, headless], 2)
    assert (wrong.ok, wrong.found) == (False, "partitions 0, 2 have no leader, or fewer than 2 brokers in sync")
