"""The three topics of a ledger: how they are made, and what may be wrong with those that are there.

    <ledger>.reports      what publishers say; kept for thirty days, in which intake must have come by
    <ledger>.entries      the published record: kept for ever and never compacted; its partitions are fixed for life
    <ledger>.quarantine   reports that were refused, for thirty days; the ledger's own quarantine keeps them for good

What a record for life needs is not left to a broker's defaults: it is set when a topic is made, and looked at when one is used.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from threading import Event
from time import monotonic
from typing import NamedTuple

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import NoError, TopicAlreadyExistsError, TopicAuthorizationFailedError, UnknownTopicOrPartitionError

from consumers.ports import Unfit
from infra.kafka.connect import REACH_MS, NoBroker, administering

DAY_MS = 86_400_000
KEPT_MS = 30 * DAY_MS
"""How long reports and refused reports stay on their topics."""
ENTRY_AT_MOST = 8 * 1024 * 1024
"""More bytes than any entry has: a fact of a quarter of a megabyte, and two standings that say what became of a thousand."""
LATE_MS = "message.timestamp.before.max.ms"
AHEAD_MS = "message.timestamp.after.max.ms"
LATE_AT_MOST, AHEAD_AT_MOST = 15_000, 5_000
"""A broker takes an entry only if its stamp is no older, and no further ahead, than so many milliseconds by its own clock.

What a relay sent before it was stopped can therefore not arrive later than that: see infra.kafka.publisher.
"""
LONGEST_FENCE_MS = 60_000
TIMES_HEARD = 5
"""How often in a row brokers must say that they know of new topics before that is believed of all of them."""
UNCLEAN = "unclean.leader.election.enable"
IN_SYNC = "min.insync.replicas"


class Names(NamedTuple):
    """The names of a ledger's topics."""

    reports: str
    entries: str
    quarantine: str


class Fault(NamedTuple):
    """What is wrong with a topic, and what to do."""

    topic: str
    wrong: str
    do: str


class UnfitTopic(Unfit):
    """A topic that may not be used as it is; the message says what is wrong with it and what to do."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"the topic {each.topic} {each.wrong}: {each.do}" for each in faults))
        self.faults = faults


class Partition(NamedTuple):
    """On how many brokers a partition is kept, how many of them are in sync, and whether one of them leads."""

    replicas: int
    in_sync: int
    led: bool


class _Wanted(NamedTuple):
    """A topic as it is made, and what must hold of its settings as long as it is used."""

    name: str
    partitions: int
    replication: int
    settings: Mapping[str, str]
    fixed: bool


def names(ledger: str) -> Names:
    """The names of a ledger's topics."""
    return Names(f"{ledger}.reports", f"{ledger}.entries", f"{ledger}.quarantine")


def ensure(bootstrap: str, ledger: str, partitions: int, replication: int) -> None:
    """Make the topics that are missing, and look at all of them. Safe when two do it at once. Raises UnfitTopic, NoBroker."""
    wanted = _wanted(ledger, partitions, replication)
    with administering(bootstrap) as admin:
        there = described(admin, bootstrap, names(ledger))
        refused = [fault for each in wanted if each.name not in there for fault in _make(admin, bootstrap, each)]
        if not refused and len(there) < len(wanted):
            _wait_for(admin, bootstrap, names(ledger))
        found = refused or list(_faults(admin, bootstrap, wanted))
    if found:
        raise UnfitTopic(found)


def _wait_for(admin: KafkaAdminClient, bootstrap: str, made: Sequence[str]) -> None:
    """Wait until the brokers, of whom a different one may be asked each time, have all heard of what one of them has made."""
    until = monotonic() + REACH_MS / 1_000
    heard = 0
    while heard < TIMES_HEARD:
        heard = heard + 1 if len(described(admin, bootstrap, made)) == len(made) else 0
        if monotonic() > until:
            raise NoBroker(bootstrap, "it has made the topics and does not know of them yet")
        Event().wait(0.05)


def check(bootstrap: str, ledger: str, partitions: int, replication: int) -> list[Fault]:
    """All that is wrong with the topics, those that are missing among it. Raises NoBroker."""
    with administering(bootstrap) as admin:
        return list(_faults(admin, bootstrap, _wanted(ledger, partitions, replication)))


def described(admin: KafkaAdminClient, bootstrap: str, topics: Sequence[str]) -> dict[str, list[Partition]]:
    """The partitions of those topics that are there. Raises UnfitTopic, or NoBroker where Kafka cannot say yet."""
    found = {}
    for topic in admin.describe_topics(list(topics)):
        name, error = topic["name"], topic["error_code"]
        if error == NoError.errno:
            found[name] = [
                Partition(len(each["replica_nodes"]), len(each["isr_nodes"]), each["leader_id"] >= 0)
                for each in sorted(topic["partitions"], key=lambda each: int(each["partition_index"]))
            ]
        elif error == TopicAuthorizationFailedError.errno:
            raise UnfitTopic([Fault(name, "may not be looked at by this user", "let it describe, read and write the topic")])
        elif error != UnknownTopicOrPartitionError.errno:
            raise NoBroker(bootstrap, f"it cannot describe {name} yet: error {error}")
    return found


def settings_of(admin: KafkaAdminClient, topics: Iterable[str]) -> dict[str, dict[str, str]]:
    """The settings of topics that are there, by topic and name."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in topics]
    found = admin.describe_configs(resources, config_filter="all")["topic"] if resources else {}
    return {topic: {name: each["value"] for name, each in settings.items()} for topic, settings in found.items()}


def _wanted(ledger: str, partitions: int, replication: int) -> list[_Wanted]:
    named = names(ledger)
    safe = {"cleanup.policy": "delete", UNCLEAN: "false", IN_SYNC: str(min(2, replication))}
    passing = {**safe, "retention.ms": str(KEPT_MS)}
    for_ever = {
        **safe,
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "max.message.bytes": str(ENTRY_AT_MOST),
        "message.timestamp.type": "CreateTime",
        LATE_MS: str(LATE_AT_MOST),
        AHEAD_MS: str(AHEAD_AT_MOST),
    }
    return [
        _Wanted(named.reports, partitions, replication, passing, fixed=False),
        _Wanted(named.entries, partitions, replication, for_ever, fixed=True),
        _Wanted(named.quarantine, 1, replication, {**passing, "max.message.bytes": str(ENTRY_AT_MOST)}, fixed=False),
    ]


def _make(admin: KafkaAdminClient, bootstrap: str, wanted: _Wanted) -> list[Fault]:
    """Make a topic, unless another does it first; or say why it could not be made."""
    how = {"num_partitions": wanted.partitions, "replication_factor": wanted.replication, "configs": dict(wanted.settings)}
    (made,) = admin.create_topics({wanted.name: how}, raise_errors=False)["topics"]
    if made["error_code"] not in {NoError.errno, TopicAlreadyExistsError.errno}:
        do = f"with fewer brokers set TROTH_KAFKA_REPLICATION; else let this user make it, or: {_create(bootstrap, wanted)}"
        return [Fault(wanted.name, f"could not be made ({made['error_message']})", do)]
    admin.wait_for_topics([wanted.name])
    return []


def _faults(admin: KafkaAdminClient, bootstrap: str, wanted: Sequence[_Wanted]) -> Iterator[Fault]:
    there = described(admin, bootstrap, [each.name for each in wanted])
    settings = settings_of(admin, there)
    for each in wanted:
        if each.name not in there:
            do = f"`troth run relay` makes it, or: {_create(bootstrap, each)}"
            yield Fault(each.name, "is missing", do)
            continue
        yield from _wrong_partitions(bootstrap, each, there[each.name])
        for name, value in each.settings.items():
            found = settings[each.name].get(name)
            if not _fits(each, name, value, found):
                yield Fault(each.name, f"has {name}={found}", _alter(bootstrap, each, name, value))


def _wrong_partitions(bootstrap: str, wanted: _Wanted, partitions: Sequence[Partition]) -> Iterator[Fault]:
    if wanted.fixed and len(partitions) != wanted.partitions:
        do = (
            f"its partitions are fixed for life, so set TROTH_KAFKA_PARTITIONS={len(partitions)} if it was made with so many; "
            "if it was altered, stop the relay and all readers and delete it; the relay then publishes the whole record anew: "
            f"kafka-topics.sh --bootstrap-server {bootstrap} --delete --topic {wanted.name}"
        )
        yield Fault(wanted.name, f"has {len(partitions)} partitions and not {wanted.partitions}", do)
    replicas = min(each.replicas for each in partitions)
    if replicas < wanted.replication:
        do = (
            f"set TROTH_KAFKA_REPLICATION={replicas} if that is meant, or else: kafka-reassign-partitions.sh "
            f"--bootstrap-server {bootstrap} --reassignment-json-file FILE --execute"
        )
        yield Fault(wanted.name, f"is kept on {replicas} brokers and not {wanted.replication}", do)


def _fits(wanted: _Wanted, name: str, value: str, found: str | None) -> bool:
    """Whether a setting is as it must be: some must be just so, others enough, or not too much."""
    if found is None:
        return False
    if name in {IN_SYNC, "max.message.bytes"}:
        return int(found) >= int(value)
    if name in {LATE_MS, AHEAD_MS}:
        return 0 < int(found) <= LONGEST_FENCE_MS
    if name == "retention.ms" and not wanted.fixed:
        return int(found) == -1 or int(found) >= DAY_MS
    return found == value


def _alter(bootstrap: str, wanted: _Wanted, name: str, value: str) -> str:
    return (
        f"kafka-configs.sh --bootstrap-server {bootstrap} --alter --entity-type topics --entity-name {wanted.name} "
        f"--add-config {name}={value}"
    )


def _create(bootstrap: str, wanted: _Wanted) -> str:
    settings = " ".join(f"--config {name}={value}" for name, value in wanted.settings.items())
    return (
        f"kafka-topics.sh --bootstrap-server {bootstrap} --create --topic {wanted.name} --partitions {wanted.partitions} "
        f"--replication-factor {wanted.replication} {settings}"
    )
