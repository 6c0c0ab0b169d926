"""All projections built anew while reports come in: readers never wait, and the digests agree when they are swapped.

    python -m tests.campaigns.rebuild --rate 1000 --seconds 30

Reports come by HTTP, so many a second, in batches; somebody asks for a party's trust all the time; meanwhile `troth rebuild`
builds all projections anew, which fails where a digest differs. Embedded, then on PostgreSQL and Kafka with two projectors.
"""

import argparse
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from statistics import quantiles

from tests.benchmarks.passes import say
from tests.fleet import Fleet
from tests.ledgers import Message, kept, made
from tests.services import kafka, postgres
from tests.services.postgres import new_database

BATCH = 100
PARTIES = 2_000
BEFORE = 40_000
"""Reports that are there before the rebuild begins."""
BATCHED = "application/cloudevents-batch+json"


def main() -> int:
    """Run the campaign; 1 where reports could not be kept up with, or a reader was refused."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=1_000, help="reports a second")
    parser.add_argument("--seconds", type=float, default=20, help="how long reports come in beside what is asked, at least")
    parser.add_argument("--only", choices=["embedded", "kafka"])
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="troth-rebuild-"))
    if asked.only != "kafka":
        with Fleet(folder / "embedded") as fleet:
            campaign("embedded", fleet, fleet.answers(fleet.start("serve")), asked.rate, asked.seconds)
    if asked.only != "embedded":
        (folder / "kafka").mkdir()
        with postgres.started() as server, kafka.started(folder / "kafka" / "broker") as broker:
            topics = {"TROTH_KAFKA": broker.bootstrap, "TROTH_KAFKA_PARTITIONS": "4", "TROTH_KAFKA_REPLICATION": "1"}
            with Fleet(folder / "kafka", TROTH_DATABASE=new_database(server.url, "rebuild"), **topics) as fleet:
                url = fleet.answers(fleet.start("api"))
                for driver in ("relay", "project", "project", "clock"):
                    fleet.start(driver)
                campaign("PostgreSQL and Kafka, two projectors", fleet, url, asked.rate, asked.seconds)
    shutil.rmtree(folder)
    return 0


def campaign(name: str, fleet: Fleet, url: str, rate: int, seconds: float) -> None:
    """Fill, let reports come in without and then with a rebuild; print how long readers waited, and prove the digests."""
    reports = story()

    def report_batch() -> None:
        answer = fleet.ask(f"{url}/reports", [next(reports) for _ in range(BATCH)], media=BATCHED)
        assert len(answer) == BATCH, answer

    for _ in range(BEFORE // BATCH):
        report_batch()
    fleet.settled(BEFORE, 600)
    stop, waited, late = threading.Event(), list[float](), list[float]()
    with coming_in(report_batch, rate, stop, late), asking(fleet, url, stop, waited):
        stop.wait(seconds)
        quiet = len(waited)
        began = time.monotonic()
        rebuilt = fleet.json("rebuild")
        took = time.monotonic() - began
        stop.wait(2)
        stop.set()
    entries = fleet.projections().entries
    assert len(rebuilt["projections"]) == len(fleet.settled(entries))
    behind = max(late)
    say(f"{name}: {entries:,} entries, all projections built anew in {took:.1f} s at {rate:,} reports/s")
    say(f"  readers, before it:   {shown(waited[:quiet])}")
    say(f"  readers, beside it:   {shown(waited[quiet:])}")
    say(f"  reports were at most {behind:.2f} s behind their rate; digests agree at the swap")
    fleet.stop()


def story() -> Iterator[Message]:
    """Promises without end, each kept."""
    for number in count():
        party, promise = f"party-{number % PARTIES}", f"p{number}"
        yield made(party, promise, "2026-01-01", "2026-01-20", ident=f"{number}-made", team=f"team-{number % 7}")
        yield kept(party, promise, "2026-01-10", ident=f"{number}-kept")


@contextmanager
def coming_in(report_batch: Callable[[], object], rate: int, stop: threading.Event, behind: list[float]) -> Iterator[None]:
    """Report so many a second until told to stop; `behind` gets how late each batch was answered, in seconds."""

    def report() -> None:
        began = time.monotonic()
        for number in count(1):
            if stop.is_set():
                return
            report_batch()
            ahead = began + number * BATCH / rate - time.monotonic()
            behind.append(max(0.0, -ahead))
            stop.wait(max(0.0, ahead))

    thread = threading.Thread(target=report)
    thread.start()
    yield
    thread.join()


@contextmanager
def asking(fleet: Fleet, url: str, stop: threading.Event, waited: list[float]) -> Iterator[None]:
    """Ask for one party after another until told to stop; `waited` gets how long each answer took, in seconds."""

    def ask() -> None:
        for number in count():
            if stop.wait(0.005):
                return
            began = time.perf_counter()
            answer = fleet.ask(f"{url}/parties/party-{number % PARTIES}/trust")
            waited.append(time.perf_counter() - began)
            assert "in_us" in answer, answer

    thread = threading.Thread(target=ask)
    thread.start()
    yield
    thread.join()


def shown(waited: list[float]) -> str:
    """Percentiles in milliseconds."""
    cut = quantiles(waited, n=100)
    return (
        f"p50 {cut[49] * 1e3:.1f} ms, p99 {cut[98] * 1e3:.1f} ms, longest {max(waited) * 1e3:.1f} ms of {len(waited):,} answers"
    )


if __name__ == "__main__":
    sys.exit(main())
