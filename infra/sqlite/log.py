"""The ledger's record in SQLite: entries, refusals and marks, written together or not at all."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
from eventsourcing.persistence import IntegrityError, OperationalError
from eventsourcing.sqlite import SQLiteCursor, SQLiteDatastore

from consumers.ports import BrokenRecord, Clock, Conflict, Mark, MarkMoved, Name, NotWritten, Refused, Stored
from domain.entry import Entry
from infra.failpoint import failpoint
from infra.record import NoLedgerHere, fingerprint, not_before, storable, storable_ids, storable_names
from infra.sqlite.connect import check_version, connect, writing
from infra.sqlite.recorder import EntryRecorder, open_store

SCHEMA = 1
FILE = "ledger.sqlite"

_TABLES = """
CREATE TABLE ledger (name TEXT NOT NULL, created_at INTEGER NOT NULL);
CREATE TABLE marks (name TEXT PRIMARY KEY, reached TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE quarantine (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    fingerprint TEXT NOT NULL UNIQUE,
    reason TEXT NOT NULL,
    message TEXT NOT NULL,
    pointer TEXT NOT NULL,
    raw BLOB NOT NULL,
    origin TEXT NOT NULL,
    refused_at INTEGER NOT NULL,
    times INTEGER NOT NULL DEFAULT 1,
    status TEXT NOT NULL DEFAULT 'waiting',
    position INTEGER);
CREATE INDEX quarantine_by_status ON quarantine (status, number);
"""

_REFUSE = """
INSERT INTO quarantine (number, fingerprint, reason, message, pointer, raw, origin, refused_at)
SELECT COALESCE(MAX(number), 0) + 1, ?, ?, ?, ?, ?, ?, ? FROM quarantine WHERE true
ON CONFLICT (fingerprint) DO UPDATE SET times = times + 1
"""


def create(home: Path, name: str, now: int) -> None:
    """Make the folder and a new, empty record in it, unless there is one. Raises UnknownSchema."""
    home.mkdir(parents=True, exist_ok=True)
    connection = connect(home / FILE)
    try:
        with writing(connection):
            if not check_version(connection, SCHEMA, str(home / FILE)):
                return
            for statement in _TABLES.split(";"):
                connection.execute(statement)
            for statement in EntryRecorder(SQLiteDatastore(":memory:")).create_table_statements:
                connection.execute(statement)
            connection.execute("INSERT INTO ledger VALUES (?,?)", (name, now))
            connection.execute(f"PRAGMA user_version={SCHEMA}")
    finally:
        connection.close()


class SQLiteLog:
    """The port Log on one SQLite file. Safe to use from several threads and, by SQLite's own locks, from several processes."""

    def __init__(self, home: Path, clock: Clock) -> None:
        path = home / FILE
        if not path.exists():
            raise NoLedgerHere(f"there is no ledger in {home}")
        with closing(connect(path, read_only=True)) as connection:
            if check_version(connection, SCHEMA, str(path)):
                raise NoLedgerHere(f"there is no ledger in {home} yet")
            self.name: str = connection.execute("SELECT name FROM ledger").fetchone()[0]
        self.path = path
        self._clock = clock
        self._store = open_store(path)
        self._recorder = EntryRecorder(self._store)

    def close(self) -> None:
        """Give the file back."""
        self._store.close()

    def known(self, names: Sequence[Name]) -> Mapping[Name, Stored]:
        """The entries that record these reports, by (source, id)."""
        failpoint("batch_read")
        rows = self._select(
            "SELECT e.source, e.id, e.position, e.state FROM json_each(?) j JOIN stored_events e "
            "ON e.source = json_extract(j.value, '$[0]') AND e.id = json_extract(j.value, '$[1]')",
            _json(storable_names(names)),  # SQLite's JSON ends a text at NUL, and would find others
        )
        return {(source, ident): Stored(position, state) for source, ident, position, state in rows}

    def streams(self, ids: Sequence[str]) -> Mapping[str, list[bytes]]:
        """All entries of these streams, in the order of their versions."""
        found: dict[str, list[bytes]] = {}
        rows = self._select(
            "SELECT originator_id, state FROM stored_events WHERE originator_id IN (SELECT value FROM json_each(?)) "
            "ORDER BY originator_id, originator_version",
            _json(storable_ids(ids)),
        )
        for stream, state in rows:
            found.setdefault(stream, []).append(state)
        return found

    def of_party(self, party: str) -> list[Stored]:
        """All entries about a party, by position."""
        if not storable(party):
            return []
        rows = self._select("SELECT position, state FROM stored_events WHERE party = ? ORDER BY position", party)
        return [Stored(position, state) for position, state in rows]

    def positions(self, streams: Sequence[str]) -> list[tuple[str, int, int]]:
        """(stream, version, position) of every entry of these streams, by stream and version."""
        rows = self._select(
            "SELECT originator_id, originator_version, position FROM stored_events "
            "WHERE originator_id IN (SELECT value FROM json_each(?)) ORDER BY originator_id, originator_version",
            _json(storable_ids(streams)),
        )
        return [(stream, version, position) for stream, version, position in rows]

    def at(self, positions: Sequence[int]) -> list[Stored]:
        """The entries at these positions, as far as there are any, by position."""
        rows = self._select(
            "SELECT position, state FROM stored_events WHERE position IN (SELECT value FROM json_each(?)) ORDER BY position",
            _json(positions),
        )
        return [Stored(position, state) for position, state in rows]

    def page(self, start: int, limit: int) -> list[Stored]:
        """At most `limit` entries from `start` on. Raises BrokenRecord where one is missing, or `start` is past the end."""
        rows = self._select(
            "SELECT position, state FROM stored_events WHERE position >= ? ORDER BY position LIMIT ?", start, limit
        )
        if rows and (rows[0][0] != start or rows[-1][0] != start + len(rows) - 1):
            raise BrokenRecord(f"an entry is missing between positions {start} and {rows[-1][0]} of {self.path}")
        if not rows and start > self.end():
            raise BrokenRecord(f"{self.path} ends before position {start}, which was read from it before")
        return [Stored(position, state) for position, state in rows]

    def end(self) -> int:
        """The position that the next entry will get: how many entries there are."""
        return int(self._select("SELECT COALESCE(MAX(position) + 1, 0) FROM stored_events")[0][0])

    def count_by_kind(self) -> dict[str, int]:
        """How many entries there are of each kind, most frequent first."""
        rows = self._select("SELECT topic, COUNT(*) FROM stored_events GROUP BY topic ORDER BY 2 DESC, 1")
        return dict(rows)

    def mark(self, name: str) -> str | None:
        """How far the source of this name has been read."""
        rows = self._select("SELECT reached FROM marks WHERE name = ?", name)
        return rows[0][0] if rows else None

    def append(self, entries: Sequence[tuple[Entry, bytes]], refused: Sequence[Refused], mark: Mark | None) -> Sequence[Stored]:
        """Record entries, refusals and mark in one transaction; return the entries as stored. Raises Conflict or NotWritten."""
        failpoint("before_append")
        try:
            with self._writing() as cursor:
                timed = not_before(self._recorder.last_state(cursor), entries)
                first = self._recorder.insert_entries(cursor, timed)
                cursor.executemany(_REFUSE, [(*_fingerprinted(each), self._clock()) for each in refused])
                if mark is not None:
                    _move(cursor, mark)
                failpoint("inside_append")
        except IntegrityError as taken:
            raise Conflict("a stream or a report's name was taken in between") from taken
        except OperationalError as wrong:
            raise NotWritten(f"the record in {self.path.parent} could not be written: {wrong}") from wrong
        # From here on the batch is on the record: whatever happens next, the same reports get the same receipts.
        failpoint("after_append")
        return [Stored(position, state) for position, (_, state) in enumerate(timed, first)]

    @contextmanager
    def _writing(self) -> Iterator[SQLiteCursor]:
        # The first statement takes the write lock, so that the highest position cannot move under us.
        with self._store.transaction(commit=True) as cursor:
            cursor.execute("DELETE FROM marks WHERE name = ''")
            yield cursor

    def _select(self, statement: str, *parameters: object) -> list[Any]:
        with self._store.transaction(commit=False) as cursor:
            cursor.execute(statement, parameters)
            return [tuple(row) for row in cursor.fetchall()]


def _json(values: Sequence[object]) -> str:
    return msgspec.json.encode(values).decode()


def _fingerprinted(refused: Refused) -> tuple[str, str, str, str, bytes, str]:
    told_apart_by = fingerprint(refused.reason, refused.raw)
    return told_apart_by, refused.reason, refused.message, refused.pointer, refused.raw, refused.origin


def _move(cursor: SQLiteCursor, mark: Mark) -> None:
    """Compare and set: the mark moves only from where the batch began."""
    cursor.execute("SELECT reached FROM marks WHERE name = ?", (mark.name,))
    row = cursor.fetchone()
    if (row[0] if row else None) != mark.before:
        raise MarkMoved(f"the mark {mark.name} was moved by somebody else")
    cursor.execute("INSERT OR REPLACE INTO marks VALUES (?,?)", (mark.name, mark.after))
