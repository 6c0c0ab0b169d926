"""What can be wrong with SQLite, and with a file of it: version, schema, integrity, gaps between positions."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from infra.record import Positions, checked
from infra.sqlite.connect import connect

OLDEST = (3, 38, 0)
"""`json_each` without an extension; `RETURNING` came with 3.35."""

NOTHING_YET = 0
"""The schema version of a file that somebody began to make and that holds nothing yet."""


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
    """The entries in a ledger's file, each of them decoded, or why they cannot be read."""
    try:
        with closing(connect(path, read_only=True)) as connection:
            return checked(connection.execute("SELECT position, state FROM stored_events ORDER BY position"))
    except sqlite3.DatabaseError as wrong:
        return str(wrong)
