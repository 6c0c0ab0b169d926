"""A member of a consumer group on one topic: Kafka says which partitions are ours, and we say where in them to read.

Kafka's own commit says nothing but how far behind we are: where reading goes on is kept with what was written.
"""

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import FencedInstanceIdError, IllegalStateError

from consumers.ports import Unfit
from infra.failpoint import failpoint
from infra.kafka import consumer
from infra.kafka.connect import NoBroker, Watch
from infra.settings import Settings

HEARTBEAT_SECONDS = 1
"""How soon a member hears that the partitions are dealt out anew."""
COMMIT_EVERY = 1.0
"""Seconds between two commits to Kafka."""
WAIT_AT_MOST = 1.0
"""Seconds that a poll waits for records, whatever the settings say: who is told to end, ends as soon."""
SILENT_AT_MOST = 60.0
"""Seconds without a record, where not all of them are known to be here, after which this client is taken to be of no use."""
CLOSE_SECONDS = 5
JOINING_MS = 300
"""How long to poll at a time while we join the group. The client forgets a joining that was done while nobody polled, and has
all members join again: so one poll follows the other, few of them, until it is done."""

_DEALT_AWAY = (KeyError, ValueError, IllegalStateError)
"""What the client raises of a partition that its own thread has given up since we asked whether it is ours."""


class InstanceTaken(Unfit):
    """Another process came into the group under the name of this one, which is not dealt any partitions any more."""

    def __init__(self) -> None:
        super().__init__("another process has this one's TROTH_INSTANCE: give each of them a name of its own, or none")


class Group:
    """One member. `partitions` are all that the topic has. One thread at a time."""

    def __init__(self, settings: Settings, name: str, topic: str, *, isolation_level: str = "read_uncommitted") -> None:
        """Join `<ledger>.<name>`. Raises UnfitTopic or NoBroker."""
        if settings.kafka is None:
            raise ValueError("no Kafka is set: TROTH_KAFKA names its servers")
        self._bootstrap = settings.kafka
        self._wait_ms = min(settings.poll_milliseconds, int(WAIT_AT_MOST * 1_000))
        self._consumer = consumer.opened(
            self._bootstrap,
            group_id=f"{settings.ledger}.{name}",
            group_instance_id=settings.instance,
            session_timeout_ms=settings.kafka_session_seconds * 1_000,
            heartbeat_interval_ms=HEARTBEAT_SECONDS * 1_000,
            isolation_level=isolation_level,
        )
        try:
            self._all = {each.partition: each for each in consumer.partitions_of(self._consumer, self._bootstrap, topic)}
            self._dealing = _Dealing(self._consumer)
            self._consumer.subscribe([topic], listener=self._dealing)
        except BaseException:
            self._consumer.close(autocommit=False)
            raise
        self.partitions = tuple(self._all)
        self._watch = Watch(self._bootstrap)
        self._silent_since: float | None = None
        self._to_commit: dict[TopicPartition, OffsetAndMetadata] = {}
        self._commit_again_at = 0.0

    def close(self) -> None:
        """Leave: others take over at once, unless we have a name that we may come back under."""
        try:
            with suppress(InstanceTaken):  # whoever has our name says how far it has come
                self._commit()
        finally:
            self._consumer.close(autocommit=False, timeout_ms=CLOSE_SECONDS * 1_000)

    def dealt(self) -> bool:
        """Whether partitions were dealt out since this was asked last: then each of ours is to be sought."""
        return self._dealing.heard()

    def assigned(self) -> set[int]:
        """The partitions that are ours now."""
        return {each.partition for each in self._consumer.assignment()}

    def seek(self, partition: int, offset: int) -> None:
        """Read this partition from there on, if it is still ours."""
        with suppress(*_DEALT_AWAY):
            self._consumer.seek(self._all[partition], offset)

    def poll(self, partitions: Collection[int], limit: int) -> Mapping[int, list[ConsumerRecord]]:
        """What follows in these partitions of ours; where there is nothing, wait for as long as the settings say.

        What it raises says that this member is of no use any more; NoBroker, that nobody is there to say what follows;
        InstanceTaken, that another process has our name.
        """
        if time.monotonic() >= self._commit_again_at:
            self._commit()
        ours = self._consumer.assignment()
        wanted = {self._all[each] for each in partitions} & ours
        for each in ours:
            with suppress(*_DEALT_AWAY):
                (self._consumer.resume if each in wanted else self._consumer.pause)(each)
        until = time.monotonic() + WAIT_AT_MOST
        with _under_our_name():
            found = self._consumer.poll(self._wait_ms if self._dealing.done else JOINING_MS, max_records=limit)
            while not found and not self._dealing.done and time.monotonic() < until:
                found = self._consumer.poll(JOINING_MS, max_records=limit)
        if found:
            self._watch.all_is_well()
            self._silent_since = None
            failpoint("after_poll")
        else:
            self._watch.look()
            self._look_whether_more_comes(wanted)
        return {each.partition: records for each, records in found.items()}

    def _look_whether_more_comes(self, wanted: Collection[TopicPartition]) -> None:
        """Raises NoBroker where nothing has come for long, and there is more, or nobody has said so far that there is not."""
        if self._dealing.done and all(self._has_all_of(each) for each in wanted):
            self._silent_since = None
            return
        now = time.monotonic()
        self._silent_since = self._silent_since or now
        if now > self._silent_since + SILENT_AT_MOST:
            what = f"for {SILENT_AT_MOST:.0f} seconds nothing came, and there is more to read, or may be"
            raise NoBroker(self._bootstrap, what)

    def _has_all_of(self, partition: TopicPartition) -> bool:
        """Whether a broker has said where the partition ends, and that is where we are; or it is not ours any more."""
        try:
            end = self._consumer.highwater(partition)
        except _DEALT_AWAY:
            return True
        return end is not None and self.position(partition.partition) >= end

    def behind(self, partition: int, offset: int) -> bool:
        """Whether more is known to be there from an offset on."""
        end = None
        with suppress(*_DEALT_AWAY):
            end = self._consumer.highwater(self._all[partition])
        return end is not None and offset < end

    def position(self, partition: int) -> int:
        """The offset that is read next in a partition: also behind what is no record. 0 where it is not ours any more."""
        position = None
        with suppress(*_DEALT_AWAY):
            position = self._consumer.position(self._all[partition], timeout_ms=0)
        return position or 0

    def commit(self, offsets: Mapping[int, int]) -> None:
        """Say to Kafka what is read next in each partition, now or soon. Nothing depends on it but what lag is shown."""
        self._to_commit |= {self._all[each]: OffsetAndMetadata(offset, "", -1) for each, offset in offsets.items()}
        if time.monotonic() >= self._commit_again_at:
            self._commit()

    def bounds(self, partitions: Collection[int]) -> Mapping[int, tuple[int, int]]:
        """The first offset that each of these partitions has, and the one behind its last. Raises NoBroker."""
        return consumer.bounds(self._consumer, self._bootstrap, [self._all[each] for each in partitions])

    def ends(self) -> Mapping[int, int]:
        """The offset behind the last record of every partition of the topic. Raises NoBroker."""
        return {each: end for each, (_, end) in self.bounds(self.partitions).items()}

    def _commit(self) -> None:
        ours = self._consumer.assignment()
        offsets = {each: offset for each, offset in self._to_commit.items() if each in ours}
        self._to_commit.clear()
        if not offsets:
            return
        failpoint("before_commit")
        # Nobody waits for the answer: one that is refused, since somebody else has the partition by now, is said by nobody.
        with _under_our_name():
            _ = self._consumer.commit_async(offsets)
        failpoint("after_commit")
        self._commit_again_at = time.monotonic() + COMMIT_EVERY


@contextmanager
def _under_our_name() -> Iterator[None]:
    """Raises InstanceTaken where the client says that another one has our name."""
    try:
        yield
    except FencedInstanceIdError as fenced:
        raise InstanceTaken from fenced


class _Dealing(ConsumerRebalanceListener):
    """Hears of partitions on the client's own thread, where nothing may wait: it holds them back until they were sought."""

    def __init__(self, owner: KafkaConsumer) -> None:
        self._consumer = owner
        self._heard = False
        self.done = False

    def heard(self) -> bool:
        """Whether anything was dealt since this was asked last."""
        heard, self._heard = self._heard, False
        return heard

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """They are to be dealt out anew: what is written of them from now on is refused, if somebody else gets them."""
        self.done = False

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Hold them back. Without a place the client would go by what was committed, and raise where that is nothing.

        Whoever polls meanwhile must not take what it gets from here for what it asked for: so it is said before and after.
        """
        self._heard = True
        for each in assigned:
            self._consumer.seek(each, 0)
        self._consumer.pause(*assigned)
        self._heard = self.done = True
