"""What can be wrong with SQLite, and with a file of it: version, schema, integrity, gaps between positions."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from infra.sqlite.connect import connect

OLDEST = (3, 38, 0)
"""`json_each` without an extension; `RETURNING` came with 3.35."""


class Engine(NamedTuple):
    """The SQLite that Python is linked with."""

    version: str
    new_enough: bool
    options: tuple[str, ...]
    """What it was compiled with."""

    @property
    def thread_safe(self) -> bool:
        """Whether connections may be handed from thread to thread."""
        return sqlite3.threadsafety == 3


class Positions(NamedTuple):
    """How many entries there are, and the first position that has none although a later one has."""

    entries: int
    first_gap: int | None
    newest_recorded_state: bytes | None


def engine() -> Engine:
    """Which SQLite this is."""
    with closing(sqlite3.connect(":memory:")) as connection:
        options = tuple(str(row[0]) for row in connection.execute("PRAGMA compile_options"))
    return Engine(sqlite3.sqlite_version, sqlite3.sqlite_version_info >= OLDEST, options)


def schema_version(path: Path) -> int | str:
    """The schema version of a file, or why it cannot be read."""
    try:
        with closing(connect(path, read_only=True)) as connection:
            return int(connection.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.DatabaseError as wrong:
        return str(wrong)


def integrity(path: Path) -> str:
    """`ok`, or the first faults that SQLite finds in a file."""
    try:
        with closing(connect(path, read_only=True)) as connection:
            return "; ".join(str(row[0]) for row in connection.execute("PRAGMA quick_check(5)"))
    except sqlite3.DatabaseError as wrong:
        return str(wrong)


def positions(path: Path) -> Positions | str:
    """The positions of the entries in a ledger's file, or why they cannot be read."""
    try:
        with closing(connect(path, read_only=True)) as connection:
            count, highest = connection.execute("SELECT COUNT(*), MAX(position) FROM stored_events").fetchone()
            if not count:
                return Positions(0, None, None)
            gap = None
            if count != highest + 1:
                gap = connection.execute(
                    "SELECT MIN(wanted) FROM (SELECT position, ROW_NUMBER() OVER (ORDER BY position) - 1 AS wanted "
                    "FROM stored_events) WHERE position != wanted"
                ).fetchone()[0]
            newest = connection.execute("SELECT state FROM stored_events WHERE position = ?", (highest,)).fetchone()[0]
            return Positions(int(count), gap, newest)
    except sqlite3.DatabaseError as wrong:
        return str(wrong)
