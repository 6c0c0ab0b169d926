"""Intake of reports into SQLite and PostgreSQL, against the event-sourcing library's own way on the same database.

    python -m tests.benchmarks.intake
    python -m tests.benchmarks.intake --crowd

Ours: batches of reports, as a poll of Kafka or a chunk of a file brings them, each recorded in one transaction. The library's
own: one report at a time, its stream's aggregate got from the repository, changed and saved, with the library's default
settings. Both read each report strictly, weigh it by the same rules against all that its stream holds, and recognise a report
that comes again; the library's aggregate recognises it within its stream only, and keeps neither quarantine nor marks.
Python's collector is held back for both, as an import does. The reports are those of the demo's company, as they arrive in a
year; with --crowd, those of the tests' crowd, of which few come in order.
"""

import argparse
import shutil
import sys
import tempfile
import time
from contextlib import closing
from itertools import count
from pathlib import Path
from uuid import UUID

import msgspec
import psycopg
from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.domain import Aggregate, event

from consumers.intake import BATCH_AT_MOST, Incoming, Intake
from domain.entry import content, stream_of
from domain.kinds import KINDS, Standing, standing
from domain.report import Report, read, refuse_future
from domain.stream import Known
from domain.strictjson import read as read_json
from infra.collector import sparing_the_collector
from infra.postgres import log as postgres_log
from infra.postgres.log import PostgresLog
from infra.record import Record
from infra.sqlite import log as sqlite_log
from infra.sqlite.log import SQLiteLog
from infra.wiring import now
from tests.benchmarks.made import reported
from tests.benchmarks.passes import compared, say
from tests.crowd import crowd
from tests.ledgers import raw
from tests.services import postgres


class Stream(Aggregate):
    """A stream as the library would have it: an aggregate that each report's fact is an event of."""

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self.reported: list[tuple[str, str, str, str, int]] = []

    @staticmethod
    def create_id(stream: str) -> UUID:
        """The aggregate's id is the stream's."""
        return UUID(hex=stream)

    @event("Recorded")
    def record(self, *, kind: str, party: str, source: str, ident: str, happened_at: int, fact: str, after: str) -> None:
        """Take a fact in."""
        self.reported.append((kind, source, ident, fact, happened_at))

    def weigh(self, report: Report) -> Standing:
        """What the stream amounts to with one more fact."""
        known = [
            Known(version, happened_at, source, ident, KINDS[kind].model_validate_json(fact))
            for version, (kind, source, ident, fact, happened_at) in enumerate(self.reported)
        ]
        known.append(Known(len(known), report.happened_at, report.source, report.id, report.fact))
        return standing(report.fact.family, report.fact.key, known)


class OneByOne(Application):
    """The library's own way: get, change, save."""

    name = "ledger"

    def take(self, message: bytes) -> None:
        """Record one report, unless its stream has it."""
        report = read(read_json(message))
        refuse_future(report, now())
        stream = stream_of("ledger", report)
        try:
            aggregate: Stream = self.repository.get(UUID(hex=stream))
        except AggregateNotFoundError:
            aggregate = Stream(stream=stream)
        if not any((source, ident) == (report.source, report.id) for _, source, ident, _, _ in aggregate.reported):
            after = aggregate.weigh(report)
            fact, standing_after = content(report.fact).decode(), msgspec.json.encode(after).decode()
            aggregate.record(
                kind=report.kind, party=report.party, source=report.source, ident=report.id,
                happened_at=report.happened_at, fact=fact, after=standing_after,
            )  # fmt: skip
            self.save(aggregate)


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, default=10_000, help="how many a pass records in batches")
    parser.add_argument("--singly", type=int, default=1_000, help="how many a pass records one by one")
    parser.add_argument("--at-once", type=int, default=BATCH_AT_MOST, help="how many a batch has")
    parser.add_argument("--passes", type=int, default=9, help="of less than a second each")
    parser.add_argument("--crowd", action="store_true", help="reports that contradict each other and come in any order")
    asked = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="troth-intake-"))
    try:
        with postgres.started() as server:
            of_sqlite = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(home / "library.sqlite")}
            for database, log, library in (
                ("SQLite", in_sqlite(home), of_sqlite),
                ("PostgreSQL", in_postgres(server.url), of_postgres(server.url)),
            ):
                say(f"\n{database}: batches of {asked.at_once}, median of {asked.passes} passes")
                with closing(log), OneByOne(env=library) as peer:
                    compare(log, peer, asked)
    finally:
        shutil.rmtree(home)
    return 0


def compare(log: Record, peer: OneByOne, asked: argparse.Namespace) -> None:
    """Measure both in turn, each pass on reports that were not there before."""
    intake, seeds = Intake(log, log.name, now), count(1)

    def batches() -> float:
        reports = fresh(next(seeds), asked.reports, crowded=asked.crowd)
        with sparing_the_collector():
            began = time.perf_counter()
            for begun in range(0, len(reports), asked.at_once):
                intake.record([Incoming("benchmark", each) for each in reports[begun : begun + asked.at_once]])
        return len(reports) / (time.perf_counter() - began)

    def singly() -> float:
        reports = fresh(next(seeds), asked.singly, crowded=asked.crowd)
        with sparing_the_collector():
            began = time.perf_counter()
            for each in reports:
                peer.take(each)
        return len(reports) / (time.perf_counter() - began)

    compared({"library, one by one": singly, "troth": batches}, to="library, one by one", passes=asked.passes)


def fresh(seed: int, reports: int, *, crowded: bool) -> list[bytes]:
    """So many reports, as publishers send them: several of most streams, some more than once. Others for every seed."""
    if not crowded:
        return reported(reports, first=seed * reports)
    return [raw(each) for each in crowd(seed, reports // 2, parties=reports // 5)[:reports]]


def in_sqlite(home: Path) -> Record:
    """A new record in a folder."""
    sqlite_log.create(home, "ledger", now())
    return SQLiteLog(home, now)


def in_postgres(url: str) -> Record:
    """A new record in a database."""
    postgres_log.create(url, "ledger", now())
    return PostgresLog(url, "ledger", now)


def of_postgres(url: str) -> dict[str, str]:
    """The same database, as the library is told of it."""
    where = psycopg.conninfo.conninfo_to_dict(url)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(where["dbname"]),
        "POSTGRES_HOST": str(where["host"]),
        "POSTGRES_PORT": str(where.get("port", 5432)),
        "POSTGRES_USER": str(where["user"]),
        "POSTGRES_PASSWORD": str(where.get("password", "none")),
    }


if __name__ == "__main__":
    sys.exit(main())
