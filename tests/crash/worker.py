"""A real process that brings reports in and drives the views, to be killed: `python -m tests.crash.worker HOME FROM_BATCH`.

It imports one file and, in turns with it, publishes another as a publisher would: batch by batch, saying each receipt aloud
and beginning at the first batch for which nobody has heard one. In between it projects and records what lapses; in the end it
builds all views anew. It does what `troth import`, `troth serve` and `troth rebuild` do, in smaller batches.
"""

import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from consumers.intake import Incoming, Intake
from domain.entry import Receipt
from infra import wiring
from infra.drivers import Drivers, driving
from infra.importing import run
from infra.importing.mapping import CLOUDEVENTS
from infra.settings import Settings
from projections.catalog import PROJECTIONS

IMPORTED, PUBLISHED, REBUILT = "imported.jsonl", "published.jsonl", "rebuild-begun"
BATCH = 20


def main(home: Path, from_batch: int) -> None:
    """Do all that is left to do."""
    run.REPORTS_OF_A_BATCH = BATCH
    settings = Settings(home=home / "ledger", ledger="test")
    say("started")
    wiring.make(settings)
    with driving(settings) as drivers:
        intake = wiring.open_intake(drivers.log)
        published = publish(home / PUBLISHED, intake, from_batch)

        def in_turns(*_: object) -> None:
            next(published, None)
            drivers.step()

        file, rejects = home / IMPORTED, home / "rejects.jsonl"
        run.import_file(file, CLOUDEVENTS, intake, drivers.log.mark, rejects=rejects, progress=in_turns)
        for _ in published:
            drivers.step()
        drivers.catch_up()
        rebuild(home, drivers)
        say("done")


def publish(file: Path, intake: Intake, from_batch: int) -> Iterator[None]:
    """Report what the file says; of each batch say the receipts aloud when they are there, and not before."""
    with file.open("rb") as lines:
        number = 0
        while batch := list(islice(lines, BATCH)):
            if number >= from_batch:
                outcomes = intake.record([Incoming("publisher", raw=line) for line in batch])
                say("receipts", number, [each[:2] for each in outcomes if isinstance(each, Receipt)])
                yield
            number += 1


def rebuild(home: Path, drivers: Drivers) -> None:
    """Begin to build all views anew, each of them once in the life of the ledger, and finish what was begun, by whomever."""
    for each in PROJECTIONS:
        begun = home / f"{each.name}.{REBUILT}"
        if not begun.exists():
            drivers.projector.rebuild([each.name])
            begun.touch()
    drivers.catch_up()


def say(what: str, *more: Any) -> None:
    """A line that has left the process before it does anything else."""
    sys.stdout.write(json.dumps([what, *more]) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
