"""The same reports in any order, doubled, delayed and in any batches: the same digests of every projection.

    python -m tests.campaigns.order_free --seeds 50 --reports 20000

The reports contradict, correct and retract each other (tests/crowd.py), and some promise what is still to come. Each seed
sends three in ten of them again; shuffles them, or lets them come as they happened but for delays, a tenth of them up to a
year late; cuts them into batches of any size; and lets the projectors catch up and the clock look whenever it likes. All of it
goes through the real intake, SQLite and projectors.
"""

import argparse
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from random import Random

from domain.instant import DAY, parse, text
from tests.crowd import crowd
from tests.ledgers import NOW, Ledger, Message, made, said

LARGEST_BATCH = 1_000
REPEATED = 0.3
LATE = 0.1


def main() -> int:
    """Run the campaign; 1 where two seeds come to different digests."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=50, help="how many orders")
    parser.add_argument("--reports", type=int, default=20_000, help="how many different reports")
    asked = parser.parse_args()
    reports = told(asked.reports)
    first: dict[str, str] = {}
    for seed in range(asked.seeds):
        began = time.monotonic()
        digests = digests_of(reports, seed)
        first = first or digests
        shown = " ".join(f"{name}={digest[:8]}" for name, digest in sorted(digests.items()))
        say(f"seed {seed:>3}  {shown}  {time.monotonic() - began:.1f} s")
        if digests != first:
            say("NOT THE SAME: " + ", ".join(name for name in first if digests[name] != first[name]))
            return 1
    say(f"{asked.seeds} orders of {len(reports)} reports: the same digests of all {len(first)} projections")
    return 0


def told(count: int) -> list[Message]:
    """So many different reports; some promise what is still to come, so that the agenda is not empty either."""
    ahead = [report for number in range(count // 75) for report in to_come(number)]
    return [*ahead, *islice(crowd(7, count, parties=max(20, count // 50), repeated=0), count - len(ahead))]


def to_come(number: int) -> list[Message]:
    """A promise that falls due in the future, and a new due time that was agreed or was not."""
    party, name = f"party-{number % 20}", f"to-come-{number}"
    first, later = (text(NOW + days * DAY) for days in (number % 90 + 1, number % 60 + 120))
    moved = {"promise_id": name, "new_due_at": later, "consent": number % 2 == 0}
    return [
        made(party, name, "2026-05-01", first, ident=name),
        said("promise.renegotiated.v1", party, "2026-05-10", ident=f"{name}-moved", **moved),
    ]


def digests_of(reports: list[Message], seed: int) -> dict[str, str]:
    """What a new ledger comes to when it is told these reports in this seed's way."""
    chance = Random(seed)
    sent = [*reports, *(each for each in reports if chance.random() < REPEATED)]
    if seed % 2:
        chance.shuffle(sent)
    else:
        sent.sort(key=lambda each: parse(each["time"]) + chance.randrange(400 * DAY if chance.random() < LATE else DAY))
    with tempfile.TemporaryDirectory(prefix="troth-order-") as home, Ledger(Path(home)) as ledger:
        while sent:
            size = chance.randint(1, LARGEST_BATCH)
            ledger.report(*sent[:size])
            del sent[:size]
            if chance.random() < REPEATED:
                ledger.settle()
        return ledger.settle()


def say(line: str) -> None:
    """A line of the campaign."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
