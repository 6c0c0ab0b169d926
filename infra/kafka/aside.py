"""Refused reports on the topic of what is refused, `<ledger>.quarantine`: as they came, and why, in Kafka Connect's headers."""

from collections.abc import Sequence
from typing import Protocol

from kafka import KafkaProducer
from kafka.errors import MessageSizeTooLargeError
from kafka.producer.future import FutureRecordMetadata

from domain.refusal import Refusal
from infra.failpoint import failpoint
from infra.kafka.connect import CLIENT, REACH_MS, make_sure, reaching

LARGEST = 64 * 1024 * 1024
"""More bytes than any broker takes in one record: what is too large is for the broker to say."""
DELIVERED_MS = 30_000

Headers = list[tuple[str, bytes]]


class Came(Protocol):
    """A record that came, by whichever client."""

    @property
    def topic(self) -> str:
        """Its topic."""

    @property
    def partition(self) -> int:
        """Its partition."""

    @property
    def offset(self) -> int:
        """Its offset."""

    @property
    def key(self) -> bytes | None:
        """Its key."""

    @property
    def value(self) -> bytes | None:
        """Its value."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]] | None:
        """Its headers, or None where they cannot be read."""


class SettingAside:
    """Publishes refused records. Connected when there is a first one."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._producer: KafkaProducer | None = None

    def close(self) -> None:
        """Give the connections back."""
        if self._producer is not None:
            self._producer.close(timeout=1)

    def publish(self, refused: Sequence[tuple[Came, Refusal]]) -> None:
        """Publish these, and return when all in-sync replicas have them. Raises NoBroker.

        One that is too large with its reasons is published without its content, which the ledger's own quarantine has.
        """
        producer = self._producing()
        with reaching(self._bootstrap):
            sent = [(each, producer.send(self._topic, *_as_it_came(each[0], reasons(*each)))) for each in refused]
            producer.flush(DELIVERED_MS / 1_000)
            too_large = [each for each, future in sent if not _is_there(future)]
            again = [producer.send(self._topic, None, b"", reasons(*each)) for each in too_large]
            producer.flush(DELIVERED_MS / 1_000)
            for each in again:
                each.get(0)
        failpoint("after_setting_aside")

    def _producing(self) -> KafkaProducer:
        if self._producer is None:
            make_sure(self._bootstrap)
            with reaching(self._bootstrap):
                self._producer = KafkaProducer(
                    bootstrap_servers=self._bootstrap,
                    client_id=f"{CLIENT}-intake",
                    acks="all",
                    enable_idempotence=True,
                    max_request_size=LARGEST,
                    request_timeout_ms=REACH_MS,
                    delivery_timeout_ms=DELIVERED_MS - 1_000,
                    max_block_ms=REACH_MS,
                    bootstrap_timeout_ms=REACH_MS,
                    allow_auto_create_topics=False,
                    metrics_enabled=False,
                )
        return self._producer


def _is_there(future: FutureRecordMetadata) -> bool:
    """Whether a record is on its topic; not where it is too large to be."""
    try:
        future.get(0)
    except MessageSizeTooLargeError:
        return False
    return True


def _as_it_came(record: Came, more: Headers) -> tuple[bytes | None, bytes | None, Headers]:
    """Value, key and headers of a record, unchanged but for what the client does not send: no header without a value, and no
    record with neither key nor value. They come out empty."""
    headers = [(name, value or b"") for name, value in record.headers or ()]
    return record.value, b"" if record.key is None and record.value is None else record.key, [*headers, *more]


def reasons(record: Came, refusal: Refusal) -> Headers:
    """Where a record came from and why it was refused, as Kafka Connect says it."""
    where = f" at {refusal.pointer}" if refusal.pointer else ""
    said = {
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
        "exception.class.name": refusal.name,
        "exception.message": f"{refusal.message}{where}",
    }
    return [(f"__connect.errors.{name}", value.encode()) for name, value in said.items()]
