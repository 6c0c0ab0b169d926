"""What can be wrong with Kafka, for `troth doctor`; and how far everything has come there, for `troth status`."""

from collections.abc import Iterator, Sequence
from threading import Event
from time import monotonic
from typing import NamedTuple

from kafka import OffsetAndMetadata, TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.errors import CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError

from consumers.ports import BrokenRecord
from domain.instant import text
from infra.kafka import topics
from infra.kafka.connect import REACH_MS, NoBroker, SlowChecksums, administering, has_fast_checksums
from infra.kafka.tails import read_tails
from infra.kafka.topics import Partition

OLDEST = (3, 6)
"""The first that lets a topic refuse what is stamped too long ago, which the relay builds on."""


JITTER_MS = 1_000
LOOK_SECONDS = 0.25
COORDINATOR_CHANGES = (CoordinatorNotAvailableError, CoordinatorLoadInProgressError, NotCoordinatorError)


class Finding(NamedTuple):
    """One thing that was looked at; `do` is empty where all is well, or nothing is wrong yet."""

    name: str
    ok: bool
    found: str
    do: str = ""


class Lag(NamedTuple):
    """How far a group has come in a partition: how many records it said that it has taken in, of how many there are.

    It says so after the fact: what counts is the position that stands with the views, and the mark on the record.
    """

    group: str
    topic: str
    partition: int
    committed: int
    end: int

    @property
    def behind(self) -> int:
        """How many records it has not said to have taken in."""
        return max(0, self.end - self.committed)


def findings(bootstrap: str, ledger: str, partitions: int, replication: int, now: int) -> Iterator[Finding]:
    """All that was looked at, the worst first: behind what cannot be reached nothing more is found.

    `now` is our time of day, in microseconds since 1970 UTC.
    """
    fast = has_fast_checksums()
    yield Finding("checksums", fast, "in C" if fast else "in Python", "" if fast else str(SlowChecksums()))
    if not fast:
        return
    try:
        with administering(bootstrap) as admin:
            yield _brokers(admin, bootstrap)
            yield from _topics(admin, bootstrap, ledger, partitions, replication)
            yield from _clock(admin, bootstrap, ledger, now)
    except NoBroker as away:
        yield Finding("Kafka", False, str(away), "start it, or let TROTH_KAFKA name other bootstrap servers")


def lags(bootstrap: str, ledger: str) -> list[Lag]:
    """How far intake has come in the reports and the projectors in the entries, by partition. Raises NoBroker, UnfitTopic."""
    named = topics.names(ledger)
    reading = {named.reports: f"{ledger}.intake", named.entries: f"{ledger}.projector"}
    with administering(bootstrap) as admin:
        ends = _ends(admin, bootstrap, list(reading))
        committed = _committed(admin, list(reading.values()))
    found = []
    for each, end in sorted(ends.items()):
        group = reading[each.topic]
        at = committed[group].get(each)
        found.append(Lag(group, each.topic, each.partition, 0 if at is None else max(0, at.offset or 0), end))
    return found


def published(bootstrap: str, ledger: str) -> int:
    """How many entries are on their topic: all, once the relay has caught up. Raises NoBroker, UnfitTopic."""
    with administering(bootstrap) as admin:
        return sum(_ends(admin, bootstrap, [topics.names(ledger).entries]).values())


def _committed(admin: KafkaAdminClient, groups: list[str]) -> dict[str, dict[TopicPartition, OffsetAndMetadata]]:
    """What the groups have committed. Where Kafka has never kept a group, or just lost whoever did, that takes a moment."""
    until = monotonic() + REACH_MS / 1000
    while True:
        try:
            found: dict[str, dict[TopicPartition, OffsetAndMetadata]] = admin.list_group_offsets(groups)
            return found
        except COORDINATOR_CHANGES:
            if monotonic() > until:
                raise
            Event().wait(LOOK_SECONDS)


def _ends(admin: KafkaAdminClient, bootstrap: str, names: list[str]) -> dict[TopicPartition, int]:
    """The offset behind the last record of each partition of those topics that are there."""
    there = topics.described(admin, bootstrap, names)
    wanted = {TopicPartition(name, number): OffsetSpec.LATEST for name, all_ in there.items() for number in range(len(all_))}
    return {each: found.offset for each, found in admin.list_partition_offsets(wanted).items()} if wanted else {}


def _brokers(admin: KafkaAdminClient, bootstrap: str) -> Finding:
    brokers = admin.describe_cluster()["brokers"]
    version: tuple[int, ...] = admin.get_broker_version_data(brokers[0]["broker_id"]).broker_version
    found = f"Kafka {'.'.join(map(str, version))} at {bootstrap}, {len(brokers)} brokers"
    new_enough = version >= OLDEST
    return Finding("Kafka", new_enough, found, "" if new_enough else f"use Kafka {'.'.join(map(str, OLDEST))} or later")


def _topics(admin: KafkaAdminClient, bootstrap: str, ledger: str, partitions: int, replication: int) -> Iterator[Finding]:
    faults = topics.check(bootstrap, ledger, partitions, replication)
    for fault in faults:
        yield Finding(f"topic {fault.topic}", False, fault.wrong, fault.do)
    for name, there in topics.described(admin, bootstrap, topics.names(ledger)).items():
        if all(fault.topic != name for fault in faults):
            yield brokers_of(name, there, min(2, replication))


def brokers_of(topic: str, partitions: Sequence[Partition], needed: int) -> Finding:
    """Whether each partition of a topic has a leader, and as many brokers in sync as are needed to write there."""
    short = [str(number) for number, each in enumerate(partitions) if not each.led or each.in_sync < needed]
    if short:
        found = f"partitions {', '.join(short)} have no leader, or fewer than {needed} brokers in sync"
        return Finding(f"topic {topic}", False, found, "nothing can be written there: start the brokers that are down")
    return Finding(
        f"topic {topic}", True, f"{len(partitions)} partitions on {min(each.replicas for each in partitions)} brokers"
    )


def _clock(admin: KafkaAdminClient, bootstrap: str, ledger: str, now: int) -> Iterator[Finding]:
    """Kafka's protocol does not tell a broker's time; but brokers take no entry whose stamp is far from it."""
    topic = topics.names(ledger).entries
    there = topics.described(admin, bootstrap, [topic])
    if topic not in there:
        return
    try:
        newest = max(each.stamp for each in read_tails(admin, bootstrap, topic, len(there[topic])))
    except BrokenRecord as broken:
        yield Finding(f"topic {topic}", False, str(broken), "delete it, and the relay publishes the whole record anew")
        return
    if newest < 0:
        yield Finding("Kafka's clock", True, "no entry is published yet, and the protocol tells no broker's time")
        return
    ahead = newest - now // 1_000
    behind = ahead > JITTER_MS
    do = f"our clock is at least {ahead // 1_000} s behind: set it, or brokers refuse what we publish" if behind else ""
    yield Finding("Kafka's clock", not behind, f"the newest entry was published at {text(newest * 1_000)}", do)
