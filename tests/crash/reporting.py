"""Publishers who report to a ledger by Kafka and by HTTP, each sending again what nobody has answered for."""

import http.client
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import count, islice
from typing import NamedTuple
from urllib.parse import urlsplit

from kafka import KafkaProducer
from kafka.errors import KafkaError

from infra.kafka.connect import NoBroker, make_sure
from tests.ledgers import Message, contact, raw
from tests.telling import rfc

ANSWER_SECONDS = 60
AGAIN_SECONDS = 10
POISON_EVERY = 25
STRUCTURED = b"application/cloudevents+json"
Record = tuple[bytes, bytes, list[tuple[str, bytes]]]
"""Value, key and headers."""
Heard = tuple[tuple[str, str], tuple[int, str]]
"""(source, id) of a report, and the position and hash that its publisher was told."""


class Poison(NamedTuple):
    """A report that cannot be recorded, and the reason by name."""

    reason: str
    raw: bytes


def poison() -> Iterator[Poison]:
    """Ever new reports that are refused."""
    for number in count():
        told = contact("acme", f"poison-{number}")
        yield Poison("MalformedJson", b"{" + raw(told))
        yield Poison("UnknownType", raw({**told, "type": "promise.dreamt.v1"}))
        yield Poison("MalformedData", raw({**told, "data": {**told["data"], "direction": "sideways"}}))
        yield Poison("InTheFuture", raw({**told, "time": rfc("2999-01-01")}))


class ByKafka:
    """Somebody who publishes on the topic of reports, in structured and in binary mode, some of it twice, some of it poison."""

    def __init__(self, bootstrap: str, topic: str, reports: Sequence[Message]) -> None:
        self._bootstrap = bootstrap
        self._producer: KafkaProducer | None = None
        self._topic = topic
        self.poisoned = list(islice(poison(), len(reports) // POISON_EVERY))
        self._records = [_record(each, number) for number, each in enumerate(reports) for _ in range(1 + (number % 7 == 0))]
        for number, bad in enumerate(self.poisoned):
            self._records.insert(number * POISON_EVERY, (bad.raw, b"acme", [("content-type", STRUCTURED)]))
        self._told = 0

    @property
    def left(self) -> int:
        """How much of it is not on the topic yet."""
        return len(self._records) - self._told

    @property
    def done(self) -> bool:
        """Whether all of it is there."""
        return self.left == 0

    def tell(self, wanted: int) -> None:
        """Publish so many more; where Kafka does not take them all, the same are published the next time."""
        records = self._records[self._told :][:wanted]
        try:
            make_sure(self._bootstrap)
            self._producer = self._producer or KafkaProducer(
                bootstrap_servers=self._bootstrap,
                acks="all",
                bootstrap_timeout_ms=AGAIN_SECONDS * 1_000,
                request_timeout_ms=AGAIN_SECONDS * 500,
                delivery_timeout_ms=AGAIN_SECONDS * 1_000,
                max_block_ms=AGAIN_SECONDS * 1_000,
            )
            sent = [self._producer.send(self._topic, value, key, headers) for value, key, headers in records]
            for each in sent:
                each.get(AGAIN_SECONDS)
        except (KafkaError, NoBroker):
            self.close()
            return
        self._told += len(records)

    def close(self) -> None:
        """Give the connection back. One that was cut off is left to end by itself: nobody waits for what it still holds."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(KafkaError):
                producer.close(timeout=1)


def _record(report: Message, number: int) -> Record:
    """A report as it is published: two in three in structured mode, the others in binary mode."""
    key = report["subject"].encode()
    if number % 3:
        return raw(report), key, [("content-type", STRUCTURED)]
    attributes = [(f"ce_{name}", value.encode()) for name, value in report.items() if name != "data"]
    return json.dumps(report["data"]).encode(), key, [*attributes, ("content-type", b"application/json")]


class ByHTTP:
    """Somebody who posts batches, and goes on to the next one when there are receipts."""

    def __init__(self, address: str, reports: Sequence[Message]) -> None:
        self._server = urlsplit(address).netloc
        self._reports = list(reports)
        self.heard: list[Heard] = []

    @property
    def left(self) -> int:
        """How much of it was not answered yet."""
        return len(self._reports) - len(self.heard)

    @property
    def done(self) -> bool:
        """Whether all of it was answered."""
        return self.left == 0

    def tell(self, wanted: int) -> None:
        """Post the next ones; where nobody answers, or none of it could be recorded, the same is posted the next time."""
        batch = self._reports[len(self.heard) :][:wanted]
        if not batch:
            return
        connection = http.client.HTTPConnection(self._server, timeout=ANSWER_SECONDS)
        try:
            headers = {"Content-Type": "application/cloudevents-batch+json"}
            connection.request("POST", "/reports", b"[" + b",".join(map(raw, batch)) + b"]", headers)
            answer = connection.getresponse()
            receipts = json.loads(answer.read())
        except (OSError, http.client.HTTPException):
            return  # whether it was recorded, nobody knows
        finally:
            connection.close()
        if answer.status == 503:
            return
        assert answer.status == 200, receipts
        for report, receipt in zip(batch, receipts, strict=True):
            self.heard.append(((report["source"], report["id"]), (receipt["position"], receipt["hash"])))
