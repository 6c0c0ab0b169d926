"""A ledger's topics are made as a record for life needs them, and one that is otherwise is refused with what to do."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from time import monotonic

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from infra.kafka import topics
from infra.kafka.connect import NoBroker, SlowChecksums
from infra.kafka.topics import Fault, UnfitTopic
from tests.services.kafka import free_ports
from tests.services.keeper import ROOT

NOBODY = f"127.0.0.1:{free_ports(1)[0]}"


@pytest.fixture
def admin(kafka_bootstrap: str) -> Iterator[KafkaAdminClient]:
    with closing(KafkaAdminClient(bootstrap_servers=kafka_bootstrap)) as client:
        yield client


def alter(admin: KafkaAdminClient, topic: str, **settings: str) -> None:
    named = {name.replace("_", "."): value for name, value in settings.items()}
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, named)])


def only(faults: list[Fault]) -> Fault:
    (fault,) = faults
    return fault


@pytest.mark.service
def test_what_is_missing_is_said_and_made_and_then_nothing_is_wrong(kafka_bootstrap: str, ledger_name: str) -> None:
    missing = topics.check(kafka_bootstrap, ledger_name, 3, 1)
    assert [(each.topic, each.wrong) for each in missing] == [
        (f"{ledger_name}.reports", "is missing"),
        (f"{ledger_name}.entries", "is missing"),
        (f"{ledger_name}.quarantine", "is missing"),
    ]
    assert f"kafka-topics.sh --bootstrap-server {kafka_bootstrap} --create --topic {ledger_name}.entries" in missing[1].do
    topics.ensure(kafka_bootstrap, ledger_name, 3, 1)
    assert topics.check(kafka_bootstrap, ledger_name, 3, 1) == []
    topics.ensure(kafka_bootstrap, ledger_name, 3, 1)


@pytest.mark.service
def test_entries_are_kept_for_ever_and_by_two_brokers_where_there_are_two(
    kafka_bootstrap: str, ledger_name: str, admin: KafkaAdminClient
) -> None:
    topics.ensure(kafka_bootstrap, ledger_name, 2, 1)
    entries = topics.names(ledger_name).entries
    found = topics.settings_of(admin, [entries])[entries]
    assert (found["retention.ms"], found["retention.bytes"], found["cleanup.policy"]) == ("-1", "-1", "delete")
    assert (found["unclean.leader.election.enable"], found["min.insync.replicas"]) == ("false", "1")
    wrong = topics.check(kafka_bootstrap, ledger_name, 2, 3)
    assert [each.wrong for each in wrong if each.topic == entries] == [
        "is kept on 1 brokers and not 3",
        "has min.insync.replicas=1",
    ]


@pytest.mark.service
def test_two_that_make_them_at_once_do_not_disturb_each_other(kafka_bootstrap: str, ledger_name: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        for each in [pool.submit(topics.ensure, kafka_bootstrap, ledger_name, 2, 1) for _ in range(4)]:
            each.result()
    assert topics.check(kafka_bootstrap, ledger_name, 2, 1) == []


@pytest.mark.service
@pytest.mark.parametrize(
    "altered",
    [
        ("cleanup_policy", "compact", "delete"),
        ("cleanup_policy", "compact,delete", "delete"),
        ("retention_ms", "604800000", "-1"),
        ("retention_bytes", "1000000", "-1"),
        ("unclean_leader_election_enable", "true", "false"),
        ("max_message_bytes", "1048588", str(topics.ENTRY_AT_MOST)),
        ("message_timestamp_type", "LogAppendTime", "CreateTime"),
        ("message_timestamp_before_max_ms", "9223372036854775807", "15000"),
        ("message_timestamp_after_max_ms", "3600000", "5000"),
    ],
)
def test_a_topic_of_entries_with_another_setting_is_refused_with_the_command_that_puts_it_right(
    kafka_bootstrap: str, ledger_name: str, admin: KafkaAdminClient, altered: tuple[str, str, str]
) -> None:
    setting, value, wanted = altered
    topics.ensure(kafka_bootstrap, ledger_name, 1, 1)
    entries, name = topics.names(ledger_name).entries, setting.replace("_", ".")
    alter(admin, entries, **{setting: value})
    with pytest.raises(UnfitTopic) as refused:
        topics.ensure(kafka_bootstrap, ledger_name, 1, 1)
    fault = only(topics.check(kafka_bootstrap, ledger_name, 1, 1))
    assert (fault.topic, fault.wrong) == (entries, f"has {name}={value}")
    assert fault.do == (
        f"kafka-configs.sh --bootstrap-server {kafka_bootstrap} --alter --entity-type topics --entity-name {entries} "
        f"--add-config {name}={wanted}"
    )
    assert str(refused.value) == f"the topic {entries} has {name}={value}: {fault.do}"


@pytest.mark.service
def test_another_number_of_partitions_is_refused(kafka_bootstrap: str, ledger_name: str, admin: KafkaAdminClient) -> None:
    topics.ensure(kafka_bootstrap, ledger_name, 3, 1)
    fault = only(topics.check(kafka_bootstrap, ledger_name, 12, 1))
    assert (fault.topic, fault.wrong) == (f"{ledger_name}.entries", "has 3 partitions and not 12")
    assert "set TROTH_KAFKA_PARTITIONS=3 if it was made with so many" in fault.do
    assert f"kafka-topics.sh --bootstrap-server {kafka_bootstrap} --delete --topic {ledger_name}.entries" in fault.do


@pytest.mark.service
def test_reports_may_be_kept_otherwise_but_never_compacted(
    kafka_bootstrap: str, ledger_name: str, admin: KafkaAdminClient
) -> None:
    topics.ensure(kafka_bootstrap, ledger_name, 1, 1)
    reports = topics.names(ledger_name).reports
    alter(admin, reports, retention_ms="-1")
    assert topics.check(kafka_bootstrap, ledger_name, 1, 1) == []
    alter(admin, reports, cleanup_policy="compact", retention_ms="60000")
    assert [each.wrong for each in topics.check(kafka_bootstrap, ledger_name, 1, 1)] == [
        "has cleanup.policy=compact",
        "has retention.ms=60000",
    ]


@pytest.mark.service
def test_more_replicas_than_brokers_are_refused(kafka_bootstrap: str, ledger_name: str) -> None:
    with pytest.raises(UnfitTopic, match=r"could not be made .*with fewer brokers set TROTH_KAFKA_REPLICATION"):
        topics.ensure(kafka_bootstrap, ledger_name, 1, 3)


@pytest.mark.parametrize("bootstrap", [NOBODY, f"{NOBODY},no-such-host.invalid:9092"], ids=["one", "two"])
def test_where_nobody_listens_that_is_said_at_once(bootstrap: str) -> None:
    began = monotonic()
    with pytest.raises(NoBroker, match=rf"Kafka at {bootstrap} cannot be reached.*let TROTH_KAFKA name other"):
        topics.check(bootstrap, "nowhere", 1, 1)
    assert monotonic() - began < 10


def test_without_the_c_library_for_checksums_nothing_starts() -> None:
    program = (
        "import sys; sys.modules['crc32c'] = None\n"
        "from infra.kafka import connect\n"
        "assert not connect.has_fast_checksums()\n"
        "try: connect.administering('127.0.0.1:1').__enter__()\n"
        "except connect.SlowChecksums as slow: print(slow)\n"
    )
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "pip install crc32c" in said
    assert issubclass(SlowChecksums, Exception)
