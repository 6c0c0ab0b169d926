"""Starting a projector again, until it is ready to fold: with 20,000 parties in its views, against an empty one.

    python -m tests.benchmarks.restart

What is started is what `troth run project` is without Kafka: record and views are opened, what is wanted is looked up, and the
first step finds nothing to do. Joining a consumer group takes as long whoever is in the views, and is left out.
"""

import argparse
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import median

from infra import wiring
from infra.loops import Projecting
from infra.settings import Settings
from tests.benchmarks.passes import say
from tests.benchmarks.relay import fill

AIM = 5.0
"""Microseconds a party."""


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--parties", type=int, default=20_000)
    parser.add_argument("--passes", type=int, default=9)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="troth-restart-") as folder:
        empty, full = (Settings(home=Path(folder) / name) for name in ("empty", "full"))
        for each in (empty, full):
            wiring.make(each)
        fill(full.home, asked.entries, asked.parties)
        parties = [settled(empty), settled(full)][1]
        pairs = [(started(empty), started(full)) for _ in range(asked.passes)]
    more = [1e6 * (whole - none) / parties for none, whole in pairs]
    say(f"{asked.entries:,} entries, {parties:,} parties; {asked.passes} passes, one after the other in turn")
    none, whole = median(none for none, _ in pairs), median(whole for _, whole in pairs)
    say(f"empty: {1e3 * none:.1f} ms; with all parties: {1e3 * whole:.1f} ms")
    missed = "" if median(more) <= AIM else "   MISSED"
    say(f"a party: {median(more):.3f} µs (aim ≤ {AIM:g}), {min(more):.3f} to {max(more):.3f}{missed}")
    return 0


def settled(settings: Settings) -> int:
    """Bring the views to the end of the record, and rank all parties; how many there are."""
    with closing(Projecting(settings)) as projecting:
        while projecting.step():
            pass
        return int(projecting.views.reader.execute("SELECT count(*) FROM parties").fetchone()[0])


def started(settings: Settings) -> float:
    """How long a start takes, in seconds."""
    began = time.perf_counter()
    with closing(Projecting(settings)) as projecting:
        assert not projecting.step()
        return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
