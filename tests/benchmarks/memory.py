"""Memory and time of a replay from Kafka into trust views, as the record grows and its parties do not.

    python -m tests.benchmarks.memory                          100 thousand, half a million and a million entries, three passes
    python -m tests.benchmarks.memory --entries 200000 --passes 1 --how fast

Each replay is a process of its own, into new views in SQLite; its memory is what the system says of it at its peak.
"""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from statistics import median

from tests.benchmarks.filled import broker, fill, ledger
from tests.benchmarks.passes import Aim, interleaved, say, table
from tests.benchmarks.replay import ALL, Bench, projected

MB = 1_000_000
AIM_MB, MOST_MB = 15, 30


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=1_000_000, help="the largest of the three records")
    parser.add_argument("--parties", type=int, default=20_000)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--how", choices=("kafka", "fast"), action="append", default=[], help="by which client; both without")
    asked = parser.parse_args()
    sizes = [asked.entries // 10, asked.entries // 2, asked.entries]
    hows = asked.how or ["kafka", "fast"]
    with broker() as (bootstrap, folder):
        measured: dict[str, Callable[[], float]] = {}
        benches = []
        for size in sizes:
            settings = ledger(bootstrap, folder, f"of-{size}")
            fill(settings, size, asked.parties)
            benches.append(Bench(settings, folder, size))
            for how in hows:
                measured[f"{how}, {size:,}"] = partial(seconds, benches[-1], f"{how}, {size:,}", how)
        small, half, whole = (f"{size:,}" for size in sizes)
        table(
            interleaved(measured, asked.passes, " s"),
            [Aim(f"{how}, {whole}", f"{how}, {half}", "1.7 to 2.3", 2.5, most=True) for how in hows],
        )
        say(f"\n{'memory at its peak':<40} {'against':<24} {'aim':>10} {'bound':>9} {'median':>10}   spread")
        memory = {name: found for bench in benches for name, found in bench.memory.items()}
        for how in hows:
            more = [(one - other) / MB for one, other in zip(memory[f"{how}, {whole}"], memory[f"{how}, {small}"], strict=True)]
            missed = "" if median(more) <= MOST_MB else "   MISSED"
            say(
                f"{f'{how}, {whole}':<40} {f'{how}, {small}':<24} {f'+{AIM_MB} MB':>10} {f'≤ +{MOST_MB}':>9} "
                f"{median(more):>+7.1f} MB   {min(more):+.1f} to {max(more):+.1f}{missed}"
            )
        for name, found in memory.items():
            say(f"{name:<40} {median(found) / MB:>6.1f} MB   {min(found) / MB:.1f} to {max(found) / MB:.1f}")
    return 0


def seconds(bench: Bench, name: str, how: str) -> float:
    """How long a replay takes."""
    return bench.entries / projected(bench, name, how, ALL)


if __name__ == "__main__":
    sys.exit(main())
