"""What can be wrong with a PostgreSQL, and with a ledger in it: version, encoding, durability, clock, schema, gaps."""

from collections.abc import Callable
from contextlib import closing
from typing import NamedTuple

import psycopg

from consumers.ports import Clock
from infra.postgres import log, views
from infra.postgres.connect import Connection, connect, told
from infra.record import Positions, checked

OLDEST = 14
"""The oldest major version that its makers still mended when this was written."""
ASKED = 5
AT_ONCE = 2_000


class Server(NamedTuple):
    """The PostgreSQL that answers, as a ledger's sessions see it."""

    version: str
    new_enough: bool
    encoding: str
    """UTF8, or there are texts that it cannot hold."""
    unsafe: tuple[str, ...]
    """Settings under which a commit is not on the disk when it says so, or a page may be torn: each should be on."""
    clock_ahead_micro: int
    """How far its clock is ahead of ours, in microseconds, give or take half of the shortest round trip."""


def server(url: str, ledger: str, clock: Clock) -> Server | str:
    """Which server this is, or why it cannot be asked."""
    try:
        with closing(connect(url, ledger)) as connection:
            shown = {
                name: connection.execute("SELECT current_setting(%s)", (name,)).fetchall()[0][0]
                for name in ("server_version", "server_encoding", "fsync", "full_page_writes", "synchronous_commit")
            }
            asked = [_clocks(connection, clock) for _ in range(ASKED)]
            return Server(
                version=shown["server_version"],
                new_enough=connection.info.server_version >= OLDEST * 10_000,
                encoding=shown["server_encoding"],
                unsafe=tuple(name for name, value in shown.items() if value == "off"),
                clock_ahead_micro=min(asked)[1],
            )
    except psycopg.Error as wrong:
        return told(wrong)


def schema_version(url: str, ledger: str) -> int | str | None:
    """The schema version of a ledger's record; None where there is none; or why it cannot be read."""
    return _version(url, ledger, log.schema_version)


def views_version(url: str, ledger: str) -> int | str | None:
    """The same of its views."""
    return _version(url, ledger, views.schema_version)


def _version(url: str, ledger: str, of: Callable[[Connection], int | None]) -> int | str | None:
    try:
        with closing(connect(url, ledger, read_only=True)) as connection:
            return of(connection)
    except psycopg.Error as wrong:
        return told(wrong)


def positions(url: str, ledger: str) -> Positions | str:
    """The entries of a ledger, each of them decoded, or why they cannot be read."""
    try:
        with (
            closing(connect(url, ledger, read_only=True)) as connection,
            connection.transaction(),
            connection.cursor("record") as cursor,
        ):
            cursor.itersize = AT_ONCE
            return checked(cursor.execute("SELECT position, state FROM stored_events ORDER BY position", binary=True))
    except psycopg.Error as wrong:
        return told(wrong)


def _clocks(connection: Connection, clock: Clock) -> tuple[int, int]:
    """How long the answer took, and how far the server's clock is ahead of ours in the middle of that."""
    asked = clock()
    theirs = connection.execute("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint").fetchall()[0][0]
    took = clock() - asked
    return took, int(theirs) - asked - took // 2
