"""The shadow views of a replay: a file of their own in the ledger's folder, wherever readers' views are.

What a replay has written when it is stopped is there for the next one, if that reads the same source.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from infra.sqlite.connect import connect, writing
from infra.sqlite.views import SCHEMA, SQLiteViews

FILE = "replay.sqlite"
DIFFERS = "replay-differs.sqlite"
"""Where the tables are kept that came out otherwise than what readers see."""


def open_shadow(home: Path, source: str, *, anew: bool) -> SQLiteViews:
    """The shadow of a replay from this source, as far as an earlier one had come, unless it is to begin anew."""
    path = home / FILE
    if anew or _source(path) != source:
        _remove(path)
    connection = connect(path)
    connection.execute("PRAGMA synchronous=NORMAL")
    views = SQLiteViews(connection, str(path))
    with writing(connection):
        connection.execute("CREATE TABLE IF NOT EXISTS replayed (source TEXT PRIMARY KEY) WITHOUT ROWID")
        connection.execute("INSERT OR IGNORE INTO replayed VALUES (?)", (source,))
    return views


def end(home: Path, *, keep: bool) -> Path | None:
    """Let the next replay begin anew, the shadow being closed. Where it is kept to be looked at, if it is to be kept."""
    if not keep:
        _remove(home / FILE)
        return None
    _remove(home / DIFFERS)
    return (home / FILE).replace(home / DIFFERS)


def _remove(path: Path) -> None:
    """Remove a file of SQLite's; first what SQLite would otherwise write into a new one."""
    for ending in ("-wal", "-shm", ""):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _source(path: Path) -> str | None:
    """What a shadow was replayed from; None where there is none, or nothing that this version can go on with."""
    if not path.exists():
        return None
    try:
        with closing(connect(path)) as connection:
            if connection.execute("PRAGMA user_version").fetchone()[0] != SCHEMA:
                return None
            row = connection.execute("SELECT source FROM replayed").fetchone()
    except sqlite3.DatabaseError:
        return None
    return None if row is None else str(row[0])
