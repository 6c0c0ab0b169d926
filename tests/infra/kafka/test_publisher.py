"""The record goes out to a real Kafka: in order, once, unchanged, and nothing of it late."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic

import psycopg
import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, PartitionProducerState, ProducerState

from consumers import relay as relaying
from consumers.ports import BrokenRecord, Sending, Unpublished
from consumers.relay import Relay
from domain.fact import FACTS_PER_STREAM
from domain.instant import SECOND
from infra import wiring
from infra.kafka import tails as tails_module
from infra.kafka import topics
from infra.kafka.connect import NoBroker
from infra.kafka.publisher import ClocksDiffer, KafkaPublisher
from infra.kafka.tails import read_tails
from infra.postgres.lock import SessionLock
from infra.sqlite.lock import FileLock
from tests.ledgers import Ledger, contact, kept, made
from tests.published import found_on, prove_published, quick_topics
from tests.services.kafka import free_ports

pytestmark = pytest.mark.service
PARTIES = 9


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "home") as told:
        yield told


@pytest.fixture
def topic(kafka_bootstrap: str, ledger_name: str) -> str:
    topics.ensure(kafka_bootstrap, ledger_name, 3, 1)
    return topics.names(ledger_name).entries


def tell(ledger: Ledger, first: int, count: int) -> None:
    ledger.receipts(*(contact(f"party-{number % PARTIES}", str(number)) for number in range(first, first + count)))


def relay(ledger: Ledger, bootstrap: str, name: str) -> Relay:
    return Relay(ledger.log, KafkaPublisher(bootstrap, name), FileLock(ledger.home / "relay.lock"), wiring.now)


def publish_all(one: Relay, upto: int) -> None:
    until = monotonic() + 60
    while one.next_position < upto:
        one.step()
        assert monotonic() < until


def test_the_record_is_published_and_what_follows_it_too(
    kafka_bootstrap: str, ledger_name: str, topic: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relaying, "WINDOW", 50)
    tell(ledger, 0, 220)
    with closing(relay(ledger, kafka_bootstrap, ledger_name)) as one:
        publish_all(one, 221)
        assert not one.step()
        ledger.receipts(made("acme", "a", due="2026-02-01"), kept("acme", "a", "2026-01-20"))
        assert one.step()
    with closing(relay(ledger, kafka_bootstrap, ledger_name)) as other:
        tell(ledger, 220, 10)
        publish_all(other, 233)  # at once: the one before it left in order
    prove_published(ledger.stored(), kafka_bootstrap, ledger_name)


def test_where_a_partition_is_ahead_of_another_each_gets_what_it_lacks(
    kafka_bootstrap: str, ledger_name: str, topic: str, ledger: Ledger
) -> None:
    tell(ledger, 0, 60)
    with closing(KafkaPublisher(kafka_bootstrap, ledger_name)) as hand:
        hand.tails()
        sent: dict[int, list[Sending]] = {}
        for position, state in ledger.stored():
            party = ledger.entries()[position].party.encode()
            before = sent.setdefault(hand.partition_of(party), [])
            before.append(Sending(hand.partition_of(party), position, before[-1].position if before else None, party, state))
        hand.publish(sent[0], wiring.now())
        hand.publish(sent[1][:5], wiring.now())
    with closing(relay(ledger, kafka_bootstrap, ledger_name)) as one:
        publish_all(one, 61)
    prove_published(ledger.stored(), kafka_bootstrap, ledger_name)


def test_brokers_refuse_what_was_sent_too_long_ago_and_what_comes_from_the_future(
    kafka_bootstrap: str, ledger_name: str, topic: str, ledger: Ledger
) -> None:
    party = b"@ledger"
    with closing(KafkaPublisher(kafka_bootstrap, ledger_name)) as hand:
        hand.tails()
        entry = Sending(hand.partition_of(party), 0, None, party, ledger.stored()[0].state)
        for skewed in (-60, 60):
            with pytest.raises(ClocksDiffer, match="our clock and that of a broker differ too much"):
                hand.publish([entry], wiring.now() + skewed * SECOND)
            hand.close()
    assert found_on(kafka_bootstrap, ledger_name) == []


class Hiding:
    """A client to whom the leader tells of a record that its followers do not have yet, for so many looks."""

    def __init__(self, admin: KafkaAdminClient, looks: int) -> None:
        self._admin = admin
        self.looks = looks

    def describe_producers(self, partitions: list[TopicPartition]) -> dict[TopicPartition, PartitionProducerState]:
        """The truth, and one stamp more."""
        self.looks -= 1
        appended = self._admin.describe_producers(partitions)
        if self.looks >= 0:
            hidden = ProducerState(7, 0, 0, wiring.now() // 1_000 + 1, -1, -1)
            appended[partitions[1]].active_producers.append(hidden)
        return appended


def test_the_end_of_a_partition_is_not_believed_while_something_is_hidden_behind_it(
    kafka_bootstrap: str, ledger_name: str, topic: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`python -m tests.campaigns.relay` has brokers that really hide something."""
    tell(ledger, 0, 20)
    with closing(relay(ledger, kafka_bootstrap, ledger_name)) as one:
        publish_all(one, 21)
    with closing(KafkaAdminClient(bootstrap_servers=kafka_bootstrap)) as admin:
        hiding = Hiding(admin, looks=3)
        tails = read_tails(hiding, kafka_bootstrap, topic, 3)
        assert hiding.looks == -1
        assert sum(each.end for each in tails) == 21
        monkeypatch.setattr(tails_module, "REACH_MS", 600)
        with pytest.raises(NoBroker, match=r"in partitions \[1\] are not on enough brokers yet"):
            read_tails(Hiding(admin, looks=10**6), kafka_bootstrap, topic, 3)


def test_two_relays_take_turns_and_never_publish_at_once(
    kafka_bootstrap: str, ledger_name: str, topic: str, ledger: Ledger
) -> None:
    tell(ledger, 0, 20)
    one, other = relay(ledger, kafka_bootstrap, ledger_name), relay(ledger, kafka_bootstrap, ledger_name)
    publish_all(one, 21)
    tell(ledger, 20, 20)
    assert not other.step()
    assert other.next_position == 0
    one.close()
    publish_all(other, 41)
    other.close()
    prove_published(ledger.stored(), kafka_bootstrap, ledger_name)


def test_a_relay_whose_database_forgets_its_lock_stops_and_another_goes_on(
    kafka_bootstrap: str, ledger_name: str, tmp_path: Path, database: str
) -> None:
    quick_topics(kafka_bootstrap, ledger_name, late_ms=3_000)

    def begin() -> Relay:
        lock = SessionLock(database, ledger_name, "relay")
        return Relay(told.log, KafkaPublisher(kafka_bootstrap, ledger_name), lock, wiring.now)

    with Ledger(tmp_path, database=database, name=ledger_name) as told:
        tell(told, 0, 20)
        one, other = begin(), begin()
        publish_all(one, 21)
        tell(told, 20, 20)
        assert not other.step()
        with closing(psycopg.connect(database, autocommit=True)) as connection:
            connection.execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE locktype = 'advisory'")
        assert not other.step()  # it has the lock now, and waits for what the first may have sent
        with pytest.raises(Unpublished, match="lock was lost"):
            one.step()
        publish_all(other, 41)
        one.close()
        other.close()
        prove_published(told.stored(), kafka_bootstrap, ledger_name)


def test_an_entry_that_somebody_else_puts_on_the_topic_is_noticed(
    kafka_bootstrap: str, ledger_name: str, topic: str, ledger: Ledger
) -> None:
    one = relay(ledger, kafka_bootstrap, ledger_name)
    publish_all(one, 1)
    with closing(KafkaProducer(bootstrap_servers=kafka_bootstrap)) as stranger:
        for partition in range(3):
            stranger.send(topic, b"{}", partition=partition).get(10)
    tell(ledger, 0, 20)
    with pytest.raises(BrokenRecord, match=r"somebody else wrote to .* at offset \d of partition \d: only the relay may"):
        one.step()
    one.close()
    with closing(KafkaProducer(bootstrap_servers=kafka_bootstrap)) as stranger:
        stranger.send(topic, b"{}", partition=0).get(10)
    with closing(relay(ledger, kafka_bootstrap, ledger_name)) as after, pytest.raises(BrokenRecord, match="is no entry"):
        after.step()


def test_the_largest_entries_that_a_ledger_records_can_be_published(
    kafka_bootstrap: str, ledger_name: str, topic: str, ledger: Ledger
) -> None:
    """More than a broker takes by default: a policy with long reasons, and a full stream in which nearly all is void."""
    shipped = wiring.shipped_policy()
    reasons = shipped.reasons | {f"note {number}": "ä" * 2_000 for number in range(200)}
    wiring.adopt(ledger.intake, shipped.model_copy(update={"version": "wordy", "reasons": reasons}), in_force_from=1)
    ledger.receipts(made("acme", "a", terms="ä" * 10_000, due="2026-02-01"))
    ledger.receipts(*(kept("acme", "a", "2026-01-20") for _ in range(FACTS_PER_STREAM - 1)))
    assert 1_500_000 < max(len(each.state) for each in ledger.stored()) < topics.ENTRY_AT_MOST / 4
    with closing(relay(ledger, kafka_bootstrap, ledger_name)) as one:
        publish_all(one, ledger.log.end())
    prove_published(ledger.stored(), kafka_bootstrap, ledger_name)


def test_where_no_broker_is_that_is_said(ledger: Ledger) -> None:
    with pytest.raises(NoBroker):
        relay(ledger, f"127.0.0.1:{free_ports(1)[0]}", "nowhere")
