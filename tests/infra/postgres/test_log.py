"""The record in PostgreSQL: what only a server does. What it promises like any other: tests/infra/test_record.py."""

import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from consumers.ports import Conflict, NotWritten, Refused, Stored, Unfit, Unreachable
from domain.entry import Entry, Receipt, encode
from domain.recording import Recording
from domain.report import read
from infra.postgres import connections
from infra.postgres.connect import connect, lock_key, writing
from infra.postgres.log import SCHEMA, PostgresLog, create
from infra.record import NoLedgerHere, UnknownSchema
from tests.crowd import crowd
from tests.ledgers import NOW, Hands, Ledger, Message, contact
from tests.places import Place
from tests.proof import prove, prove_recorded_once
from tests.services import postgres

pytestmark = pytest.mark.service


def first_of(stream: str, party: str = "acme") -> tuple[Entry, bytes]:
    """The first entry of a stream of this name, and its bytes."""
    entry = Recording(stream).record(read(contact(party, stream)), NOW)
    return entry, encode(entry)


@pytest.fixture
def log(database: str) -> Iterator[PostgresLog]:
    create(database, "test", NOW)
    with closing(PostgresLog(database, "test", Hands())) as log:
        yield log


@contextmanager
def asked(database: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A session of whoever looks after the database."""
    with closing(psycopg.connect(database, autocommit=True)) as connection:
        yield connection


def end_sessions(database: str) -> None:
    """End all sessions of ledgers as a server that stops does; return when they have ended."""
    with asked(database) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name LIKE 'troth %'"
        )


# Making it


def test_threads_that_make_one_ledger_at_once_all_succeed(database: str) -> None:
    together, wrong = threading.Barrier(8, timeout=60), list[BaseException]()

    def make() -> None:
        together.wait()
        try:
            create(database, "test", NOW)
        except BaseException as error:  # noqa: BLE001  (said below, by the test)
            wrong.append(error)

    for each in (threads := [threading.Thread(target=make) for _ in range(8)]):
        each.start()
    for each in threads:
        each.join()
    assert wrong == []
    with closing(connect(database, "test")) as connection:
        assert connection.execute("SELECT * FROM ledger").fetchall() == [("test", NOW, SCHEMA)]


def test_ledgers_in_one_database_share_nothing(database: str, tmp_path: Path) -> None:
    with (
        Ledger(tmp_path, database=database, name="one") as one,
        Ledger(tmp_path, database=database, name="another-one") as other,
    ):
        first, second = one.receipts(contact("acme", "a")), other.receipts(contact("acme", "a"))
        assert [each.position for each in (*first, *second)] == [1, 1]
        assert one.entries()[1].stream != other.entries()[1].stream


def test_where_no_ledger_is_it_says_so(database: str) -> None:
    with pytest.raises(NoLedgerHere, match="there is no ledger test in the database test_"):
        PostgresLog(database, "test", Hands())


@pytest.mark.parametrize("version", [SCHEMA + 1, 0, -1])
def test_a_ledger_of_another_version_is_refused_with_what_to_do(database: str, version: int) -> None:
    create(database, "test", NOW)
    Place(Path(), database).alter("UPDATE ledger SET schema_version = ?", version)
    for attempt in (lambda: PostgresLog(database, "test", Hands()), lambda: create(database, "test", NOW)):
        with pytest.raises(UnknownSchema, match=f"schema version {version}, .*or import into another TROTH_LEDGER"):
            attempt()


def test_a_user_who_may_not_make_schemas_is_told_and_uses_the_one_that_is_given(database: str) -> None:
    role = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    with asked(database) as connection:
        connection.execute(f'CREATE ROLE "{role}" LOGIN'.encode())
        try:
            theirs = psycopg.conninfo.make_conninfo(database, user=str(role))
            with pytest.raises(NoLedgerHere, match="let its owner make the schema test and give it to that user"):
                create(theirs, "test", NOW)
            connection.execute(f'CREATE SCHEMA test AUTHORIZATION "{role}"'.encode())
            create(theirs, "test", NOW)
            with closing(PostgresLog(theirs, "test", Hands())) as log:
                assert log.end() == 0
        finally:
            connection.execute(f'DROP OWNED BY "{role}" CASCADE'.encode())
            connection.execute(f'DROP ROLE "{role}"'.encode())


def test_a_commit_is_on_the_disk_whatever_the_database_was_told(database: str) -> None:
    with asked(database) as connection:
        connection.execute(f"ALTER DATABASE {connection.info.dbname} SET synchronous_commit TO off".encode())
    with closing(connect(database, "test")) as connection:
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_cannot_hold_every_text_is_refused_with_what_to_do(database: str, encoding: str) -> None:
    name = f"{psycopg.conninfo.conninfo_to_dict(database)['dbname']}_{encoding.lower()}"
    with asked(database) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 LOCALE 'C' ENCODING '{encoding}'".encode())
        try:
            theirs = psycopg.conninfo.make_conninfo(database, dbname=name, client_encoding=encoding)
            with pytest.raises(Unfit, match=f"{name} has the encoding {encoding}, .* ENCODING 'UTF8' .* TEMPLATE template0"):
                create(theirs, "test", NOW)
            with closing(connect(theirs, "test")) as other:  # text is text there all the same, and nothing was made
                assert other.execute("SELECT 'ä', to_regnamespace('test')").fetchone() == ("ä", None)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def test_the_server_is_told_all_that_lets_it_notice_a_machine_that_has_vanished(database: str) -> None:
    told_it = ["tcp_keepalives_count", "tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_user_timeout"]
    with closing(connect(database, "test")) as connection:  # by a socket that is a file it says 0 whatever it was told
        found = connection.execute("SELECT name FROM pg_settings WHERE name LIKE 'tcp%' AND source = 'session' ORDER BY 1")
        assert [name for (name,) in found] == told_it


# Writing it


def test_a_batch_of_twenty_megabytes_is_written(log: PostgresLog) -> None:
    batch = [(entry, state + b" " * 10_000) for entry, state in map(first_of, map(str, range(2_000)))]
    stored = log.append(batch, [], None)
    assert log.page(0, 3_000) == stored == [Stored(position, state) for position, (_, state) in enumerate(batch)]


def told(attempt: Callable[[], object], expected: type[Exception]) -> str:
    """All that is said when this is raised, as a log or a terminal would show it."""
    with pytest.raises(expected) as raised:
        attempt()
    return "".join(traceback.format_exception(raised.value))


def test_what_stands_in_rows_is_in_no_error(log: PostgresLog, database: str) -> None:
    log.append([first_of("s", party="anna@example.org")], [], None)
    taken = told(lambda: log.append([first_of("s", party="anna@example.org")], [], None), Conflict)
    Place(Path(), database).alter("ALTER TABLE stored_events ADD CHECK (position < 1)")
    fault = told(lambda: log.append([first_of("t", party="anna@example.org")], [], None), psycopg.errors.CheckViolation)
    Place(Path(), database).alter("ALTER TABLE quarantine ADD CHECK (times < 1)")
    refused = Refused("MalformedJson", "no JSON", "", b"anna", "anna@example.org")
    kept = told(lambda: log.append([], [refused], None), psycopg.errors.CheckViolation)
    for each in (taken, fault, kept):
        assert "anna" not in each.replace('party="anna@example.org"', "")  # the test's own lines are in it
    assert fault.rstrip().endswith("psycopg.errors.CheckViolation: CheckViolation")


# Outages


def test_sessions_that_the_server_ended_meanwhile_are_not_used_again(log: PostgresLog, database: str) -> None:
    log.append([first_of("s")], [], None)
    end_sessions(database)
    assert log.end() == 1
    end_sessions(database)
    assert [each.position for each in log.append([first_of("t")], [], None)] == [1]


def test_a_writer_whose_session_ends_has_written_nothing_and_writes_again(log: PostgresLog, database: str) -> None:
    with closing(connect(database, "test")) as other, other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(%s)", (lock_key("test", "record"),))
        waiting = threading.Thread(target=lambda: outcome.append(told(append, NotWritten)))
        outcome: list[str] = []

        def append() -> None:
            log.append([first_of("s")], [], None)

        waiting.start()
        with asked(database) as connection:
            while not connection.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                "AND wait_event = 'advisory' AND datname = current_database()"
            ).fetchall():
                assert waiting.is_alive()
        waiting.join()
    assert "could not be written: the database of the ledger test is away: AdminShutdown" in outcome[0]
    assert log.end() == 0
    assert [each.position for each in log.append([first_of("s")], [], None)] == [0]


def test_who_waits_too_long_for_another_writer_is_told(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "WAIT_SECONDS", 1)
    create(database, "test", NOW)
    with closing(PostgresLog(database, "test", Hands())) as log, closing(connect(database, "test")) as other:
        with writing(other, lock_key("test", "record")), pytest.raises(NotWritten, match="LockNotAvailable"):
            log.append([first_of("s")], [], None)
        assert len(log.append([first_of("s")], [], None)) == 1


def test_a_writer_that_was_stopped_in_the_middle_lets_the_others_go_on(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "WAIT_SECONDS", 1)
    create(database, "test", NOW)
    inside, go_on = threading.Event(), threading.Event()

    def stopped() -> int:  # what a refusal is dated by, while the lock is held
        inside.set()
        go_on.wait()
        return NOW

    outcome: list[str] = []
    refused = Refused("MalformedJson", "no JSON", "", b"{", "test")
    with closing(PostgresLog(database, "test", stopped)) as one, closing(PostgresLog(database, "test", Hands())) as other:
        first = threading.Thread(
            target=lambda: outcome.append(told(lambda: one.append([first_of("s")], [refused], None), NotWritten))
        )
        first.start()
        assert inside.wait(60)
        while other.end() == 0:
            try:
                other.append([first_of("t")], [], None)
            except NotWritten:  # both waited for a second, and this one was told first
                continue
        go_on.set()
        first.join()
        assert "IdleInTransactionSessionTimeout" in outcome[0]
        assert [each.position for each in one.append([first_of("s")], [refused], None)] == [1]


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Postgres]:
    """A server to be stopped; whoever stops it starts it again."""
    with postgres.started() as server:
        yield server


def test_a_server_that_crashes_while_reports_come_in_loses_and_doubles_nothing(
    server: postgres.Postgres, tmp_path: Path
) -> None:
    reports = crowd(5, 120, parties=3)
    begun, away, back = threading.Barrier(3, timeout=60), threading.Event(), threading.Event()
    receipts: dict[int, list[Receipt]] = {}

    def feed(number: int) -> None:
        mine = reports[:: 1 if number else -1]
        with Ledger(tmp_path, database=server.url) as ledger:
            begun.wait()
            while number not in receipts or not away.is_set():  # again from the beginning until the server has crashed
                receipts[number] = [each for at in range(0, len(mine), 10) for each in taken(ledger, mine[at : at + 10])]

    def taken(ledger: Ledger, batch: list[Message]) -> list[Receipt]:
        while True:
            try:
                return ledger.receipts(*batch)
            except (Unreachable, NotWritten):
                away.set()
                back.wait()

    for each in (threads := [threading.Thread(target=feed, args=(number,)) for number in range(2)]):
        each.start()
    begun.wait()
    server.stop("immediate")
    assert away.wait(60)
    server.start()
    back.set()
    for each in threads:
        each.join()
    with Ledger(tmp_path, database=server.url) as ledger:
        prove_recorded_once(prove(ledger.stored()), reports)
    forwards, backwards = ([each._replace(repeated=False) for each in receipts[number]] for number in (1, 0))
    assert forwards == backwards[::-1]


def test_a_server_that_is_down_is_said_with_where_it_should_be(server: postgres.Postgres, tmp_path: Path) -> None:
    with Ledger(tmp_path, database=server.url, name="down") as ledger:
        server.stop()
        try:
            with pytest.raises(Unreachable, match=r"the database of the ledger down is away: connection .* on socket"):
                ledger.report(contact("acme", "a"))
            with pytest.raises(NotWritten, match="could not be written: the database of the ledger down is away"):
                ledger.log.append([first_of("s")], [], None)
        finally:
            server.start()
        assert len(ledger.receipts(contact("acme", "a"))) == 1
