"""Kills the drivers of a whole ledger on Kafka many times at every named point and at any time, and proves what comes of it.

    python -m tests.campaigns.crash --kills 100 --minutes 30 --figures crash.json

All drivers of a ledger are killed at once, each at the point at which it was killed least so far, and started again, while
reports come in; `--driver` and `--point` leave the others alone. What is proved of each ledger is in `tests/crash/siege.py`.
The figures of all ledgers that were proved are kept in a file: the same command goes on where it was.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path
from random import Random

from tests.crash.siege import ANY_TIME, FIRST, FIRST_LIVES, POINTS, Life, Siege, Told, told
from tests.services import kafka, postgres

STREAMS = 600
Figures = dict[str, dict[str, float]]
"""By database, driver and point: kills, lives, and lives that came on."""


def main() -> int:
    """Run the campaign and print its figures; an AssertionError where something was lost, doubled or stood still."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="how often to kill at each point")
    parser.add_argument("--minutes", type=float, default=60, help="how long to begin new ledgers")
    parser.add_argument("--seed", type=int, default=0, help="which passings, which moments, which reports")
    parser.add_argument("--driver", action="append", choices=list(POINTS), help="only this driver; may be given again")
    parser.add_argument("--point", action="append", help=f"only this point, or {ANY_TIME!r}; may be given again")
    parser.add_argument("--database", action="append", choices=["sqlite", "postgres"], help="only what is kept there")
    parser.add_argument("--figures", type=Path, default=Path("crash.json"), help="where the figures so far are kept")
    asked = parser.parse_args()
    campaign = Campaign(asked.figures, asked.kills, asked.seed, asked.driver or list(POINTS), asked.point)
    ends = time.monotonic() + 60 * asked.minutes
    with ExitStack() as services:
        folder = Path(services.enter_context(tempfile.TemporaryDirectory(prefix="troth-crash-")))
        bootstrap = services.enter_context(kafka.started(folder)).bootstrap
        server = services.enter_context(postgres.started()).url
        for kept in asked.database or ["sqlite", "postgres"]:
            while campaign.is_left(kept) and time.monotonic() < ends:
                campaign.ledger(kept, bootstrap, server)
    campaign.show()
    return 0


class Campaign:
    """What is to be done, and what was."""

    def __init__(self, file: Path, kills: int, seed: int, drivers: Collection[str], points: Collection[str] | None) -> None:
        self._file = file
        self._kills = kills
        self._seed = seed
        self._points = {
            driver: [each for each in (*POINTS[driver], ANY_TIME) if not points or each in points] for driver in drivers
        }
        self._figures: Figures = json.loads(file.read_text("utf-8")) if file.exists() else {}

    def is_left(self, kept: str) -> bool:
        """Whether some driver was not yet killed often enough at some point."""
        return any(self._lacks(kept, driver, point) > 0 for driver, points in self._points.items() for point in points)

    def ledger(self, kept: str, bootstrap: str, server: str) -> None:
        """One ledger, killed for as long as there is something to tell it, and proved."""
        number = int(self._figure(kept, "", "ledgers")["kills"])
        name = f"crash-{kept[0]}{self._seed}-{number}-{time.time_ns() % 10**9}"
        chance = Random(f"{self._seed} {kept} {number}")
        home = Path(tempfile.mkdtemp(prefix="troth-siege-"))
        database = postgres.new_database(server, name) if kept == "postgres" else None
        siege = Siege(home, bootstrap, name, database, seed=self._seed * 1_000 + number, streams=STREAMS)
        lives: dict[str, int] = {}

        def choose(driver: str) -> Told | None:
            lives[driver] = lives.get(driver, 0) + 1
            first = lives[driver] <= FIRST_LIVES
            wanted = [each for each in self._points.get(driver, ()) if each not in FIRST or first]
            lacking = [(self._lacks(kept, driver, each, siege.lives), each) for each in wanted]
            lack, point = max(lacking, key=lambda each: each[0], default=(0, ""))
            return told(driver, point, chance) if lack > 0 else None

        began = time.monotonic()
        try:
            siege.besiege(choose)
            siege.finish()
            siege.prove()
        except AssertionError:
            say(f"\nNOT PROVED: ledger {name} kept in {kept}; its folder is {home}")
            raise
        finally:
            siege.close()
        shutil.rmtree(home)
        self._add(kept, siege.lives, time.monotonic() - began)

    def show(self) -> None:
        """Print the figures of all ledgers so far."""
        say(f"{'database':<9} {'driver':<8} {'killed at':<15} {'kills':>6} {'lives':>6} came on")
        total = 0
        for name, figure in self._figures.items():
            kept, driver, point = name.split("/")
            if driver:
                counts = (figure[each] for each in ("kills", "lives", "came on"))
                say(f"{kept:<9} {driver:<8} {point:<15} " + " ".join(f"{each:>6.0f}" for each in counts))
                total += int(figure["kills"])
        for kept in ("sqlite", "postgres"):
            ledgers = self._figure(kept, "", "ledgers")
            say(f"{kept}: {ledgers['kills']:.0f} ledgers proved in {ledgers['seconds']:.0f} s")
        say(f"{total} kills: nothing lost, nothing doubled, nothing in another order")

    def _lacks(self, kept: str, driver: str, point: str, lives: Collection[Life] = ()) -> int:
        killed = sum((each.driver, each.point, each.killed) == (driver, point, True) for each in lives)
        return self._kills - killed - int(self._figure(kept, driver, point)["kills"])

    def _figure(self, kept: str, driver: str, point: str) -> dict[str, float]:
        return self._figures.setdefault(f"{kept}/{driver}/{point}", {"kills": 0, "lives": 0, "came on": 0, "seconds": 0})

    def _add(self, kept: str, lives: Collection[Life], seconds: float) -> None:
        for each in lives:
            figure = self._figure(kept, each.driver, each.point)
            figure["kills"] += each.killed
            figure["lives"] += 1
            figure["came on"] += each.come > each.before
        ledgers = self._figure(kept, "", "ledgers")
        ledgers["kills"] += 1
        ledgers["seconds"] += seconds
        self._file.write_text(json.dumps(self._figures, indent=1), "utf-8")
        say(f"{kept} ledger {ledgers['kills']:.0f}: {sum(each.killed for each in lives)} kills, {seconds:.0f} s")


def say(line: str) -> None:
    """A line that is seen at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
