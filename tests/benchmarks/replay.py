"""Replay from Kafka to durable trust views, against plain polling, against itself in two processes, against Quix Streams.

    python -m tests.benchmarks.replay                                    everything, half a million entries, three passes
    python -m tests.benchmarks.replay --entries 100000 --passes 1 --without quix

Every reader is a process of its own; what is measured begins when it is ready to connect and ends when all is committed. Views
are SQLite's, and empty at first. Needs Java and Maven, and for Quix Streams, which gets an environment of its own, a package
registry. Where other things run on the machine, the processor time that was used says more than the rates.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial
from importlib.metadata import version
from itertools import count
from pathlib import Path
from statistics import median

from infra import wiring
from infra.settings import Settings
from infra.sqlite import views as sqlite_views
from projections import trust
from tests.benchmarks.filled import PARTITIONS, broker, fill, ledger
from tests.benchmarks.passes import Aim, interleaved, say, table
from tests.benchmarks.replaying import ROOT, Done, run, together
from tests.benchmarks.sums import digest_of_views
from tests.services import kafka

POLL, KAFKA, FAST, TWO, QUIX = (
    "plain kafka-python poll",
    "replay, kafka-python",
    "replay, fast",
    "two projectors",
    "Quix Streams",
)
AIMS = (
    Aim(KAFKA, POLL, "0.75", 0.6),
    Aim(FAST, POLL, "2.2", 1.7),
    Aim(TWO, KAFKA, "1.4", 1.2),
    Aim(FAST, QUIX, "8", 5),
)
QUIX_VERSION = "3.28.1"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "troth-tests" / f"quix-{QUIX_VERSION}"
ALL = [*range(PARTITIONS)]


class Bench:
    """What is measured on: a ledger on Kafka, a folder, and how many entries there are; and what each was found to use."""

    def __init__(self, settings: Settings, folder: Path, entries: int) -> None:
        self.settings = settings
        self.folder = folder
        self.entries = entries
        self.numbers = count()
        self.processor: dict[str, list[float]] = {}
        """Microseconds an entry."""
        self.memory: dict[str, list[float]] = {}
        """Bytes, at the peak."""

    def rate(self, name: str, done: Done) -> float:
        """Entries a second."""
        self.processor.setdefault(name, []).append(1e6 * done.processor / done.entries)
        self.memory.setdefault(name, []).append(done.memory)
        return done.entries / (done.ended - done.began)


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=500_000)
    parser.add_argument("--parties", type=int, default=20_000)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--without", choices=("two", "quix"), action="append", default=[])
    parser.add_argument("--changelog", action="store_true", help="Quix Streams with its changelog topics")
    asked = parser.parse_args()
    python = None if "quix" in asked.without else quix()
    with broker() as (bootstrap, folder):
        settings = ledger(bootstrap, folder, "bench")
        fill(settings, asked.entries, asked.parties)
        bench = Bench(settings, folder, asked.entries)
        measured: dict[str, Callable[[], float]] = {
            POLL: lambda: bench.rate(POLL, run("poll", settings, ALL)),
            KAFKA: partial(projected, bench, KAFKA, "kafka", ALL),
            FAST: partial(projected, bench, FAST, "fast", ALL),
        }
        if "two" not in asked.without:
            measured[TWO] = partial(projected, bench, TWO, "kafka", ALL[::2], ALL[1::2])
        if python is not None:
            measured[QUIX] = partial(in_quix, bench, python, changelog=asked.changelog)
        say(said_versions(quix_too=python is not None, changelog=asked.changelog))
        table(interleaved(measured, asked.passes, "/s"), AIMS)
        say("\nprocessor time, microseconds an entry")
        for name, used in bench.processor.items():
            say(f"{name:<40} {median(used):>8.2f}   {min(used):.2f} to {max(used):.2f}")
    return 0


def projected(bench: Bench, name: str, how: str, *shares: list[int]) -> float:
    """Entries a second that projectors fold which share the partitions so, into new views."""
    home = bench.folder / f"{bench.settings.ledger}-{next(bench.numbers)}"
    shutil.copytree(bench.settings.home, home)
    settings = bench.settings.model_copy(update={"home": home})
    with closing(wiring.open_log(settings)) as log, closing(sqlite_views.open_views(home)) as views:
        policy = wiring.shipped_policy()
        assert log.end() == 1
        views.build(trust.PROJECTION, policy.hash, ALL, live=True)
    done = run(how, settings, *shares)
    assert done.entries == bench.entries, f"{done.entries} entries were folded, and not {bench.entries}"
    (bench.folder / "digest").write_text(digest_of_views(home), "utf-8")
    shutil.rmtree(home)
    return bench.rate(name, done)


def in_quix(bench: Bench, python: Path, *, changelog: bool) -> float:
    """Entries a second that Quix Streams folds, to the same sums."""
    folder = bench.folder / f"quix-{next(bench.numbers)}"
    folder.mkdir()
    more = ["--changelog"] if changelog else []
    arguments = [str(bench.settings.kafka), bench.settings.ledger, str(bench.entries), str(folder)]
    ended = subprocess.run(
        [str(python), "-m", "tests.benchmarks.quix", *arguments, *more],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr.decode()
    done, digest, *_ = ended.stdout.splitlines()
    assert digest.decode() == (bench.folder / "digest").read_text("utf-8"), "Quix Streams came to other sums"
    shutil.rmtree(folder)
    return bench.rate(QUIX, together([done]))


def quix() -> Path:
    """An interpreter that has Quix Streams, and what the fold is made of."""
    python = CACHE / "bin" / "python"
    needs = [f"quixstreams=={QUIX_VERSION}", f"msgspec=={version('msgspec')}", "pydantic>=2.12,<3"]
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(CACHE)], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *needs], check=True)
    return python


def said_versions(*, quix_too: bool, changelog: bool) -> str:
    """What was run."""
    ours = ", ".join(f"{name} {version(name)}" for name in ("kafka-python", "confluent-kafka", "msgspec"))
    theirs = f"; Quix Streams {QUIX_VERSION} with{'' if changelog else 'out'} changelog topics" if quix_too else ""
    return f"Python {sys.version.split()[0]}, {os.cpu_count()} cores; Apache Kafka {kafka.VERSION}; {ours}{theirs}"


if __name__ == "__main__":
    sys.exit(main())
