"""Kills the real processes many times at every named point and at any time, and proves each ledger that comes of it.

    python -m tests.campaigns.kill --rounds 100

A round is one kill. A ledger is killed at one point until it is done in spite of it; then it is proved, and a new one begins.
What is proved of each is in `tests/crash/killing.py`.
"""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from tests.crash.importing import EVERY_POINT, Importing
from tests.crash.killing import Life, Victim
from tests.crash.serving import POINTS_SERVED, Serving

ANY_TIME = "any time"
SEEDS = 5
"""How many different sets of reports there are; each is told to an undisturbed ledger once."""
LONGEST = {Importing: 0.35, Serving: 0.6}
"""Seconds after its start within which a process that is killed at any time dies: about as long as it takes to be done."""


def main() -> int:
    """Run the campaign and print its figures; 1 where something was lost, doubled or stood still."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100, help="how often to kill at each point")
    parser.add_argument("--seed", type=int, default=0, help="which passings and which moments")
    parser.add_argument("--point", action="append", help=f"only this point, or {ANY_TIME!r}; may be given again")
    parser.add_argument("--victim", choices=["import", "serve"], help="only this process")
    asked = parser.parse_args()
    say(f"{'process':<8} {'killed at':<16} {'kills':>6} {'lives':>6} {'ledgers':>8} {'came on':>8} {'seconds':>8}")
    began, kills = time.monotonic(), 0
    for name, victim, points in (("import", Importing, EVERY_POINT), ("serve", Serving, POINTS_SERVED)):
        for point in (*points, ANY_TIME):
            if asked.victim in (None, name) and (not asked.point or point in asked.point):
                kills += rounds(name, victim, point, asked.rounds, Random(f"{asked.seed} {name} {point}"))
    say(f"{kills} kills in {time.monotonic() - began:.0f} s: nothing lost, nothing doubled, nothing in another order")
    return 0


def rounds(name: str, victim: type[Victim], point: str, wanted: int, chance: Random) -> int:
    """Kill so often at this point; print the figures, and return how often it was."""
    began, lives, ledgers = time.monotonic(), list[Life](), 0
    while sum(each.killed for each in lives) < wanted:
        home = Path(tempfile.mkdtemp(prefix="troth-kill-"))
        killed = victim(home / "victim", seed=ledgers % SEEDS)
        left = wanted - sum(each.killed for each in lives)
        while len(killed.lives) < left and all(each.killed for each in killed.lives):
            kill(killed, point, chance)
        if killed.lives[-1].killed:
            killed.finish()
        try:
            killed.verify()
        except AssertionError:
            say(f"\nNOT PROVED: {name} killed at {point}, ledger {ledgers}; its folder is {home}")
            raise
        shutil.rmtree(home)
        lives, ledgers = lives + killed.lives, ledgers + 1
    kills, came_on = sum(each.killed for each in lives), sum(each.came_on for each in lives if each.killed)
    seconds = time.monotonic() - began
    say(f"{name:<8} {point:<16} {kills:>6} {len(lives):>6} {ledgers:>8} {came_on:>8} {seconds:>8.1f}")
    return kills


def kill(killed: Victim, point: str, chance: Random) -> None:
    """Once more: at the point, or at any time."""
    if point == ANY_TIME:
        killed.kill_after(chance.uniform(0, LONGEST[type(killed)]))
    else:
        killed.kill_at(point, chance)


def say(line: str) -> None:
    """A line of the table."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
