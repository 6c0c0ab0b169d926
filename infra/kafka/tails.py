"""The last record of each partition of a topic, once nothing is hidden behind it.

A record that its leader has appended and that too few followers have copied yet is not shown to readers, and is not gone:
whoever took the last record that is shown for the last there is would write the same once more behind it. The brokers tell the
newest stamp that each producer has appended, shown or not, and stamps grow along a partition: so nothing is hidden where the
last record that is shown is as new as the newest that was appended.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from time import monotonic
from typing import NamedTuple

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient

from consumers.ports import BrokenRecord
from infra.kafka import consumer
from infra.kafka.connect import REACH_MS, NoBroker, reaching

STEP = 16
"""How many times further to look back where no record was found: offsets may have gaps."""


class Tail(NamedTuple):
    """A partition's end: value and stamp (milliseconds since 1970 UTC) of its last record, and the offset behind it."""

    value: bytes | None = None
    stamp: int = -1
    end: int = 0


def read_tails(admin: KafkaAdminClient, bootstrap: str, topic: str, partitions: int) -> list[Tail]:
    """The tail of each partition. Raises NoBroker, or BrokenRecord where the first records are gone."""
    wanted = [TopicPartition(topic, number) for number in range(partitions)]
    until = monotonic() + REACH_MS / 1000
    with reaching(bootstrap), closing(consumer.opened(bootstrap, group_id=None, request_timeout_ms=REACH_MS)) as reading:
        while True:
            appended = {
                each: max((producer.last_timestamp for producer in state.active_producers), default=-1)
                for each, state in admin.describe_producers(wanted).items()
            }
            tails = _last_records(reading, bootstrap, wanted)
            hidden = [each.partition for each in wanted if tails[each].stamp < appended[each]]
            if not hidden:
                return [tails[each] for each in wanted]
            if monotonic() > until:
                raise NoBroker(bootstrap, f"records of {topic} in partitions {hidden} are not on enough brokers yet")


def _last_records(reading: KafkaConsumer, bootstrap: str, wanted: Sequence[TopicPartition]) -> dict[TopicPartition, Tail]:
    bounds = consumer.bounds(reading, bootstrap, wanted)
    begins, ends = {each: bounds[each.partition][0] for each in wanted}, {each: bounds[each.partition][1] for each in wanted}
    gone = [each.partition for each in wanted if begins[each] > 0]
    if gone:
        raise BrokenRecord(f"the first records of {wanted[0].topic} are gone in partitions {gone}: it does not hold the record")
    tails = {each: Tail(end=ends[each]) for each in wanted}
    looking, back = {each for each in wanted if ends[each] > 0}, 1
    while looking:
        starts = {each: max(0, ends[each] - back) for each in looking}
        tails |= _read_from(reading, bootstrap, starts, ends)
        looking = {each for each in looking if tails[each].value is None and starts[each] > 0}
        back *= STEP
    return tails


def _read_from(
    reading: KafkaConsumer, bootstrap: str, starts: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
) -> dict[TopicPartition, Tail]:
    """The tails of those partitions that have a record from where reading starts on."""
    reading.assign(list(starts))
    for each, start in starts.items():
        reading.seek(each, start)
    found: dict[TopicPartition, Tail] = {}
    until = monotonic() + REACH_MS / 1000
    while any((reading.position(each) or 0) < ends[each] for each in starts):
        for each, records in reading.poll(timeout_ms=500).items():
            within = [record for record in records if record.offset < ends[each]]
            if within:
                found[each] = Tail(within[-1].value or b"", within[-1].timestamp, ends[each])
        if monotonic() > until:
            raise NoBroker(bootstrap, "the ends of its partitions could not be read in time")
    return found
