"""Reports by Kafka: both modes, poison, what is set aside; taken in once, whoever has the partition."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from consumers.ports import Conflict
from consumers.take_in import TakingIn
from domain.entry import Entry
from infra.kafka import topics
from infra.kafka.reports import KafkaReports
from infra.settings import Settings
from infra.sqlite.connect import connect
from infra.sqlite.log import FILE
from infra.sqlite.quarantine import Quarantine
from tests.ledgers import Ledger, Message, kept, made, raw

pytestmark = pytest.mark.service

STRUCTURED = [("content-type", b"application/cloudevents+json")]
STEPS = 200


@pytest.fixture
def settings(kafka_bootstrap: str, ledger_name: str) -> Settings:
    made_with = {"kafka_partitions": 2, "kafka_replication": 1, "kafka_session_seconds": 6, "poll_milliseconds": 50}
    topics.ensure(kafka_bootstrap, ledger_name, 2, 1)
    return Settings(kafka=kafka_bootstrap, ledger=ledger_name, **made_with)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path) as opened:
        yield opened


@pytest.fixture
def send(settings: Settings) -> Iterator[Callable[..., None]]:
    """Sends a record to the topic of reports."""
    with closing(KafkaProducer(bootstrap_servers=settings.kafka, acks="all")) as producer:

        def sending(value: bytes | None, headers: list[tuple[str, bytes]] = STRUCTURED, key: bytes = b"acme") -> None:
            producer.send(f"{settings.ledger}.reports", value, key, headers).get(30)

        yield sending


class Member:
    """One that takes in, step by step."""

    def __init__(self, settings: Settings, ledger: Ledger, who: str) -> None:
        self.reports = KafkaReports(settings, str(settings.kafka))
        self.taking_in = TakingIn(self.reports, ledger.log, ledger.intake, who)

    def until(self, met: Callable[[], bool]) -> None:
        """Step until that is so."""
        for _ in range(STEPS):
            self.taking_in.step()
            if met():
                return
        raise AssertionError("it was never so")

    def close(self) -> None:
        """Leave."""
        self.reports.close()


def binary(message: Message) -> tuple[bytes, list[tuple[str, bytes]]]:
    """A report in binary mode."""
    attributes = [(f"ce_{name}", str(value).encode()) for name, value in message.items() if name != "data"]
    return json.dumps(message["data"]).encode(), [("content-type", b"application/json"), *attributes]


def reported(ledger: Ledger) -> list[Entry]:
    """The record without the policy that every ledger begins with."""
    return ledger.entries()[1:]


def set_aside(settings: Settings) -> list[Any]:
    """All records on the topic of the quarantine."""
    partition = TopicPartition(f"{settings.ledger}.quarantine", 0)
    with closing(
        KafkaConsumer(bootstrap_servers=settings.kafka, auto_offset_reset="earliest", enable_auto_commit=False)
    ) as all_:
        all_.assign([partition])
        end, found = all_.end_offsets([partition])[partition], []
        while all_.position(partition) < end:
            found += [each for records in all_.poll(500).values() for each in records]
        return found


def test_both_modes_are_recorded_and_read_once(settings: Settings, ledger: Ledger, send: Callable[..., None]) -> None:
    one, other = made("acme", "p", "2026-01-01", "2026-02-01", ident="1"), kept("acme", "p", "2026-01-09", ident="2")
    send(raw(one))
    send(*binary(other))
    send(raw(one))
    with closing(Member(settings, ledger, "one")) as member:
        member.until(lambda: len(reported(ledger)) == 2)
        member.until(lambda: not member.taking_in.step())
    assert [(each.kind, each.id) for each in reported(ledger)] == [("promise.made.v1", "1"), ("promise.kept.v1", "2")]
    assert set_aside(settings) == []


POISON: dict[str, tuple[bytes | None, list[tuple[str, bytes]], str]] = {
    "no JSON": (b"{", STRUCTURED, "MalformedJson"),
    "nothing": (None, STRUCTURED, "MalformedJson"),
    "no text": (b"\xff\xfe", STRUCTURED, "MalformedJson"),
    "unknown type": (raw({**made("acme", "x"), "type": "promise.pondered.v1"}), STRUCTURED, "UnknownType"),
    "too large": (raw({**made("acme", "x"), "id": "x" * 300_000}), STRUCTURED, "TooLarge"),
    "a header twice": (b"{}", [("ce_specversion", b"1.0"), ("ce_id", b"1"), ("ce_id", b"2")], "MalformedEnvelope"),
    "a header that is no text": (b"{}", [("ce_specversion", b"1.0"), ("ce_id", b"\xff")], "MalformedEnvelope"),
    "data that reaches beyond itself": (b'{}, "id": "2"', [("ce_specversion", b"1.0"), ("ce_id", b"1")], "MalformedJson"),
}


def test_poison_is_set_aside_whole_and_its_neighbours_are_recorded(
    settings: Settings, ledger: Ledger, send: Callable[..., None]
) -> None:
    for value, headers, _ in POISON.values():
        send(value, headers)
    send(raw(made("acme", "p", ident="good")))
    with closing(Member(settings, ledger, "one")) as member:
        member.until(lambda: len(reported(ledger)) == 1)
        member.until(lambda: not member.taking_in.step())
    found = set_aside(settings)
    assert [(each.value, each.key) for each in found] == [(value, b"acme") for value, _, _ in POISON.values()]
    for record, (_, headers, reason) in zip(found, POISON.values(), strict=True):
        assert record.headers[: len(headers)] == headers
        why = dict(record.headers[len(headers) :])
        assert why["__connect.errors.topic"] == f"{settings.ledger}.reports".encode()
        assert why["__connect.errors.exception.class.name"] == reason.encode()
        assert int(why["__connect.errors.offset"]) >= 0
        assert why["__connect.errors.exception.message"]
    with closing(Quarantine(connect(ledger.home / FILE))) as quarantine:
        assert sorted(each.reason for each in quarantine.list()) == sorted(reason for _, _, reason in POISON.values())


def test_whoever_has_the_partition_next_goes_on_where_the_record_stands(
    settings: Settings, ledger: Ledger, send: Callable[..., None]
) -> None:
    for number in range(5):
        send(raw(made("acme", f"a{number}", ident=f"a{number}")))
    with closing(Member(settings, ledger, "one")) as member:
        member.until(lambda: len(reported(ledger)) == 5)
    for number in range(5):
        send(raw(made("acme", f"b{number}", ident=f"b{number}")))
    with closing(Member(settings, ledger, "another")) as member:
        member.until(lambda: len(reported(ledger)) == 10)
        member.until(lambda: not member.taking_in.step())
    assert [each.id for each in reported(ledger)] == [f"{letter}{number}" for letter in "ab" for number in range(5)]


def test_a_former_owners_batch_is_refused_whole(settings: Settings, ledger: Ledger, send: Callable[..., None]) -> None:
    send(raw(made("acme", "a", ident="a")))
    with closing(Member(settings, ledger, "former")) as former:
        former.until(lambda: len(reported(ledger)) == 1)
        send(raw(made("acme", "b", ident="b")))
        (batch,) = next(found for found in iter(lambda: former.reports.poll(10), None) if found)
    with closing(Member(settings, ledger, "present")) as present:
        present.until(lambda: len(reported(ledger)) == 2)
    before = ledger.stored()
    with pytest.raises(Conflict, match="moved"):
        former.taking_in._record(batch)
    assert ledger.stored() == before


def test_a_topic_that_was_made_anew_is_read_from_its_beginning(
    settings: Settings, ledger: Ledger, send: Callable[..., None]
) -> None:
    for number in range(3):
        send(raw(made("acme", f"a{number}", ident=f"a{number}")))
    with closing(Member(settings, ledger, "one")) as member:
        member.until(lambda: len(reported(ledger)) == 3)
    with topics.administering(str(settings.kafka)) as admin:
        admin.delete_topics([f"{settings.ledger}.reports"])
    topics.ensure(str(settings.kafka), settings.ledger, 2, 1)
    send(raw(made("acme", "b", ident="b")))
    with closing(Member(settings, ledger, "one")) as member:
        member.until(lambda: len(reported(ledger)) == 4)
