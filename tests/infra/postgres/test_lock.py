"""One at a time: a lock is held as long as its session lives."""

import threading
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from consumers.ports import Unreachable
from infra.postgres.lock import Lock, SessionLock, held

pytestmark = pytest.mark.service


def test_one_holds_it_until_it_is_given_back(database: str) -> None:
    first = held(database, "test", "relay")
    assert first is not None
    assert held(database, "test", "relay") is None
    first.check()
    first.close()
    with closing(got(held(database, "test", "relay"))) as second:
        second.check()


def test_another_purpose_and_another_ledger_are_other_locks(database: str) -> None:
    with closing(got(held(database, "test", "relay"))):
        got(held(database, "test", "clock")).close()
        got(held(database, "another", "relay")).close()


def test_who_waits_gets_it_when_it_is_given_back(database: str) -> None:
    first, second = got(held(database, "test", "relay")), list[Lock | None]()
    waiting = threading.Thread(target=lambda: second.append(held(database, "test", "relay", wait=True)))
    waiting.start()
    with closing(psycopg.connect(database, autocommit=True)) as connection:
        while not connection.execute("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").fetchall():
            assert waiting.is_alive()
    first.close()
    waiting.join()
    got(second[0]).close()


def test_whose_session_was_ended_is_told_and_another_gets_it(database: str) -> None:
    with closing(got(held(database, "test", "relay"))) as lost:
        with closing(psycopg.connect(database, autocommit=True)) as connection:
            connection.execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE locktype = 'advisory'")
        with pytest.raises(Unreachable, match="the database of the ledger test is away"):
            lost.check()
        got(held(database, "test", "relay")).close()


def test_where_no_server_answers_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="the database of the ledger test is away: connection is bad"):
        held(f"postgresql:///postgres?host={tmp_path}", "test", "relay")


def test_as_a_port_it_can_be_taken_by_one_asked_for_and_lost(database: str) -> None:
    one, other = SessionLock(database, "test", "relay"), SessionLock(database, "test", "relay")
    assert not one.held()
    assert (one.take(), other.take(), one.take(), one.held(), other.held()) == (True, False, True, True, False)
    with closing(psycopg.connect(database, autocommit=True)) as connection:
        connection.execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE locktype = 'advisory'")
    assert (one.held(), one.take()) == (False, False)
    assert other.take()
    one.release()
    other.release()
    assert one.take()
    one.release()


def got(lock: Lock | None) -> Lock:
    """The lock, since nobody else had it."""
    assert lock is not None
    return lock
