"""Both public data sets through Kafka and PostgreSQL: the same counts and the same digests as embedded.

    python -m tests.campaigns.data_sets --partitions 1,3,8 --projectors 1,2

Each file is imported twice, into SQLite and into PostgreSQL. Then, for each number of partitions and of projector processes, a
new broker and a copy of the record: the relay publishes, the projectors fold into PostgreSQL, the clock records what lapsed,
each process under another PYTHONHASHSEED.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from itertools import product
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.passes import say
from tests.fleet import Fleet
from tests.infra.importing.test_data_sets import DATA
from tests.services import kafka, postgres
from tests.services.postgres import new_database

SETS = {"uci_498": "uci_498_incident_event_log.csv.gz", "boston_311": "boston_311_2011.csv.gz"}
SECONDS = 900


class Truth(NamedTuple):
    """What the embedded ledger came to."""

    entries: int
    kinds: dict[str, int]
    digests: dict[str, str]


def main() -> int:
    """Run the campaign; 1 where a digest differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--partitions", default="1,3,8")
    parser.add_argument("--projectors", default="1,2")
    parser.add_argument("--set", choices=list(SETS), action="append")
    asked = parser.parse_args()
    ways = list(product(_numbers(asked.partitions), _numbers(asked.projectors)))
    wrong = 0
    folder = Path(tempfile.mkdtemp(prefix="troth-data-"))
    with postgres.started() as server:
        for name in asked.set or SETS:
            truth = embedded(folder / name, name)
            record = new_database(server.url, f"{name}_record")
            # With Kafka set a command leaves the views to those who run: this copy is to hold the record and nothing else.
            with Fleet(folder / f"{name}-record", TROTH_DATABASE=record, TROTH_KAFKA="127.0.0.1:1") as importing:
                began = time.monotonic()
                importing.troth("import", str(DATA / SETS[name]), "--map", name)
                say(f"{name}: imported into PostgreSQL in {time.monotonic() - began:.1f} s")
            for partitions, projectors in ways:
                called = f"{name}_{partitions}_{projectors}"
                database = new_database(server.url, called, template=f"{name}_record")
                began = time.monotonic()
                found = on_kafka(folder / called, database, partitions, projectors, truth.entries)
                verdict = "the same" if found == truth else f"NOT THE SAME: {differing(found, truth)}"
                wrong += found != truth
                seconds = time.monotonic() - began
                say(f"{name}: {partitions} partitions, {projectors} projectors: {verdict} ({seconds:.1f} s)")
    shutil.rmtree(folder)
    return 1 if wrong else 0


def embedded(home: Path, name: str) -> Truth:
    """The ledger as it comes, in one folder."""
    with Fleet(home) as fleet:
        began = time.monotonic()
        fleet.troth("import", str(DATA / SETS[name]), "--map", name)
        found = state(fleet)
        say(f"{name}: embedded, {found.entries:,} entries in {time.monotonic() - began:.1f} s")
        return found


def state(fleet: Fleet) -> Truth:
    """What a ledger has come to."""
    status = fleet.json("status")
    kinds = fleet.json("entries", "--count-by", "kind")
    return Truth(status["entries"], kinds, {each["name"]: each["digest"] for each in status["projections"]})


def on_kafka(home: Path, database: str, partitions: int, projectors: int, entries: int) -> Truth:
    """The same record, published and projected by processes of their own."""
    topics = {"TROTH_KAFKA_PARTITIONS": str(partitions), "TROTH_KAFKA_REPLICATION": "1"}
    home.mkdir()
    with (
        kafka.started(home / "kafka") as broker,
        Fleet(home, TROTH_DATABASE=database, TROTH_KAFKA=broker.bootstrap, **topics) as fleet,
    ):
        for seed, driver in enumerate(("relay", *["project"] * projectors, "clock"), 1 + 10 * partitions):
            fleet.start(driver, PYTHONHASHSEED=str(seed))
        fleet.settled(entries, SECONDS)
        fleet.stop()
        return state(fleet)


def differing(found: Truth, truth: Truth) -> str:
    """In what two states differ."""
    names = [name for name in truth.digests if found.digests.get(name) != truth.digests[name]]
    return json.dumps({"entries": [found.entries, truth.entries], "projections": names})


def _numbers(text: str) -> list[int]:
    return [int(each) for each in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())
