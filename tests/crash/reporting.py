"""Publishers who report to a ledger by Kafka and by HTTP, each sending again what nobody has answered for."""

import http.client
import json
from collections.abc import Iterator, Sequence
from itertools import count, islice
from typing import NamedTuple
from urllib.parse import urlsplit

from kafka import KafkaProducer
from kafka.producer.future import FutureRecordMetadata

from tests.ledgers import Message, contact, raw
from tests.telling import rfc

ANSWER_SECONDS = 20
STRUCTURED = b"application/cloudevents+json"
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
        self._producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=0)
        self._topic = topic
        self._reports = iter(reports)
        self._poison = poison()
        self._numbers = count()
        self.poisoned: list[Poison] = []
        self.done = False

    def tell(self, wanted: int) -> None:
        """Publish so many more; what is published is on the topic when this returns."""
        told = list(islice(self._reports, wanted))
        self.done = len(told) < wanted
        sent = [self._send(each) for report in told for each in [report] * (2 if next(self._numbers) % 7 == 0 else 1)]
        if told and next(self._numbers) % 5 == 0:
            bad = next(self._poison)
            self.poisoned.append(bad)
            sent.append(self._producer.send(self._topic, bad.raw, b"acme", [("content-type", STRUCTURED)]))
        for each in sent:
            each.get(ANSWER_SECONDS)

    def close(self) -> None:
        """Give the connection back."""
        self._producer.close()

    def _send(self, report: Message) -> FutureRecordMetadata:
        key = report["subject"].encode()
        if next(self._numbers) % 3:
            return self._producer.send(self._topic, raw(report), key, [("content-type", STRUCTURED)])
        attributes = [(f"ce_{name}", value.encode()) for name, value in report.items() if name != "data"]
        body = json.dumps(report["data"]).encode()
        return self._producer.send(self._topic, body, key, [*attributes, ("content-type", b"application/json")])


class ByHTTP:
    """Somebody who posts batches, and goes on to the next one when there are receipts."""

    def __init__(self, address: str, reports: Sequence[Message]) -> None:
        self._server = urlsplit(address).netloc
        self._reports = list(reports)
        self.heard: list[Heard] = []

    @property
    def done(self) -> bool:
        """Whether all of it was answered."""
        return len(self.heard) == len(self._reports)

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
