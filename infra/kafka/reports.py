"""Reports as publishers put them on Kafka: CloudEvents in binary and structured mode, read by partitions and marks.

How far a partition has been read is a mark of the record, moved in the transaction that records what was read. Its name holds
the topic's own id: one that was deleted and made anew is read from its beginning, and what was recorded before is not recorded
twice. What is refused goes to `<ledger>.quarantine` as it came, with why and from where in Kafka Connect's headers, before the
mark moves past it: at least once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from kafka.errors import CorruptRecordError

from consumers.intake import BATCH_AT_MOST, Incoming
from consumers.ports import Mark, Unfit, Unreachable
from consumers.take_in import Taken
from domain.refusal import MalformedEnvelope, Refusal
from infra import log
from infra.cloudevents import structured
from infra.kafka.aside import Came, SettingAside
from infra.kafka.connect import NoBroker, administering
from infra.kafka.consumer import GONE
from infra.kafka.group import Group
from infra.kafka.otherwise import read_otherwise
from infra.kafka.topics import names
from infra.settings import Settings

AT_ONCE = BATCH_AT_MOST
"""How many records a batch has at most."""
BYTES_AT_ONCE = 4 * 1024 * 1024
"""After how many bytes it ends."""

Headers = Sequence[tuple[str, bytes | None]]


class ReportsGone(Unfit):
    """Reports were deleted from their topic before they were taken in."""


class Spent(Unreachable):
    """The client cannot go on from where it is: this member is to be made anew, and goes on from the marks."""


class _Place(NamedTuple):
    """How far a partition has been read: what its mark says, and the next offset."""

    mark: str | None
    offset: int


class KafkaReports:
    """The port Reports on the consumer group `<ledger>.intake`.

    Where there is nothing, `take` waits for as long as the settings say between two looks: who drives it need not wait.
    """

    def __init__(self, settings: Settings) -> None:
        """Join the group. Raises UnfitTopic or NoBroker."""
        named = names(settings.ledger)
        self._bootstrap, self._topic = settings.kafka or "", named.reports
        # Publishers may write in transactions: what they took back was never reported.
        self._group = Group(settings, "intake", self._topic, isolation_level="read_committed")
        try:
            self._named = f"kafka:{self._topic}:{_id_of(self._bootstrap, self._topic)}"
        except BaseException:
            self._group.close()
            raise
        self._aside = SettingAside(self._bootstrap, named.quarantine)
        self._places: dict[int, _Place] = {}
        self._taken: dict[Mark, tuple[int, Sequence[Came]]] = {}
        self._spent: Spent | None = None

    def close(self) -> None:
        """Leave the group."""
        self._aside.close()
        self._group.close()

    def assigned(self) -> set[int]:
        """The partitions that are read here now."""
        return self._group.assigned()

    def take(self, mark: Callable[[str], str | None]) -> Sequence[Taken]:
        """What follows in the partitions that are ours, at most a batch of each. Raises ReportsGone, Spent or NoBroker."""
        if self._spent is not None:
            raise self._spent
        self._taken.clear()
        if self._dealt():
            return ()
        ours = self._group.assigned()
        self._begin({each: mark(self._name(each)) for each in ours - self._places.keys()})
        try:
            found: Mapping[int, Sequence[Came]] = self._group.poll(ours, AT_ONCE)
        except CorruptRecordError as wrong:
            found = self._read_otherwise(ours, wrong)
        except GONE as gone:
            # Deleted, or lost by the brokers: which one it is is seen when its place is looked up anew.
            raise Spent(f"{type(gone).__name__} on {self._topic}") from gone
        if self._dealt():
            return ()
        taken = [each for partition, records in found.items() for each in self._batches(partition, records)]
        return [*taken, *self._gaps(ours - found.keys())]

    def set_aside(self, taken: Taken, refused: Mapping[int, Refusal]) -> None:
        """Publish these on the topic of what is refused, and wait until the brokers have them. Raises NoBroker."""
        _, records = self._taken[taken.mark]
        self._aside.publish([(records[at], refusal) for at, refusal in refused.items()])

    def done(self, taken: Taken) -> None:
        """Say to Kafka how far the partition has been read, for those who watch how much waits."""
        partition, _ = self._taken[taken.mark]
        self._group.commit({partition: _end(taken.mark.after)})

    def lost(self, taken: Taken) -> None:
        """Ask again where the partition has been read to."""
        partition, _ = self._taken[taken.mark]
        log.get().info("taken_in_elsewhere", name=taken.mark.name)
        self._places.pop(partition, None)

    def _dealt(self) -> bool:
        """Whether partitions were dealt out since: then how far each of them has been read is to be asked of the record."""
        if not self._group.dealt():
            return False
        self._places.clear()
        return True

    def _read_otherwise(self, ours: set[int], wrong: CorruptRecordError) -> Mapping[int, Sequence[Came]]:
        """What follows, by the other client; then this member is to be made anew, since its own is of no use any more."""
        self._spent = Spent(f"{type(wrong).__name__} on {self._topic}")
        offsets = {each: self._places[each].offset for each in ours}
        return read_otherwise(self._bootstrap, self._topic, offsets, wrong)

    def _begin(self, marks: Mapping[int, str | None]) -> None:
        if not marks:
            return
        for partition, (first, end) in self._group.bounds(marks).items():
            reached = marks[partition]
            offset = self._offset_of(partition, reached, first, end)
            self._places[partition] = _Place(reached, offset)
            self._group.seek(partition, offset)

    def _offset_of(self, partition: int, reached: str | None, first: int, end: int) -> int:
        if reached is None:
            return first
        offset = _end(reached)
        if offset > end:
            # Brokers have lost what was taken in. Reading all of it is safe: what is on the record is not recorded twice.
            log.get().warning("read_from_the_beginning", name=self._name(partition), position=offset)
            return first
        if offset < first:
            raise ReportsGone(
                f"partition {partition} of {self._topic} was read up to offset {offset} and begins at {first} now: the reports "
                "between them were deleted before they were taken in. Have their publishers report again what happened since; "
                f"to take in what is left, delete the mark {self._name(partition)} from the table marks of the record"
            )
        return offset

    def _batches(self, partition: int, records: Sequence[Came]) -> Iterator[Taken]:
        """The records in batches of a size that one transaction takes."""
        begun, size = 0, 0
        for at, record in enumerate(records):
            size += len(record.value or b"")
            if size >= BYTES_AT_ONCE or at == len(records) - 1:
                yield self._batch(partition, records[begun : at + 1], record.offset + 1)
                begun, size = at + 1, 0

    def _batch(self, partition: int, records: Sequence[Came], end: int) -> Taken:
        before, start = self._places[partition]
        mark = Mark(self._name(partition), before, f"{start} {end}")
        self._places[partition] = _Place(mark.after, end)
        self._taken[mark] = partition, records
        return Taken([self._incoming(each) for each in records], mark)

    def _gaps(self, silent: set[int]) -> Iterator[Taken]:
        """Where there was no record, there may have been offsets that hold none: nobody is to take them for what is gone."""
        for each in silent:
            position = self._group.position(each)
            if position > self._places[each].offset:
                yield self._batch(each, [], position)

    def _incoming(self, record: Came) -> Incoming:
        return incoming(f"kafka:{record.topic}:{record.partition}:{record.offset}", record.headers, record.value)

    def _name(self, partition: int) -> str:
        return f"{self._named}:{partition}"


def incoming(origin: str, headers: Headers | None, value: bytes | None) -> Incoming:
    """The report that a record brings, or what is refused of it: a record without a value is one too."""
    if headers is None:
        return Incoming(origin, value or b"", refusal=MalformedEnvelope("the name of a header is no UTF-8 text"))
    kind = next((_text(each) or "" for name, each in headers if name.lower() == "content-type"), "")
    media_type = kind.split(";")[0].strip().lower()
    attributes = [(name[3:], _text(each)) for name, each in headers if name.startswith("ce_")]
    if media_type == "application/cloudevents+json" or (not attributes and media_type in ("", "application/json")):
        return Incoming(origin, value or b"")
    if attributes and not media_type.startswith("application/cloudevents"):
        named = [("datacontenttype", kind.lower())] if kind else []
        return Incoming(origin, structured([*attributes, *named], value or b""))
    wrong = "send application/cloudevents+json, or application/json with ce_… headers, as content-type"
    return Incoming(origin, value or b"", refusal=MalformedEnvelope(wrong))


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "surrogateescape")


def _end(mark: str) -> int:
    """The offset behind the batch that a mark names: where it begins, and where it ends."""
    return int(mark.split()[1])


def _id_of(bootstrap: str, topic: str) -> str:
    """The id of the topic as it is now: one that is made anew has another."""
    with administering(bootstrap) as admin:
        (described,) = admin.describe_topics([topic])
    if described["error_code"]:
        raise NoBroker(bootstrap, f"a broker does not know the topic {topic} yet")
    return str(described["topic_id"])
