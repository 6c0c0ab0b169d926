"""Reading by librdkafka, where the extra `fast` is installed: by assignment, in no group, committing and producing nothing."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import cast

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from consumers.ports import BrokenRecord, Unfit
from infra.kafka.assigned import Fetched
from infra.kafka.chain import ANEW
from infra.kafka.connect import NoBroker, make_sure
from infra.kafka.consumer import missing

FILL_SECONDS = 0.05
"""How long to wait until as many records are there as were asked for: the tail of a topic costs as much."""
ANSWER_SECONDS = 10.0
GONE = (
    KafkaError.OFFSET_OUT_OF_RANGE,
    KafkaError._AUTO_OFFSET_RESET,
    KafkaError._LOG_TRUNCATION,
    KafkaError._BAD_MSG,
)
AWAY = (KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE)

_error = Message.error
_partition = cast("Callable[[Message], int]", Message.partition)
_offset = cast("Callable[[Message], int]", Message.offset)
_value = cast("Callable[[Message], bytes | None]", Message.value)


def _settings(bootstrap: str, topic: str) -> dict[str, str | int | bool]:
    return {
        "bootstrap.servers": bootstrap,
        "group.id": topic,  # asked for, and in no use: nothing is subscribed to or committed
        "enable.auto.commit": False,
        "auto.offset.reset": "error",
        "isolation.level": "read_uncommitted",  # as the other reader, so that both end at the same offsets
        "check.crcs": True,
        "enable.partition.eof": True,
        "fetch.queue.backoff.ms": 5,  # the default of a second halves the rate
        "fetch.wait.max.ms": 100,  # what is assigned anew waits for as long behind a fetch that nobody needs any more
        "queued.max.messages.kbytes": 4_096,  # what waits longer has left the processor's cache
    }


class FastReader:
    """The port Reader over confluent-kafka."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        """Raises UnfitTopic or NoBroker."""
        self.bootstrap, self.topic = bootstrap, topic
        logger = logging.getLogger("librdkafka")
        make_sure(bootstrap)
        self._consumer = Consumer(_settings(bootstrap, topic), logger=logger)
        # On connections of its own: an answer would wait behind a fetch that waits for records.
        self._asking = AdminClient({"bootstrap.servers": bootstrap}, logger=logger)
        self._positions: dict[int, int] = {}
        try:
            with _answering(bootstrap):
                found = self._consumer.list_topics(topic, timeout=ANSWER_SECONDS).topics[topic]
            if found.error is not None:
                raise missing(topic)
        except BaseException:
            self._consumer.close()
            raise
        self.partitions: Sequence[int] = tuple(sorted(found.partitions))

    def close(self) -> None:
        """Give the connections back."""
        self._consumer.close()

    def begin(self, offsets: Mapping[int, int]) -> None:
        """Read these partitions from these offsets on, and no others."""
        self._positions = {**offsets}
        self._consumer.assign([TopicPartition(self.topic, each, offset) for each, offset in offsets.items()])

    def fetch(self, limit: int, seconds: float) -> Sequence[Fetched]:
        """At most so many records. Raises BrokenRecord or NoBroker."""
        messages = self._consumer.consume(limit, min(seconds, FILL_SECONDS))
        if any(map(_error, messages)):
            messages = [each for each in messages if not self._is_notice(each)]
        found: dict[int, Fetched] = {}
        for partition, following in groupby(messages, _partition):
            run = [*following]
            of_it = found.setdefault(partition, Fetched(partition, [], []))
            of_it.values.extend(map(_value, run))
            of_it.offsets.extend(map(_offset, run))
        self._positions |= {each.partition: each.offsets[-1] + 1 for each in found.values()}
        return [*found.values()]

    def position(self, partition: int) -> int:
        """The offset that is read next in a partition."""
        return self._positions[partition]

    def bounds(self) -> Mapping[int, tuple[int, int]]:
        """The first offset that each partition has, and the one behind its last."""
        first, end = self._offsets(OffsetSpec.earliest()), self._offsets(OffsetSpec.latest())
        return {each: (first[each], end[each]) for each in self.partitions}

    def _offsets(self, spec: OffsetSpec) -> dict[int, int]:
        asked = {TopicPartition(self.topic, each): spec for each in self.partitions}
        with _answering(self.bootstrap):
            answers = self._asking.list_offsets(asked, request_timeout=ANSWER_SECONDS)
            return {each.partition: answer.result().offset for each, answer in answers.items()}

    def _is_notice(self, message: Message) -> bool:
        """Whether it is no record but says that there are no more of them. Raises what else it says."""
        error = message.error()
        if error is None:
            return False
        partition, offset = _partition(message), _offset(message)
        if error.code() == KafkaError._PARTITION_EOF:
            self._positions[partition] = offset
            return True
        if error.code() in GONE:
            raise BrokenRecord(f"partition {partition} of {self.topic}: at offset {offset}: {error.str()}; {ANEW}")
        with _answering(self.bootstrap):
            raise KafkaException(error)


Whole = tuple[int, bytes | None, bytes | None, list[tuple[str, bytes | None]] | None]
"""A record's offset, key, value and headers; None where those cannot be read."""


def next_records(bootstrap: str, topic: str, partition: int, offset: int, limit: int) -> list[Whole]:
    """The next records of a partition that are committed, at most so many. Raises Unfit where they are damaged, or NoBroker."""
    make_sure(bootstrap)
    consumer = Consumer(
        {**_settings(bootstrap, topic), "isolation.level": "read_committed"}, logger=logging.getLogger("librdkafka")
    )
    try:
        consumer.assign([TopicPartition(topic, partition, offset)])
        found: list[Whole] = []
        while len(found) < limit:
            message = consumer.poll(ANSWER_SECONDS)
            if message is None:
                raise NoBroker(bootstrap, f"nothing came of partition {partition} of {topic}")
            error = message.error()
            if error is None:
                found.append((_offset(message), message.key(), _value(message), _headers(message)))
            elif error.code() == KafkaError._PARTITION_EOF:
                break
            elif error.code() in GONE:
                raise Unfit(f"partition {partition} of {topic} is damaged at offset {_offset(message)}: {error.str()}")
            else:
                with _answering(bootstrap):
                    raise KafkaException(error)
        return found
    finally:
        consumer.close()


def _headers(message: Message) -> list[tuple[str, bytes | None]] | None:
    try:
        return [*cast("list[tuple[str, bytes | None]]", message.headers() or [])]
    except (UnicodeDecodeError, SystemError):  # the latter where the client noticed it only when it was done
        return None


@contextmanager
def _answering(bootstrap: str) -> Iterator[None]:
    """What says that the brokers are away becomes NoBroker."""
    try:
        yield
    except KafkaException as wrong:
        error: KafkaError = wrong.args[0]
        if error.code() in AWAY or error.retriable():
            raise NoBroker(bootstrap, error.name()) from wrong
        raise
