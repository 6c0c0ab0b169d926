"""Opening SQLite files, and refusing those that this version of troth cannot read."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from eventsourcing import persistence

from infra.record import UnknownSchema

BUSY_SECONDS = 60.0

Connection = sqlite3.Connection
Unusable = (sqlite3.DatabaseError, persistence.DatabaseError, persistence.InterfaceError)
"""What is raised where a file cannot be read or written: no space, no permission, locked too long, damaged, no database.

By SQLite itself, or by the event store on its behalf; `is_fault` says of one whether troth is at fault, and not the file.
"""
_FAULTS = ("IntegrityError", "ProgrammingError", "InternalError", "DataError", "NotSupportedError")


def connect(path: Path | str, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection that commits by itself and waits for other writers; `:memory:` makes a database of its own."""
    target = f"file:{quote(str(path))}?mode=ro" if read_only else str(path)
    try:
        connection = sqlite3.connect(target, uri=read_only, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            if not read_only:
                connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
        except BaseException:
            connection.close()
            raise
    except sqlite3.DatabaseError as wrong:
        raise type(wrong)(f"{path}: {wrong}") from wrong
    return connection


def is_fault(wrong: Exception) -> bool:
    """Whether what was raised says that a statement is wrong, whatever the file it was meant for."""
    return any(kind.__name__ in _FAULTS for kind in type(wrong).__mro__)


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One transaction that holds the write lock from its beginning; whatever is raised inside undoes it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextmanager
def reading(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is read inside is read from one state, whatever others write meanwhile."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")


def check_version(connection: sqlite3.Connection, expected: int, what: str) -> bool:
    """Whether the file is new. Raises UnknownSchema where it was written under another schema version."""
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found not in (0, expected):
        raise UnknownSchema(
            f"{what} has schema version {found}, and this troth reads version {expected}: "
            "use the version of troth that wrote it, or import into a new TROTH_HOME"
        )
    return bool(found == 0)
