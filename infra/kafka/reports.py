"""Reports that come by Kafka: CloudEvents in binary and in structured mode, each partition read from the mark on the record.

Binary mode has the attributes in headers (`ce_id`, `ce_source`, …) and the data as JSON in the value; structured mode, with the
content type `application/cloudevents+json`, has all of it in the value. The key, which is the party, puts what is about one
party into one partition; what counts is what the report itself says.
"""

from collections.abc import Mapping, Sequence

from kafka import KafkaProducer
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaError

from consumers.intake import Incoming
from consumers.ports import Unfit
from consumers.take_in import Batch
from domain.refusal import MalformedEnvelope, Refusal
from infra import cloudevents
from infra.kafka import topics
from infra.kafka.connect import CLIENT, REACH_MS, NoBroker, administering, make_sure, reaching
from infra.kafka.consumer import GONE
from infra.kafka.group import Group
from infra.settings import Settings

_ERRORS = "__connect.errors."


class KafkaReports:
    """The port Reports on the consumer group `<ledger>.intake`."""

    def __init__(self, settings: Settings, bootstrap: str) -> None:
        """Join the group. Raises UnfitTopic or NoBroker."""
        self._bootstrap = bootstrap
        self._topic, _, self._aside = topics.names(settings.ledger)
        with administering(bootstrap) as admin:
            (described,) = admin.describe_topics([self._topic])
        # A topic that was deleted and made anew is another one: what was read of the former says nothing about it.
        self._marked = f"kafka:{self._topic}:{described['topic_id']}"
        self._producer: KafkaProducer | None = None
        self._records: dict[int, list[ConsumerRecord]] = {}
        self._group = Group(settings, "intake", self._topic, isolation_level="read_committed")

    def close(self) -> None:
        """Leave the group: others take over at once."""
        if self._producer is not None:
            self._producer.close(timeout=1)
        self._group.close()

    def dealt(self) -> bool:
        """Whether partitions were dealt out since this was asked last."""
        return self._group.dealt()

    def assigned(self) -> Mapping[int, str]:
        """The partitions that are ours now, each with the name of its mark."""
        return {each: f"{self._marked}:{each}" for each in self._group.assigned()}

    def seek(self, partition: int, offset: int | None) -> None:
        """Read a partition from there on, or from its beginning. Raises Unfit where that is gone, or NoBroker."""
        first, end = self._group.bounds([partition])[partition]
        if offset is not None and not first <= offset <= end:
            raise self._gone(f"partition {partition} was to be read from offset {offset} on, and holds {first} to {end}")
        self._group.seek(partition, first if offset is None else offset)

    def poll(self, limit: int) -> Sequence[Batch]:
        """What follows, as soon as there is something; nothing after as long as the settings say between two looks."""
        try:
            self._records = dict(self._group.poll(self._group.assigned(), limit))
        except GONE as gone:
            raise self._gone(f"{type(gone).__name__}: {gone}") from gone
        return [
            Batch(partition, found[0].offset, found[-1].offset + 1, [_incoming(each) for each in found])
            for partition, found in self._records.items()
        ]

    def set_aside(self, batch: Batch, refused: Mapping[int, Refusal]) -> None:
        """Send the refused to the topic of the quarantine, unchanged, with why and where they came from. Raises NoBroker."""
        try:
            producer = self._producing()
            sent = []
            for index, refusal in refused.items():
                record = self._records[batch.partition][index]
                headers = [*record.headers, *_errors(record, refusal)]
                sent.append(producer.send(self._aside, record.value, record.key, headers))
            producer.flush(REACH_MS / 1_000)
            for each in sent:
                each.get(REACH_MS / 1_000)
        except KafkaError as wrong:
            raise NoBroker(self._bootstrap, type(wrong).__name__) from wrong

    def done(self, batch: Batch) -> None:
        """Say to Kafka how far we are, for those who watch how far behind we are."""
        self._group.commit({batch.partition: batch.end})

    def _producing(self) -> KafkaProducer:
        if self._producer is None:
            make_sure(self._bootstrap)
            with reaching(self._bootstrap):
                self._producer = KafkaProducer(
                    bootstrap_servers=self._bootstrap,
                    client_id=f"{CLIENT}-intake",
                    acks="all",
                    enable_idempotence=True,
                    max_request_size=topics.ENTRY_AT_MOST,
                    max_block_ms=REACH_MS,
                    bootstrap_timeout_ms=REACH_MS,
                    allow_auto_create_topics=False,
                    metrics_enabled=False,
                )
        return self._producer

    def _gone(self, what: str) -> Unfit:
        return Unfit(
            f"reports on {self._topic} are gone before they were taken in: {what}. Delete the topic (kafka-topics.sh --delete "
            f"--topic {self._topic}), let it be made anew, and have its publishers report again: nothing is recorded twice"
        )


def _incoming(record: ConsumerRecord) -> Incoming:
    """A record as a report on its way in."""
    origin, data = f"{record.topic}/{record.partition}/{record.offset}", record.value or b""
    attributes, names = {}, [name for name, _ in record.headers]
    for name, value in record.headers:
        if name.startswith("ce_") and name != "ce_data":
            attributes[name[3:]] = (value or b"").decode("utf-8", "backslashreplace")
    if not attributes:
        return Incoming(origin, data)
    raw = cloudevents.structured(attributes, data)
    doubled = next((name for name in names if name.startswith("ce_") and names.count(name) > 1), None)
    if doubled is not None:
        return Incoming(origin, raw, refusal=MalformedEnvelope(f"the header {doubled} is given twice"))
    if not all(_is_text(value) for name, value in record.headers if name.startswith("ce_")):
        return Incoming(origin, raw, refusal=MalformedEnvelope("a header is no UTF-8 text"))
    return Incoming(origin, raw)


def _is_text(value: bytes | None) -> bool:
    try:
        (value or b"").decode()
    except UnicodeDecodeError:
        return False
    return True


def _errors(record: ConsumerRecord, refusal: Refusal) -> list[tuple[str, bytes]]:
    """Where a record came from and why it was refused, in the headers that Kafka Connect uses for it."""
    said = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "exception.class.name": refusal.name,
        "exception.message": f"{refusal.message} {refusal.pointer}".strip(),
    }
    return [(_ERRORS + name, str(value).encode()) for name, value in said.items()]
