"""The relay, from SQLite record to acknowledged by all replicas, against plain kafka-python sending the same values.

    python -m tests.benchmarks.relay --entries 100000

Plain: one thread sends what was put together beforehand (partition, key, value) to an idempotent producer with `acks=all`, a
linger of 5 ms and batches of 128 kB, and flushes in the end. The relay reads the record, finds partitions, puts positions in
front, and waits until each round is acknowledged. Each pass writes to a topic of its own, on one broker that this starts.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from itertools import count
from pathlib import Path

from kafka import KafkaProducer
from msgspec.structs import replace

from consumers.relay import Relay
from domain.entry import decode
from infra import wiring
from infra.kafka import topics
from infra.kafka.published import read
from infra.kafka.publisher import KafkaPublisher
from infra.sqlite import log as sqlite_log
from infra.sqlite.lock import FileLock
from infra.sqlite.log import SQLiteLog
from tests.benchmarks.made import made
from tests.benchmarks.passes import compared, say
from tests.published import found_on, prove_published
from tests.services.kafka import started

BATCH = 1_000
Record = tuple[int, bytes, bytes]
"""Partition, key and value."""


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--parties", type=int, default=20_000)
    parser.add_argument("--partitions", type=int, default=12)
    parser.add_argument("--passes", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="troth-relay-") as folder, started(Path(folder) / "kafka") as kafka:
        home = Path(folder) / "home"
        fill(home, asked.entries, asked.parties)
        numbers = count()
        relayed(home, kafka.bootstrap, "first", asked.partitions)
        with closing(SQLiteLog(home, wiring.now)) as log:
            prove_published(log.page(0, 10**9), kafka.bootstrap, "first", asked.partitions)
        values = [
            (each.partition, each.key or b"", each.value)
            for each in sorted(found_on(kafka.bootstrap, "first"), key=lambda each: read(each.value).position)
        ]
        size = sum(len(value) for _, _, value in values) // len(values)
        say(f"{len(values):,} entries of {size} bytes, {asked.parties:,} parties, {asked.partitions} partitions\n")
        measured = {
            "plain kafka-python": lambda: plain(kafka.bootstrap, f"p{next(numbers)}", values, asked.partitions),
            "the relay": lambda: relayed(home, kafka.bootstrap, f"p{next(numbers)}", asked.partitions),
        }
        compared(measured, to="plain kafka-python", passes=asked.passes)
    return 0


def fill(home: Path, entries: int, parties: int) -> None:
    """A record in SQLite with so many entries."""
    sqlite_log.create(home, "main", wiring.now())
    with closing(SQLiteLog(home, wiring.now)) as log:
        batch = []
        for position, _, state in made(entries, parties):
            # The same report is told of twenty parties: on the record its id must be each one's own.
            batch.append((replace(decode(state), id=f"{position}"), state))
            if len(batch) == BATCH:
                log.append(batch, [], None)
                batch = []
        if batch:
            log.append(batch, [], None)


def relayed(home: Path, bootstrap: str, name: str, partitions: int) -> float:
    """Entries a second."""
    topics.ensure(bootstrap, name, partitions, 1)
    with closing(SQLiteLog(home, wiring.now)) as log:
        end = log.end()
        with closing(Relay(log, KafkaPublisher(bootstrap, name), FileLock(home / "relay.lock"), wiring.now)) as relay:
            began = time.perf_counter()
            while relay.next_position < end:
                relay.step()
            return end / (time.perf_counter() - began)


def plain(bootstrap: str, name: str, values: Sequence[Record], partitions: int) -> float:
    """Entries a second."""
    topics.ensure(bootstrap, name, partitions, 1)
    producer = KafkaProducer(
        bootstrap_servers=bootstrap, acks="all", linger_ms=5, batch_size=131_072, max_request_size=topics.ENTRY_AT_MOST,
        metrics_enabled=False,
    )  # fmt: skip
    topic = topics.names(name).entries
    with closing(producer):
        began = time.perf_counter()
        futures = [producer.send(topic, value, key, None, partition) for partition, key, value in values]
        producer.flush()
        rate = len(values) / (time.perf_counter() - began)
    assert all(each.succeeded() for each in futures)
    return rate


if __name__ == "__main__":
    sys.exit(main())
