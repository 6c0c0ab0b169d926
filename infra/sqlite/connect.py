"""Opening SQLite files, and refusing those that this version of troth cannot read."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from eventsourcing import persistence

from consumers.ports import NotWritten
from infra.record import UnknownSchema

BUSY_SECONDS = 60.0

Connection = sqlite3.Connection
Unusable = (sqlite3.DatabaseError, persistence.DatabaseError, persistence.InterfaceError)
"""What is raised where a file cannot be read or written: no space, no permission, locked too long, damaged, no database.

By SQLite itself, or by the event store on its behalf; `is_fault` says of one whether troth is at fault, and not the file.
"""
_FAULTS = ("IntegrityError", "ProgrammingError", "InternalError", "DataError", "NotSupportedError")
_OUTAGES = ("SQLITE_FULL", "SQLITE_BUSY", *(f"SQLITE_IOERR_{what}" for what in ("WRITE", "FSYNC", "TRUNCATE", "SHM")))
"""How SQLite's names of errors begin that come of a disk without room, or of somebody who holds the file for too long."""


def connect(path: Path | str, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection that commits by itself and waits for other writers; `:memory:` makes a database of its own.

    Raises NotWritten where the disk has no room for what opening writes, and otherwise one of `Unusable`.
    """
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
        if is_outage(wrong):
            raise NotWritten(_not_written(path, wrong)) from wrong
        raise type(wrong)(f"{path}: {wrong}") from wrong
    return connection


def is_outage(wrong: sqlite3.DatabaseError) -> bool:
    """Whether a file could be written if its disk had room, or if nobody held it: whoever tries again later may succeed."""
    return getattr(wrong, "sqlite_errorname", "").startswith(_OUTAGES)


def is_fault(wrong: Exception) -> bool:
    """Whether what was raised says that a statement is wrong, whatever the file it was meant for."""
    return any(kind.__name__ in _FAULTS for kind in type(wrong).__mro__)


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One transaction that holds the write lock from its beginning; whatever is raised inside undoes it.

    Raises NotWritten where there is no room for it on the disk, or somebody else holds the lock for too long.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("COMMIT")
    except BaseException as wrong:
        if connection.in_transaction:  # of some errors SQLite itself has undone all of it by now
            connection.execute("ROLLBACK")
        if isinstance(wrong, sqlite3.DatabaseError) and is_outage(wrong):
            raise NotWritten(_not_written(_path(connection), wrong)) from wrong
        raise


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


def _not_written(path: Path | str, wrong: sqlite3.DatabaseError) -> str:
    return f"{path} could not be written: {wrong} ({wrong.sqlite_errorname})"


def _path(connection: sqlite3.Connection) -> str:
    return str(connection.execute("PRAGMA database_list").fetchone()[2])
