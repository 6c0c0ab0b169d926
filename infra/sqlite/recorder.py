"""The event-sourcing library's recorder, with what the ledger adds: dense positions, parties, report names.

The position is the table's own rowid, given by us under the write lock: nothing burns a number and none is given out again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventsourcing.sqlite import (
    SQLiteApplicationRecorder,
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteCursor,
    SQLiteDatastore,
)

from infra.sqlite.connect import BUSY_SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from domain.entry import Entry


CACHE_KIB = 16_384
"""How much of the file a connection keeps in memory at the most: a batch touches more than SQLite's own two megabytes."""
LOG_PAGES = 16_384
"""How long the write-ahead log becomes (64 MB) before it is carried over into the file: a batch of many streams changes a
page or two for each entry, mostly the same ones as the batch before it."""


class DurablePool(SQLiteConnectionPool):
    """The library's connections, told to be on the disk when they say so, whatever this machine's SQLite was built to do."""

    def _create_connection(self) -> SQLiteConnection:
        connection = super()._create_connection()
        connection.cursor().execute("PRAGMA synchronous=FULL")
        connection.cursor().execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        connection.cursor().execute(f"PRAGMA wal_autocheckpoint={LOG_PAGES}")
        return connection


def open_store(path: Path) -> SQLiteDatastore:
    """The library's store on this file. Threads wait for each other as long as processes do."""
    store = SQLiteDatastore(str(path), originator_id_type="text")
    store.pool = DurablePool(db_name=str(path), lock_timeout=int(BUSY_SECONDS), pool_timeout=BUSY_SECONDS)
    return store


class EntryRecorder(SQLiteApplicationRecorder):
    """Stores entries. The notification id of the library is the position of the ledger, from 0."""

    def construct_create_table_statements(self) -> list[str]:
        """The table of entries; its columns are part of the storage format."""
        return [
            f"""CREATE TABLE IF NOT EXISTS {self.events_table_name} (
                position INTEGER PRIMARY KEY,
                originator_id TEXT NOT NULL,
                originator_version INTEGER NOT NULL,
                topic TEXT NOT NULL,
                state BLOB NOT NULL,
                party TEXT NOT NULL,
                source TEXT NOT NULL,
                id TEXT NOT NULL,
                UNIQUE (originator_id, originator_version),
                UNIQUE (source, id))""",
            f"CREATE INDEX IF NOT EXISTS entries_of_party ON {self.events_table_name} (party)",
        ]

    def next_position(self, cursor: SQLiteCursor) -> int:
        """The position that the next entry gets. Ask it under the write lock only."""
        cursor.execute(f"SELECT COALESCE(MAX(position) + 1, 0) FROM {self.events_table_name}")
        return int(cursor.fetchone()[0])

    def last_state(self, cursor: SQLiteCursor) -> bytes | None:
        """The bytes of the last entry, or None where there is none. Ask it under the write lock only."""
        cursor.execute(f"SELECT state FROM {self.events_table_name} ORDER BY position DESC LIMIT 1")
        row = cursor.fetchone()
        return None if row is None else bytes(row[0])

    def insert_entries(self, c: SQLiteCursor, entries: Sequence[tuple[Entry, bytes]]) -> int:
        """Insert entries in a transaction that holds the write lock; return the first one's position."""
        first = self.next_position(c)
        rows = [
            (position, each.stream, each.version, each.kind, state, each.party, each.source, each.id)
            for position, (each, state) in enumerate(entries, first)
        ]
        c.executemany(f"INSERT INTO {self.events_table_name} VALUES (?,?,?,?,?,?,?,?)", rows)
        return first
