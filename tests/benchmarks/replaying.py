"""One reader of a ledger's entries, in a process of its own, which says when it began and ended: what the benchmarks compare.

    python -m tests.benchmarks.replaying poll|kafka|fast --partitions 0,1,2,3        (the ledger by TROTH_… in the environment)

poll    kafka-python as it is, polled to the end and no more
kafka   a projector, trust only, over kafka-python, into the SQLite views in the ledger's folder
fast    the same over confluent-kafka
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from kafka import KafkaConsumer, TopicPartition

from consumers.project import PAGE, Projector
from infra import wiring
from infra.collector import sparing_the_collector
from infra.kafka import topics
from infra.kafka.assigned import AssignedFeed, KafkaReader
from infra.kafka.fast import FastReader
from infra.settings import Settings
from infra.sqlite import views as sqlite_views
from projections import trust
from tests.benchmarks.passes import peak_memory

ROOT = Path(__file__).resolve().parents[2]
READERS = {"kafka": KafkaReader, "fast": FastReader}


class Done(NamedTuple):
    """How many entries were read between two instants of the machine's own clock; processor time, and memory at its peak.

    Seconds and bytes.
    """

    entries: int
    began: float
    ended: float
    processor: float
    memory: int


def main() -> int:
    """Read, and say how that went."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("how", choices=("poll", *READERS))
    parser.add_argument("--partitions", type=lambda text: [int(each) for each in text.split(",")], required=True)
    asked = parser.parse_args()
    settings = Settings()
    measured: Callable[[], int] = (
        (lambda: poll(settings, asked.partitions))
        if asked.how == "poll"
        else (lambda: project(settings, asked.how, asked.partitions))
    )
    began, before = time.monotonic(), time.process_time()
    entries = measured()
    ended, processor = time.monotonic(), time.process_time() - before
    done = Done(entries, began, ended, processor, peak_memory())
    sys.stdout.write(json.dumps(done) + "\n")
    return 0


def poll(settings: Settings, partitions: Sequence[int]) -> int:
    """Poll to the end. How many records came."""
    topic = topics.names(settings.ledger).entries
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka, enable_auto_commit=False, auto_offset_reset="earliest")
    with closing(consumer):
        assigned = [TopicPartition(topic, each) for each in partitions]
        consumer.assign(assigned)
        ends, entries = consumer.end_offsets(assigned), 0
        while any(consumer.position(each) < end for each, end in ends.items()):
            for records in consumer.poll(500, max_records=PAGE).values():
                for record in records:
                    if record.value is not None:
                        entries += 1
    return entries


def project(settings: Settings, how: str, partitions: Sequence[int]) -> int:
    """Project trust into the views in the folder, to the end. How many entries those partitions are."""
    topic = topics.names(settings.ledger).entries
    with (
        closing(wiring.open_log(settings)) as log,
        closing(sqlite_views.open_views(settings.home)) as views,
        closing(AssignedFeed(READERS[how](str(settings.kafka), topic), mine=lambda: partitions)) as feed,
        sparing_the_collector(),
    ):
        projector = Projector(log, feed, views, (trust.PROJECTION,), wiring.now)
        while projector.step():
            pass
        (built,) = views.built()
        return sum(built.reached[each].taken for each in partitions)


def run(how: str, settings: Settings, *shares: Sequence[int]) -> Done:
    """Run as many of them at once as there are shares of the partitions; what they did together."""
    environment = {**os.environ, **environ(settings)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.replaying", how, "--partitions", ",".join(map(str, share))],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE,
        )
        for share in shares
    ]  # fmt: skip
    return together([process.communicate()[0] for process in processes])


def together(said: Sequence[bytes]) -> Done:
    """What several processes did at the same time."""
    done = [Done(*json.loads(each)) for each in said]
    return Done(
        sum(each.entries for each in done),
        min(each.began for each in done),
        max(each.ended for each in done),
        sum(each.processor for each in done),
        sum(each.memory for each in done),
    )


def environ(settings: Settings) -> Mapping[str, str]:
    """The settings, as another process reads them."""
    return {
        "TROTH_HOME": str(settings.home),
        "TROTH_LEDGER": settings.ledger,
        "TROTH_KAFKA": str(settings.kafka),
        "TROTH_KAFKA_PARTITIONS": str(settings.kafka_partitions),
        "TROTH_KAFKA_REPLICATION": str(settings.kafka_replication),
        "TROTH_LOG_LEVEL": "error",
    }


if __name__ == "__main__":
    sys.exit(main())
