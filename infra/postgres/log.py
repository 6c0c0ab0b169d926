"""The ledger's record in PostgreSQL: entries, refusals and marks, written together or not at all."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import psycopg

from consumers.ports import BrokenRecord, Clock, Conflict, Mark, MarkMoved, Name, NotWritten, Refused, Stored, Unreachable
from domain.entry import Entry
from infra.failpoint import failpoint
from infra.postgres import quarantine, recorder
from infra.postgres.connect import Connection, check_encoding, connect, lock_key, writing
from infra.postgres.connections import Connections, plainly
from infra.record import NoLedgerHere, UnknownSchema, not_before, storable, storable_ids, storable_names

SCHEMA = 1

_TABLES = """
CREATE TABLE ledger (name text NOT NULL, created_at bigint NOT NULL, schema_version integer NOT NULL);
CREATE TABLE marks (name text COLLATE "C" PRIMARY KEY, reached text NOT NULL)
"""


def create(url: str, name: str, now: int) -> None:
    """Make the ledger's schema and a new, empty record in it, unless there is one.

    Raises UnknownSchema, NoLedgerHere where it may not be made, or Unfit where the database cannot hold every text.
    """
    with plainly(name), closing(connect(url, name)) as connection:
        try:
            with writing(connection, lock_key(name, "making")):
                if _there_is(connection, name):
                    return
                check_encoding(connection)
                if connection.execute("SELECT to_regnamespace(quote_ident(%s))", (name,)).fetchone() == (None,):
                    connection.execute(f'CREATE SCHEMA "{name}"'.encode())
                for statement in (*recorder.TABLES.split(";"), *quarantine.TABLES.split(";"), *_TABLES.split(";")):
                    connection.execute(statement.encode())
                connection.execute("INSERT INTO ledger VALUES (%s, %s, %s)", (name, now, SCHEMA))
        except psycopg.errors.InsufficientPrivilege:
            raise NoLedgerHere(
                f"no ledger {name} can be made in the database {connection.info.dbname}: its user may not make schemas there; "
                f"let its owner make the schema {name} and give it to that user"
            ) from None


class PostgresLog:
    """The port Log, and the protocol Record, on one schema of a PostgreSQL database. Any thread, any number of processes."""

    def __init__(self, url: str, name: str, clock: Clock) -> None:
        self.name: str = name
        self._clock = clock
        self._lock = lock_key(name, "record")
        self._connections = Connections(url, name)
        with plainly(name), closing(connect(url, name)) as connection:
            if not _there_is(connection, name):
                raise NoLedgerHere(f"there is no ledger {name} in the database {connection.info.dbname}")

    def close(self) -> None:
        """Give the connections back."""
        self._connections.close()

    def known(self, names: Sequence[Name]) -> Mapping[Name, Stored]:
        """The entries that record these reports, by (source, id)."""
        failpoint("batch_read")
        asked = storable_names(names)
        rows = self._select(
            "SELECT e.source, e.id, e.position, e.state FROM unnest(%b::text[], %b::text[]) AS asked (source, id) "
            "JOIN stored_events e ON e.source = asked.source AND e.id = asked.id",
            [source for source, _ in asked],
            [ident for _, ident in asked],
        )
        return {(source, ident): Stored(position, state) for source, ident, position, state in rows}

    def streams(self, ids: Sequence[str]) -> Mapping[str, list[bytes]]:
        """All entries of these streams, in the order of their versions."""
        found: dict[str, list[bytes]] = {}
        rows = self._select(
            "SELECT originator_id, state FROM stored_events WHERE originator_id = ANY(%b::text[]) "
            "ORDER BY originator_id, originator_version",
            list(storable_ids(ids)),
        )
        for stream, state in rows:
            found.setdefault(stream, []).append(state)
        return found

    def of_party(self, party: str) -> list[Stored]:
        """All entries about a party, by position."""
        if not storable(party):
            return []
        return self._stored("SELECT position, state FROM stored_events WHERE party = %b ORDER BY position", party)

    def positions(self, streams: Sequence[str]) -> list[tuple[str, int, int]]:
        """(stream, version, position) of every entry of these streams, by stream and version."""
        return self._select(
            "SELECT originator_id, originator_version, position FROM stored_events "
            "WHERE originator_id = ANY(%b::text[]) ORDER BY originator_id, originator_version",
            list(storable_ids(streams)),
        )

    def at(self, positions: Sequence[int]) -> list[Stored]:
        """The entries at these positions, as far as there are any, by position."""
        return self._stored(
            "SELECT position, state FROM stored_events WHERE position = ANY(%b::bigint[]) ORDER BY position", list(positions)
        )

    def page(self, start: int, limit: int) -> list[Stored]:
        """At most `limit` entries from `start` on. Raises BrokenRecord where one is missing, or `start` is past the end."""
        page = self._stored(
            "SELECT position, state FROM stored_events WHERE position >= %b ORDER BY position LIMIT %b", start, limit
        )
        if page and (page[0].position != start or page[-1].position != start + len(page) - 1):
            raise BrokenRecord(f"an entry is missing between positions {start} and {page[-1].position} of {self.name}")
        if not page and start > self.end():
            raise BrokenRecord(f"the record of {self.name} ends before position {start}, which was read from it before")
        return page

    def end(self) -> int:
        """The position that the next entry will get: how many entries there are."""
        return int(self._select("SELECT COALESCE(MAX(position) + 1, 0) FROM stored_events")[0][0])

    def count_by_kind(self) -> dict[str, int]:
        """How many entries there are of each kind, most frequent first."""
        return dict(self._select("SELECT topic, COUNT(*) FROM stored_events GROUP BY topic ORDER BY 2 DESC, 1"))

    def mark(self, name: str) -> str | None:
        """How far the source of this name has been read."""
        rows = self._select("SELECT reached FROM marks WHERE name = %b", name)
        return rows[0][0] if rows else None

    def append(self, entries: Sequence[tuple[Entry, bytes]], refused: Sequence[Refused], mark: Mark | None) -> Sequence[Stored]:
        """Record entries, refusals and mark in one transaction; return the entries as stored. Raises Conflict or NotWritten."""
        failpoint("before_append")
        try:
            with self._connections.lent() as connection, writing(connection, self._lock):
                first, last = recorder.last(connection)
                timed = not_before(last, entries)
                recorder.insert_entries(connection, first, timed)
                quarantine.refuse(connection, refused, self._clock())
                if mark is not None:
                    _move(connection, mark)
                failpoint("inside_append")
        except psycopg.errors.UniqueViolation:
            raise Conflict("a stream or a report's name was taken in between") from None
        except Unreachable as away:
            raise NotWritten(f"the record could not be written: {away}") from None
        # From here on the batch is on the record: whatever happens next, the same reports get the same receipts.
        failpoint("after_append")
        return [Stored(position, state) for position, (_, state) in enumerate(timed, first)]

    def _stored(self, statement: str, *parameters: object) -> list[Stored]:
        return [Stored(position, state) for position, state in self._select(statement, *parameters)]

    def _select(self, statement: str, *parameters: object) -> list[Any]:
        with self._connections.lent() as connection:
            return connection.execute(statement.encode(), parameters, binary=True).fetchall()


def schema_version(connection: Connection) -> int | None:
    """Which form the record in the connection's schema has, or None where there is none."""
    if connection.execute("SELECT to_regclass('ledger')").fetchone() == (None,):
        return None
    row = connection.execute("SELECT schema_version FROM ledger").fetchone()
    return None if row is None else int(row[0])


def _there_is(connection: Connection, name: str) -> bool:
    """Whether there is a record. Raises UnknownSchema where it was written under another schema version."""
    found = schema_version(connection)
    if found not in (None, SCHEMA):
        raise UnknownSchema(
            f"the ledger {name} in the database {connection.info.dbname} has schema version {found}, and this troth reads "
            f"version {SCHEMA}: use the version of troth that wrote it, or import into another TROTH_LEDGER"
        )
    return found is not None


def _move(connection: Connection, mark: Mark) -> None:
    """Compare and set: the mark moves only from where the batch began."""
    if mark.before is None:
        moved = connection.execute("INSERT INTO marks VALUES (%s, %s) ON CONFLICT DO NOTHING", (mark.name, mark.after))
    else:
        moved = connection.execute(
            "UPDATE marks SET reached = %s WHERE name = %s AND reached = %s", (mark.after, mark.name, mark.before)
        )
    if moved.rowcount != 1:
        raise MarkMoved(f"the mark {mark.name} was moved by somebody else")
