"""Opening files: one policy for durability, and nothing opened that this version cannot read."""

import resource
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from consumers.ports import NotWritten
from infra import wiring
from infra.drivers import driving
from infra.record import NoLedgerHere, UnknownSchema
from infra.settings import Settings
from infra.sqlite import log as sqlite_log
from infra.sqlite import views as sqlite_views
from infra.sqlite.connect import check_version, connect, writing
from infra.sqlite.log import SQLiteLog
from infra.sqlite.recorder import open_store
from infra.turns import DrivenElsewhere

FULL = 2


def test_a_connection_writes_ahead_and_is_on_the_disk_when_it_says_so(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "any.sqlite")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (FULL,)
        assert connection.execute("PRAGMA busy_timeout").fetchone() == (60_000,)


def test_the_connections_of_the_event_store_are_no_less_durable(tmp_path: Path) -> None:
    store = open_store(tmp_path / "any.sqlite")
    for commit in (True, False):
        with store.get_connection(commit=commit) as connection:
            cursor = connection.cursor()
            for pragma, expected in (("journal_mode", "wal"), ("synchronous", FULL), ("busy_timeout", 60_000)):
                cursor.execute(f"PRAGMA {pragma}")
                assert cursor.fetchone()[0] == expected
    store.close()


@pytest.mark.parametrize("folder", ["a?b", "a#b", "a%20b", "a b", "ä"])
def test_a_folder_may_have_any_name(tmp_path: Path, folder: str) -> None:
    settings = Settings(home=tmp_path / folder)
    wiring.make(settings)
    with closing(wiring.open_log(settings)) as log, closing(wiring.read_views(settings)) as views:
        assert log.end() == 1
        assert views.execute("SELECT COUNT(*) FROM projections").fetchone() == (0,)
    assert [each.name for each in tmp_path.iterdir()] == [folder]


def test_a_read_only_connection_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "any.sqlite"
    with closing(connect(path)) as connection:
        connection.execute("CREATE TABLE t (x)")
    with closing(connect(path, read_only=True)) as reading, pytest.raises(sqlite3.OperationalError, match="readonly"):
        reading.execute("INSERT INTO t VALUES (1)")


def test_whatever_is_raised_undoes_the_transaction(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "any.sqlite")) as connection:
        connection.execute("CREATE TABLE t (x)")
        with pytest.raises(KeyboardInterrupt), writing(connection):  # noqa: PT012  (what is raised after the insert)
            connection.execute("INSERT INTO t VALUES (1)")
            raise KeyboardInterrupt
        assert connection.execute("SELECT COUNT(*) FROM t").fetchone() == (0,)
        assert not connection.in_transaction


# Without room on the disk


def test_a_transaction_without_room_is_undone_and_says_so_and_the_next_one_with_room_is_written(tmp_path: Path) -> None:
    path = tmp_path / "any.sqlite"
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    with closing(connect(path)) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.execute("PRAGMA cache_size=10")  # so that it is written, and fails, also before it is to be committed
        largest = max(each.stat().st_size for each in tmp_path.iterdir())
        for rows in (50, 1_000):
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, limit[1]))
            try:
                with pytest.raises(NotWritten, match=f"{path} could not be written: .*SQLITE_"), writing(connection):
                    connection.executemany("INSERT INTO t VALUES (?)", [("x" * 1_000,)] * rows)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limit)
            assert not connection.in_transaction
        with writing(connection):
            connection.execute("INSERT INTO t VALUES (1)")
        assert connection.execute("SELECT x FROM t").fetchall() == [(1,)]


def test_a_file_that_cannot_be_opened_for_want_of_room_is_not_said_to_be_damaged(tmp_path: Path) -> None:
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limit[1]))
    try:
        with pytest.raises(NotWritten, match="could not be written"):
            connect(tmp_path / "any.sqlite")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)


# Files of other versions


def set_version(path: Path, version: int) -> None:
    with closing(connect(path)) as connection:
        connection.execute(f"PRAGMA user_version={version}")


@pytest.mark.parametrize("version", [sqlite_log.SCHEMA + 1, 99, -1])
def test_a_ledger_of_another_version_is_refused_with_what_to_do(tmp_path: Path, version: int) -> None:
    settings = Settings(home=tmp_path)
    wiring.make(settings)
    set_version(tmp_path / sqlite_log.FILE, version)
    for attempt in (lambda: SQLiteLog(tmp_path, wiring.now), lambda: wiring.make(settings)):
        with pytest.raises(UnknownSchema, match=f"ledger.sqlite has schema version {version}.*or import into a new"):
            attempt()


def test_views_of_another_version_are_refused_with_what_to_do(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    wiring.make(settings)
    set_version(tmp_path / sqlite_views.FILE, sqlite_views.SCHEMA + 1)
    with pytest.raises(UnknownSchema, match=r"views\.sqlite has schema version 3"):
        wiring.make(settings)
    with pytest.raises(UnknownSchema):
        sqlite_views.open_views(tmp_path)


def test_a_new_file_has_version_0_and_is_told_apart(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "any.sqlite")) as connection:
        assert check_version(connection, 1, "it")
        connection.execute("PRAGMA user_version=1")
        assert not check_version(connection, 1, "it")


@pytest.mark.parametrize("begun", ["no folder", "no file", "empty file", "no tables yet"])
def test_where_no_ledger_is_it_says_so(tmp_path: Path, begun: str) -> None:
    home = tmp_path / "home"
    if begun != "no folder":
        home.mkdir()
    if begun == "empty file":
        (home / sqlite_log.FILE).touch()
    if begun == "no tables yet":
        connect(home / sqlite_log.FILE).close()
    with pytest.raises(NoLedgerHere, match="there is no ledger"):
        SQLiteLog(home, wiring.now)
    with pytest.raises(NoLedgerHere), driving(Settings(home=home)):
        pass


# Two programs at once

MAKE_AT_ONCE = """
import os, sys
from pathlib import Path
from infra import wiring
from infra.record import NoLedgerHere, UnknownSchema
from infra.settings import Settings

def make(home, start):
    os.read(start, 1)  # returns in all of them at the moment when nobody holds the other end any more
    wiring.make(Settings(home=home))
    os._exit(0)

for number in range(int(sys.argv[2])):
    start, held = os.pipe()
    children = []
    for _ in range(8):
        child = os.fork()
        if not child:
            os.close(held)
            make(Path(sys.argv[1]) / str(number), start)
        children.append(child)
    os.close(held)
    os.close(start)
    ended = [os.waitpid(child, 0)[1] for child in children]
    assert ended == [0] * 8, (number, ended)
"""


def test_processes_that_make_one_ledger_at_once_both_succeed_with_one_policy(tmp_path: Path) -> None:
    """They are forked, to be as close together as they can be: without `making.lock` one in three hundred was locked out."""
    rounds = 20
    root = Path(__file__).resolve().parents[3]
    program = [sys.executable, "-c", MAKE_AT_ONCE, str(tmp_path), str(rounds)]
    done = subprocess.run(program, cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for number in range(rounds):
        settings = Settings(home=tmp_path / str(number))
        with closing(wiring.open_log(settings)) as log:
            assert log.count_by_kind() == {"policy.adopted.v1": 1}
        with driving(settings) as drivers:
            drivers.catch_up()
            assert all(each.position == 1 and each.live for each in drivers.views.built())


def test_one_process_drives_the_views_at_a_time(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    wiring.make(settings)
    with driving(settings), pytest.raises(DrivenElsewhere), driving(settings):
        pass
    with driving(settings):
        pass
