"""Replay of an exported Parquet file to durable trust views, against plain polling of the same entries from Kafka.

    python -m tests.benchmarks.replay_parquet
    python -m tests.benchmarks.replay_parquet --entries 200000 --passes 1

Every reader is a process of its own. A replay is what `troth replay trust --from FILE` does: it checks the file's hash and what
follows what, folds, and is measured until all is committed in its shadow views; it takes as many processes as there are
processors. The poll is kafka-python as it is, to the end and no more. Needs Java and Maven.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from consumers.ports import Stored
from infra.exporting import parquet
from infra.exporting.export import export
from infra.replaying import replay
from infra.settings import Settings
from tests.benchmarks.filled import PARTITIONS, broker, fill, ledger
from tests.benchmarks.made import stored
from tests.benchmarks.passes import Aim, interleaved, say, table
from tests.benchmarks.replaying import ROOT, Done, environ, run, together

POLL, PARQUET = "plain kafka-python poll", "replay, Parquet"
AIMS = (Aim(PARQUET, POLL, "8", 5),)
ALL = [*range(PARTITIONS)]
WHOSE = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
_numbers = count()


class Exported:
    """Entries, as an export reads them from a record."""

    def __init__(self, name: str, entries: Sequence[Stored]) -> None:
        self.name = name
        self._entries = entries

    def end(self) -> int:
        """How many there are."""
        return len(self._entries)

    def page(self, start: int, limit: int) -> Sequence[Stored]:
        """Some of them."""
        return self._entries[start : start + limit]


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--parties", type=int, default=20_000)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--one", type=Path, metavar="FILE", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one is not None:
        replay_one(asked.one)
        return 0
    with broker() as (bootstrap, folder):
        settings = ledger(bootstrap, folder, "bench")
        fill(settings, asked.entries, asked.parties)
        file = folder / "entries.parquet"
        since = time.perf_counter()
        exported: object = Exported(settings.ledger, stored(asked.entries, asked.parties))
        manifest = export(exported, file, "parquet", 0)  # type: ignore[arg-type]
        say(f"{manifest.bytes:,} bytes of Parquet; written in {time.perf_counter() - since:.0f} s; {os.cpu_count()} cores")
        measured = {
            POLL: lambda: rate(POLL, run("poll", settings, ALL)),
            PARQUET: lambda: rate(PARQUET, replayed(settings, file)),
        }
        rates = interleaved(measured, asked.passes, "/s")
        table(rates, AIMS)
    return 0


def rate(name: str, done: Done) -> float:
    """Entries a second."""
    each = 1e6 * done.processor / done.entries
    say(f"        {name}: {done.ended - done.began:.2f} s, {each:.2f} µs of processors an entry")
    return done.entries / (done.ended - done.began)


def replayed(settings: Settings, file: Path) -> Done:
    """A replay in a process of its own, in a folder of its own."""
    home = settings.home.with_name(f"replay-{next(_numbers)}")
    shutil.copytree(settings.home, home)
    told = os.environ | environ(settings.model_copy(update={"home": home}))
    command = [sys.executable, "-m", "tests.benchmarks.replay_parquet", "--one", str(file)]
    done = subprocess.run(command, cwd=ROOT, env=told, stdout=subprocess.PIPE, check=True).stdout
    shutil.rmtree(home)
    return together([done])


def replay_one(file: Path) -> None:
    """Replay, and say how that went."""
    assert parquet.SCHEMA, "what is loaded when it is needed is loaded before, as the client of the poll is"
    ended: list[tuple[float, float]] = []

    def progress(done: int, total: int) -> None:
        if done == total:
            ended.append((time.monotonic(), processor()))

    began, before = time.monotonic(), processor()
    (trust,) = replay(Settings(), ["trust"], str(file), anew=True, progress=progress).compared
    at, after = ended[0]
    memory = sum(each.ru_maxrss for each in map(resource.getrusage, WHOSE)) * 1024
    sys.stdout.write(json.dumps(Done(trust.built.position, began, at, after - before, memory)) + "\n")


def processor() -> float:
    """Seconds of processors that this process and those that it split off have taken so far."""
    return sum(each.ru_utime + each.ru_stime for each in map(resource.getrusage, WHOSE))


if __name__ == "__main__":
    sys.exit(main())
