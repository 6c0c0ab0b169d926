"""Publishing entries on Kafka: kafka-python's idempotent producer, and what it leaves to whoever uses it.

What is sent in one round is one batch in each partition, and the next round begins when all of them are acknowledged by all
in-sync replicas. A batch is appended whole or not at all, so a partition never has a gap, whatever fails: with more than one
batch under way, this client, like others, goes on with the second when it has given up the first. It costs next to no speed:
while a round is under way, entries for the next one gather on the record, as they would linger in the client.

Kafka tells batches that a producer sends again from new ones, but not what two producers send: what a dead relay has left in
its sockets may be appended long after. Fencing by `transactional_id` is no way out: kafka-python sends nothing under one
outside of transactions, and a broker that has not seen the new epoch in a partition takes the old one there. So each record is
stamped with the time at which the relay last made sure of its lock, and the topic is made so that its brokers refuse, by their
own clocks, what is older than `message.timestamp.before.max.ms` or further ahead than `message.timestamp.after.max.ms`.
After both of them together nothing arrives any more that was sent before: so long a relay waits that follows one which did not
leave in order. The price: a relay whose clock is wrong by more than that cannot publish, and is told so.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from time import monotonic

from kafka import KafkaProducer
from kafka.errors import InvalidTimestampError, KafkaTimeoutError
from kafka.partitioner import murmur2
from kafka.producer.future import FutureRecordMetadata

from consumers.ports import BrokenRecord, Sending, Stored, Unpublished
from infra.failpoint import failpoint
from infra.kafka import published, topics
from infra.kafka.connect import CLIENT, REACH_MS, administering, make_sure, reaching
from infra.kafka.consumer import missing
from infra.kafka.tails import Tail, read_tails

BATCH = 1_000_000
"""How many bytes a batch may have, unless it is a single entry that has more."""
BATCH_OVERHEAD = 1_000
PARTIES_REMEMBERED = 200_000
"""Of how many parties the partition is remembered: computing it costs more than all the rest of an entry."""

_left_behind: list[KafkaProducer] = []
"""Producers that could not be closed yet, because they still wait for a broker. What they hold is too old to be taken."""


class ClocksDiffer(Unpublished):
    """Our clock and a broker's tell times that are too far apart: nothing can be published until one of them is set."""


class KafkaPublisher:
    """The port Publisher on the topic of entries, which is there and fit: see infra.kafka.topics."""

    def __init__(self, bootstrap: str, ledger: str) -> None:
        """Raises NoBroker, UnfitTopic or SlowChecksums."""
        self._bootstrap = bootstrap
        self._topic = topics.names(ledger).entries
        with administering(bootstrap) as admin:
            described = topics.described(admin, bootstrap, [self._topic])
            if self._topic not in described:
                raise missing(self._topic)
            settings = topics.settings_of(admin, [self._topic])[self._topic]
        self.partitions = len(described[self._topic])
        self.at_once = BATCH - BATCH_OVERHEAD
        self._late_ms = int(settings[topics.LATE_MS])
        self.settling_seconds = (self._late_ms + int(settings[topics.AHEAD_MS])) / 1000
        self.partition_of = lru_cache(PARTIES_REMEMBERED)(self._partition_of)
        self._producer: KafkaProducer | None = None
        self._stamp = -1
        self._ends: list[int] = []

    def tails(self) -> list[Stored | None]:
        """The last entry of each partition. Raises NoBroker, or BrokenRecord where a partition holds something else."""
        with administering(self._bootstrap) as admin:
            found = read_tails(admin, self._bootstrap, self._topic, self.partitions)
        self._ends = [each.end for each in found]
        self._stamp = max(each.stamp for each in found)
        return [_stored(each) for each in found]

    def publish(self, entries: Sequence[Sending], at: int) -> None:
        """Send a round of entries and wait until all in-sync replicas have them. Raises Unpublished, or BrokenRecord."""
        producer = self._producing()
        # Stamps grow from round to round, also where the relay before us had a clock that is ahead of ours.
        self._stamp = max(at // 1_000, self._stamp + 1)
        until = monotonic() + self._late_ms / 1000
        failpoint("before_produce")
        sent: dict[int, list[FutureRecordMetadata]] = {}
        with _in_doubt():
            for partition, position, previous, party, state in entries:
                value = published.published(position, previous, state)
                future = producer.send(self._topic, value, party, None, partition, self._stamp)
                sent.setdefault(partition, []).append(future)
            failpoint("after_produce")
            producer.flush(self._late_ms / 1000 + 1)
        failpoint("before_ack")
        for partition, futures in sent.items():
            self._acknowledged(partition, futures, in_time=monotonic() < until)
        # From here on these entries are published, whatever happens to any one broker or to us.
        failpoint("after_ack")

    def close(self) -> None:
        """Give its connections back. What is still under way has failed by now, or will."""
        if self._producer is not None:
            _left_behind.append(self._producer)
            self._producer = None
        _left_behind[:] = [each for each in _left_behind if not _closed(each)]

    def _partition_of(self, party: bytes) -> int:
        """As the client's default partitioner has it, and Java's."""
        return int((murmur2(party) & 0x7FFFFFFF) % self.partitions)

    def _producing(self) -> KafkaProducer:
        if self._producer is None:
            make_sure(self._bootstrap)
            lingering = self._late_ms // 3
            with reaching(self._bootstrap):
                self._producer = KafkaProducer(
                    bootstrap_servers=self._bootstrap,
                    client_id=f"{CLIENT}-relay",
                    acks="all",
                    enable_idempotence=True,
                    # A round is sent when it is complete, by flush, and not while it is put together.
                    linger_ms=lingering,
                    batch_size=BATCH,
                    max_request_size=topics.ENTRY_AT_MOST,
                    # Tried again for as long as the brokers would take it.
                    request_timeout_ms=self._late_ms - lingering,
                    delivery_timeout_ms=self._late_ms,
                    max_block_ms=REACH_MS,
                    bootstrap_timeout_ms=REACH_MS,
                    reconnect_backoff_max_ms=1_000,
                    allow_auto_create_topics=False,
                    metrics_enabled=False,
                )
        return self._producer

    def _acknowledged(self, partition: int, futures: Sequence[FutureRecordMetadata], *, in_time: bool) -> None:
        """All of a batch is there, right behind what was there before. Raises Unpublished, or BrokenRecord."""
        failed = [each.exception for each in futures if not each.succeeded()]
        if failed:
            if futures[-1].succeeded():
                raise BrokenRecord(f"partition {partition} of {self._topic} has a gap: delete it to publish the record anew")
            if isinstance(failed[0], InvalidTimestampError) and in_time:
                raise ClocksDiffer(f"our clock and that of a broker differ too much: set them ({failed[0]})")
            raise Unpublished(
                f"partition {partition} of {self._topic} has not taken what was sent ({type(failed[0]).__name__})"
            )
        first, end = futures[0].value.offset, self._ends[partition]
        if first not in {end, -1}:
            raise BrokenRecord(
                f"somebody else wrote to {self._topic} at offset {end} of partition {partition}: only the relay may; "
                "deny it to others, and delete the topic to publish the record anew"
            )
        self._ends[partition] = end + len(futures)


def _stored(tail: Tail) -> Stored | None:
    if tail.value is None:
        return None
    return Stored(published.read(tail.value).position, published.stored(tail.value))


@contextmanager
def _in_doubt() -> Iterator[None]:
    try:
        yield
    except KafkaTimeoutError as why:
        raise Unpublished("Kafka has not acknowledged in time what was sent: is it there, and has it leaders?") from why


def _closed(producer: KafkaProducer) -> bool:
    try:
        producer.close(timeout=1)
    except KafkaTimeoutError:
        return False
    return True
