"""From published to visible, at a thousand entries a second, against plain consuming of the same records at the same time.

    python -m tests.benchmarks.latency
    python -m tests.benchmarks.latency --seconds 10 --passes 1

Published is when an entry is handed to the producer (kafka-python, `acks=all`, a linger of 5 ms), visible when the views are
committed that it changed: SQLite's, by a projector in its consumer group. Plain is when kafka-python's `poll` returns with the
record, in a process of its own, by assignment. Twice in each pass: a projector of trust alone, and the loop of
`troth run project` with all projections and the ranking of parties. Some entries go ahead, and do not count.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from statistics import quantiles
from threading import Event
from typing import NamedTuple

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from consumers.ports import Move
from consumers.project import PAGE, Projector
from infra import wiring
from infra.kafka import topics
from infra.kafka.feed import GroupFeed
from infra.kafka.published import published, read
from infra.loops import Projecting
from infra.settings import Settings
from infra.sqlite import views as sqlite_views
from infra.sqlite.views import SQLiteViews
from projections import trust
from tests.benchmarks.filled import PARTITIONS, broker, ledger, partition_of
from tests.benchmarks.made import made
from tests.benchmarks.passes import Aim, say, table
from tests.benchmarks.replaying import ROOT, environ

A_SECOND = 1_000
"""Entries."""
AHEAD = 500
LINGER_MS = 5
SILENT_AT_MOST = 30.0
PROJECTED = {"trust alone": "trust", "all projections": "all"}
AIMS = [
    Aim(f"{name}, {at}", f"plain beside {name}, {at}", aim, bound, most=True)
    for name in PROJECTED
    for at, aim, bound in (("p50", "1.3", 2.0), ("p99", "1.5", 3.0))
]


class Seen(NamedTuple):
    """All entries of a partition below this position had been seen at that instant of the machine's clock, in seconds."""

    partition: int
    below: int
    at: float


def main() -> int:
    """Run the benchmark, or one who watches in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--parties", type=int, default=20_000)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--watch", choices=("plain", *PROJECTED.values()), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    entries = AHEAD + asked.seconds * A_SECOND
    if asked.watch:
        (plain if asked.watch == "plain" else projected)(Watch(entries), Settings(), asked.watch)
        return 0
    found: dict[str, list[float]] = {}
    numbers = count()
    record = [(party, state) for _, party, state in made(entries, asked.parties)]
    with broker() as (bootstrap, folder):
        for _ in range(asked.passes):
            for name, what in PROJECTED.items():
                settings = ledger(bootstrap, folder, f"pass-{next(numbers)}")
                one_pass(settings, record, {f"plain beside {name}": "plain", name: what}, found)
    table(found, AIMS)
    return 0


def one_pass(
    settings: Settings, record: Sequence[tuple[str, bytes]], watchers: dict[str, str], found: dict[str, list[float]]
) -> None:
    """Publish a record before those who watch, and add what each of them found: percentiles, in milliseconds."""
    with ExitStack() as watching:
        processes = {who: watching.enter_context(watcher(what, settings, len(record))) for who, what in watchers.items()}
        with closing(Publisher(settings)) as publisher:
            for each in record[:AHEAD]:
                publisher.publish(*each)
            for process in processes.values():
                assert process.stdout is not None
                assert process.stdout.readline() == b"ready\n"
            began, pause = time.monotonic(), Event()
            for number, each in enumerate(record[AHEAD:]):
                pause.wait(max(0.0, began + number / A_SECOND - time.monotonic()))
                publisher.publish(*each)
        for who, process in processes.items():
            waited = publisher.waited([Seen(*each) for each in json.loads(process.communicate()[0])])
            cut = quantiles(waited, n=100)
            for name, percentile in (("p50", cut[49]), ("p99", cut[98])):
                found.setdefault(f"{who}, {name}", []).append(1_000 * percentile)
            say(f"{who:<32} p50 {1_000 * cut[49]:6.2f} ms   p99 {1_000 * cut[98]:6.2f} ms   load {os.getloadavg()[0]:.1f}")


@contextmanager
def watcher(what: str, settings: Settings, entries: int) -> Iterator["subprocess.Popen[bytes]"]:
    """One who watches so many entries come; ended, if it is not yet, with the block."""
    seconds = (entries - AHEAD) // A_SECOND
    command = [sys.executable, "-m", "tests.benchmarks.latency", "--watch", what, "--seconds", str(seconds)]
    environment = {**os.environ, **environ(settings)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


class Publisher:
    """Publishes entries, and knows when each was handed to the producer."""

    def __init__(self, settings: Settings) -> None:
        self._topic = topics.names(settings.ledger).entries
        self._producer = KafkaProducer(bootstrap_servers=settings.kafka, acks="all", linger_ms=LINGER_MS, batch_size=128 * 1024)
        self._handed: list[tuple[int, float]] = []
        self._last: dict[int, int] = {}

    def publish(self, party: str, state: bytes) -> None:
        """Publish the next entry."""
        position, partition = len(self._handed), partition_of(party)
        value = published(position, self._last.get(partition), state)
        self._last[partition] = position
        self._handed.append((partition, time.monotonic()))
        self._producer.send(self._topic, value, party.encode(), partition=partition)

    def close(self) -> None:
        """Wait until all is published."""
        self._producer.close()

    def waited(self, seen: Iterable[Seen]) -> list[float]:
        """How long it took until each entry was seen, in seconds."""
        of: dict[int, list[Seen]] = {partition: [] for partition in range(PARTITIONS)}
        for each in seen:
            of[each.partition].append(each)
        belows = {partition: [each.below for each in its] for partition, its in of.items()}
        return [
            of[partition][bisect_right(belows[partition], position)].at - at
            for position, (partition, at) in enumerate(self._handed)
            if position >= AHEAD
        ]


class Watch:
    """Notes when entries are seen, and says so when the first of them and when all of them were."""

    def __init__(self, entries: int) -> None:
        self._entries = entries
        self._seen: list[Seen] = []
        self._ready = False
        self._since = time.monotonic()

    def note(self, at: float, below: dict[int, int], total: int) -> None:
        """All below these positions were seen at that instant, so many in all."""
        self._seen += [Seen(partition, position, at) for partition, position in below.items()]
        self._since = at
        if total >= AHEAD and not self._ready:
            self._ready = True
            say("ready")
        if total >= self._entries:
            say(json.dumps(self._seen))
            self._entries = 0

    @property
    def goes_on(self) -> bool:
        """Whether there is more to come."""
        assert time.monotonic() < self._since + SILENT_AT_MOST, "nothing came for half a minute"
        return self._entries > 0


def plain(watch: Watch, settings: Settings, _: str) -> None:
    """Watch by polling."""
    topic, total = topics.names(settings.ledger).entries, 0
    with closing(KafkaConsumer(bootstrap_servers=settings.kafka, enable_auto_commit=False)) as consumer:
        partitions = [TopicPartition(topic, each) for each in range(PARTITIONS)]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        while watch.goes_on:
            found = consumer.poll(100, max_records=PAGE)
            at = time.monotonic()
            total += sum(map(len, found.values()))
            watch.note(at, {each.partition: read(records[-1].value).position + 1 for each, records in found.items()}, total)


def projected(watch: Watch, settings: Settings, what: str) -> None:
    """Watch views being written."""
    with ExitStack() as opened:
        if what == "all":
            projecting = opened.enter_context(closing(Projecting(settings)))
            views, step = projecting.views, projecting.step
        else:
            log = opened.enter_context(closing(wiring.open_log(settings)))
            views = opened.enter_context(closing(sqlite_views.open_views(settings.home)))
            feed = opened.enter_context(closing(GroupFeed(settings)))
            step = Projector(log, feed, views, (trust.PROJECTION,), wiring.now).step
        assert isinstance(views, SQLiteViews)
        watched(views, watch)
        while watch.goes_on:
            step()


def watched(views: SQLiteViews, watch: Watch) -> None:
    """Let the watch know of each commit of these views."""
    write: Callable[[Sequence[Move], Iterable[str]], None] = views.write

    def written(moves: Sequence[Move], parties: Iterable[str]) -> None:
        write(moves, parties)
        at = time.monotonic()
        reached = moves[0].reached
        watch.note(at, {each: its.position for each, its in reached.items()}, sum(its.taken for its in reached.values()))

    views.write = written  # type: ignore[method-assign]


if __name__ == "__main__":
    sys.exit(main())
