"""The entries as whoever replays them reads them: partitions by assignment, in no group, to the end and no further.

Two clients read alike, behind one small port: kafka-python, and confluent-kafka where the extra `fast` is installed.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib.util import find_spec
from typing import NamedTuple, Protocol

from kafka import TopicPartition

from consumers.ports import BrokenRecord, Reached, Run
from infra.kafka import consumer
from infra.kafka.chain import ANEW, Chain
from infra.kafka.connect import NoBroker
from infra.kafka.consumer import GONE
from infra.kafka.topics import names
from infra.settings import Settings

WAIT_SECONDS = 0.5
AT_ONCE = 1_000
"""How many records are decoded at once: many more leave the processor's cache."""
FETCH_WAITS_MS = 10
"""How long a broker may wait for records. The client has one question under way for each broker: one that asks only for what
follows partitions which have ended holds up all others for so long, while what was fetched of them is used up."""
SILENT_AT_MOST = 60.0
"""Seconds without a record, where there are some, after which reading is given up."""


class Fetched(NamedTuple):
    """Records of one partition that follow each other: their values and their offsets."""

    partition: int
    values: list[bytes | None]
    offsets: list[int]


class Reader(Protocol):
    """A client that reads one topic. What it asks of a broker raises NoBroker where none answers."""

    @property
    def bootstrap(self) -> str:
        """Where the brokers are."""

    @property
    def topic(self) -> str:
        """The name of the topic."""

    @property
    def partitions(self) -> Sequence[int]:
        """All partitions that the topic has."""

    def begin(self, offsets: Mapping[int, int]) -> None:
        """Read these partitions from these offsets on, and no others."""

    def fetch(self, limit: int, seconds: float) -> Sequence[Fetched]:
        """At most so many records, as soon as there are any; none after so many seconds. Raises BrokenRecord."""

    def position(self, partition: int) -> int:
        """The offset that is read next in a partition: also behind what is no record."""

    def bounds(self) -> Mapping[int, tuple[int, int]]:
        """The first offset that each partition has, and the one behind its last, as they are now."""

    def close(self) -> None:
        """Give the connections back."""


class AssignedFeed:
    """The port Feed by assignment. It ends where the partitions ended when it was made; with `following`, where they end now.

    `mine` says which partitions are read, and may say something else with every call; none for all of them.
    """

    def __init__(self, reader: Reader, *, mine: Callable[[], Collection[int]] | None = None, following: bool = False) -> None:
        self._reader = reader
        self.partitions: Sequence[int] = reader.partitions
        self.following = following
        self._mine = mine or (lambda: self.partitions)
        self._chains = {each: Chain(reader.topic, each) for each in self.partitions}
        self._reading: set[int] = set()
        self._misled = False
        self._ends = {each: end for each, (_, end) in reader.bounds().items()}
        self.more = False

    def close(self) -> None:
        """Give the connections back."""
        self._reader.close()

    def ends(self) -> Mapping[int, int]:
        """The offset behind the last entry of every partition that is read here."""
        if self.following:
            self._ends = {each: end for each, (_, end) in self._reader.bounds().items()}
        return self._ends

    def broken(self, what: str) -> BrokenRecord:
        """The topic is not what the relay published."""
        return BrokenRecord(f"{self._reader.topic}: {what}; {ANEW}")

    def done(self) -> None:
        """Nothing: nobody watches how far this one has come."""

    def take(self, reached: Mapping[int, Reached], limit: int) -> Sequence[Run]:
        """What follows in the partitions that are read here; nothing at the end. Raises BrokenRecord or NoBroker."""
        wanted = {each: reached[each] for each in self._mine() if each in reached}
        if wanted.keys() != self._reading or any(self._chains[each].position != at.position for each, at in wanted.items()):
            self._begin(wanted)
        since = time.monotonic()
        while self._is_behind():
            fetched = self._reader.fetch(min(limit, AT_ONCE), WAIT_SECONDS)
            runs = [run for each in fetched for run in self._runs(each, reached)]
            if self._misled:
                self._misled = False
                self._reader.begin({each: self._chains[each].offset for each in self._reading})
            if runs:
                self.more = self._is_behind()
                return runs
            if not fetched:
                self._pass_gaps()
            if time.monotonic() > since + SILENT_AT_MOST:
                raise NoBroker(self._reader.bootstrap, f"there is more of {self._reader.topic}, and for a minute nothing came")
        self.more = False
        return ()

    def _begin(self, wanted: Mapping[int, Reached]) -> None:
        bounds = self._reader.bounds()
        self._reader.begin({each: self._chains[each].begin(reached, *bounds[each]) for each, reached in wanted.items()})
        self._reading = {*wanted}

    def _is_behind(self) -> bool:
        """Whether there is more to read. Raises BrokenRecord where something is still searched, and is not there."""
        chains = {each: self._chains[each] for each in self._reading}
        for each in chains.values():
            each.look()
        if any(chain.offset < self._ends[each] for each, chain in chains.items()):
            return True
        if not self.following:
            return False
        ends = self.ends()
        return any(chain.offset < ends[each] for each, chain in chains.items())

    def _pass_gaps(self) -> None:
        """Where no record came, the client may have come by offsets that hold none."""
        for each in self._reading:
            self._chains[each].offset = max(self._chains[each].offset, self._reader.position(each))

    def _runs(self, fetched: Fetched, reached: Mapping[int, Reached]) -> list[Run]:
        chain = self._chains[fetched.partition]
        linked = chain.link(fetched.values, fetched.offsets)
        self._misled = self._misled or linked is None
        return [Run(fetched.partition, reached[fetched.partition].position, linked, chain.offset)] if linked else []


class KafkaReader:
    """The port Reader over kafka-python."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        """Raises UnfitTopic or NoBroker."""
        self.bootstrap, self.topic = bootstrap, topic
        self._consumer = consumer.opened(bootstrap, fetch_max_wait_ms=FETCH_WAITS_MS)
        try:
            self._all = consumer.partitions_of(self._consumer, bootstrap, topic)
        except BaseException:
            self._consumer.close()
            raise
        self.partitions: Sequence[int] = tuple(each.partition for each in self._all)

    def close(self) -> None:
        """Give the connections back."""
        self._consumer.close()

    def begin(self, offsets: Mapping[int, int]) -> None:
        """Read these partitions from these offsets on, and no others."""
        self._consumer.assign([self._of(each) for each in offsets])
        for partition, offset in offsets.items():
            self._consumer.seek(self._of(partition), offset)

    def fetch(self, limit: int, seconds: float) -> Sequence[Fetched]:
        """At most so many records, as soon as there are any. Raises BrokenRecord."""
        try:
            found = self._consumer.poll(int(seconds * 1_000), max_records=limit)
        except GONE as gone:
            raise BrokenRecord(f"{self.topic}: {type(gone).__name__}: {gone}; {ANEW}") from gone
        return [
            Fetched(each.partition, [record.value for record in records], [record.offset for record in records])
            for each, records in found.items()
        ]

    def position(self, partition: int) -> int:
        """The offset that is read next in a partition."""
        return self._consumer.position(self._of(partition)) or 0

    def bounds(self) -> Mapping[int, tuple[int, int]]:
        """The first offset that each partition has, and the one behind its last."""
        return consumer.bounds(self._consumer, self.bootstrap, self._all)

    def _of(self, partition: int) -> TopicPartition:
        return TopicPartition(self.topic, partition)


def open_reader(settings: Settings) -> Reader:
    """The faster of the clients that are installed. Raises UnfitTopic or NoBroker."""
    if settings.kafka is None:
        raise ValueError("no Kafka is set: TROTH_KAFKA names its servers")
    topic = names(settings.ledger).entries
    if find_spec("confluent_kafka") is None:
        return KafkaReader(settings.kafka, topic)
    from infra.kafka.fast import FastReader  # noqa: PLC0415  # an extra, which need not be installed

    return FastReader(settings.kafka, topic)
