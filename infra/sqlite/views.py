"""The tables of the projections in SQLite, and the positions they have reached.

The tables of generation 7 are called `promises__7`; readers use the SQL view `promises`, which shows the generation
that is live. Swapping a rebuilt projection in is replacing that SQL view, in one transaction.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import call
from pathlib import Path

from consumers.ports import Built, Fenced, Move, Reached
from infra.failpoint import failpoint
from infra.sqlite.connect import check_version, connect, writing
from infra.sqlite.ranked import SQLiteRanked
from infra.sqlite.reader import SQLiteReader
from infra.tables import PARTIES, Types, all_built, declared, digests, generation_of, quoted
from projections.fold import Key, Projection, Sums, Table, Values

SCHEMA = 2
FILE = "views.sqlite"
ANEW = f"stop what serves, then delete {FILE}, {FILE}-wal and {FILE}-shm: all views are built anew from the record"
"""What to do about views that are of no use: nothing in them is lost, since the record alone says it."""

_TABLES = """
CREATE TABLE IF NOT EXISTS projections (
    generation INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    policy_hash TEXT NOT NULL,
    live INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS reached (
    generation INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    position INTEGER NOT NULL,
    next_offset INTEGER NOT NULL,
    entry_count INTEGER NOT NULL,
    PRIMARY KEY (generation, partition)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stale (party TEXT PRIMARY KEY) WITHOUT ROWID;
"""
_ENDING = " WITHOUT ROWID"
_TYPES: Types = {"TEXT": "TEXT", "INTEGER": "INTEGER", "WIDE": "TEXT"}


def open_views(home: Path) -> "SQLiteViews":
    """The views in this folder, to be written; made where there are none yet."""
    connection = connect(home / FILE)
    # What a power failure takes from the views is folded again from the record: no commit of theirs waits for the disk.
    connection.execute("PRAGMA synchronous=NORMAL")
    return SQLiteViews(connection, str(home / FILE))


def in_memory() -> "SQLiteViews":
    """Views that are gone when they are closed: for answers about the past."""
    return SQLiteViews(connect(":memory:"), "memory")


class SQLiteViews:
    """The port Views on one SQLite connection. One thread at a time."""

    def __init__(self, connection: sqlite3.Connection, what: str) -> None:
        self.connection = connection
        self.reader = SQLiteReader(connection)
        """Reads what was written."""
        self.ranked = SQLiteRanked(connection)
        """Keeps the table `parties` beside the views."""
        connection.create_function("wide_sum", 2, _wide_sum, deterministic=True)
        with writing(connection):
            if check_version(connection, SCHEMA, what):
                for statement in (*_TABLES.split(";"), *declared(PARTIES, PARTIES.name, _TYPES, _ENDING)):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version={SCHEMA}")

    def close(self) -> None:
        """Give the file back."""
        self.connection.close()

    def built(self) -> list[Built]:
        """All that is built or being built."""
        return all_built(self.reader)

    def build(self, projection: Projection, policy_hash: str, partitions: Sequence[int], *, live: bool) -> Built:
        """New, empty tables for a projection, or those that are being built already. Raises Fenced."""
        with writing(self.connection):
            begun = [each for each in self.built() if each[:3] == (projection.name, projection.version, policy_hash)]
            for each in begun:
                if not each.live and {*each.reached} == {*partitions}:
                    return each
            if live and self._seen(projection.name):
                raise Fenced(f"{projection.name}: another projector has built it")
            row = self.connection.execute(
                "INSERT INTO projections (name, version, policy_hash, live) VALUES (?,?,?,?) RETURNING generation",
                (projection.name, projection.version, policy_hash, int(live)),
            ).fetchone()
            generation, nothing = int(row[0]), dict.fromkeys(partitions, Reached())
            self.connection.executemany(
                "INSERT INTO reached VALUES (?,?,?,?,?)", [(generation, each, *nothing[each]) for each in partitions]
            )
            for table in projection.tables:
                for statement in declared(table, generation_of(table, generation), _TYPES, _ENDING):
                    self.connection.execute(statement)
            if live:
                self._show(projection, generation)
            failpoint("inside_build")
        return Built(projection.name, projection.version, policy_hash, generation, live, nothing)

    def write(self, moves: Sequence[Move], parties: Iterable[str]) -> None:
        """Apply the changes and move the partitions, in one transaction. Raises Fenced."""
        failpoint("before_views")
        with writing(self.connection):
            for move in moves:
                self._reach(move)
                for table in move.projection.tables:
                    if table.sums and (sums := move.pending.sums[table.name]):
                        self._add(table, move.built.generation, sums)
                    elif not table.sums and (rows := move.pending.rows[table.name]):
                        self._put(table, move.built.generation, rows)
            self.connection.executemany("INSERT OR IGNORE INTO stale VALUES (?)", ((party,) for party in sorted(parties)))
            failpoint("inside_views" if any(each.built.live for each in moves) else "inside_rebuild")
        failpoint("after_views")

    def digests(self, built: Sequence[tuple[Built, Projection]]) -> list[str]:
        """sha256 over all that the tables hold, of all of them from one state. Raises Fenced where one is behind the other."""
        return digests(self.reader, built)

    def go_live(self, built: Built, projection: Projection, seen: Built | None) -> None:
        """Let readers see these tables from now on, and drop those they saw before. Raises Fenced."""
        failpoint("before_swap")
        with writing(self.connection):
            former = self._seen(built.name)
            if seen is not None and former != [seen.generation]:
                raise Fenced(f"{built.name}: another projector has let readers see another one")
            behind = self.connection.execute(
                "SELECT 1 FROM reached b JOIN reached s USING (partition) "
                "WHERE b.generation = ? AND s.generation = ? AND b.position < s.position",
                (built.generation, -1 if seen is None else seen.generation),
            ).fetchone()
            shown = self.connection.execute(
                "UPDATE projections SET live = 1 WHERE generation = ? AND live = 0", (built.generation,)
            )
            if behind or shown.rowcount != 1:
                raise Fenced(f"{built.name}: another projector has moved on")
            self._show(projection, built.generation)
            for generation in former:
                self._drop(generation)
            self.connection.execute("INSERT OR IGNORE INTO stale SELECT party FROM parties")
            failpoint("inside_swap")
        failpoint("after_swap")

    def discard(self, built: Built) -> None:
        """Drop tables that were being built. Raises Fenced where readers see them by now."""
        with writing(self.connection):
            if built.generation in self._seen(built.name):
                raise Fenced(f"{built.name}: another projector has let readers see it")
            self._drop(built.generation)

    def _seen(self, name: str) -> list[int]:
        """The generations of a projection that readers see: one, or none yet."""
        rows = self.connection.execute("SELECT generation FROM projections WHERE name = ? AND live = 1", (name,))
        return [generation for (generation,) in rows]

    def _reach(self, move: Move) -> None:
        """Compare and set: a partition moves only from where it was when its entries were folded."""
        generation, before = move.built.generation, move.built.reached
        for partition, reached in move.reached.items():
            if reached == before[partition]:
                continue
            moved = self.connection.execute(
                "UPDATE reached SET position = ?, next_offset = ?, entry_count = ? "
                "WHERE generation = ? AND partition = ? AND position = ?",
                (*reached, generation, partition, before[partition].position),
            )
            if moved.rowcount != 1:
                raise Fenced(f"{move.built.name}: another projector has moved it from position {before[partition].position}")

    def _show(self, projection: Projection, generation: int) -> None:
        for table in projection.tables:
            self.connection.execute(f"DROP VIEW IF EXISTS {table.name}")
            self.connection.execute(f"CREATE VIEW {table.name} AS SELECT * FROM {generation_of(table, generation)}")

    def _drop(self, generation: int) -> None:
        tables = self.connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE ? ESCAPE '!'", (f"%!_!_{generation}",)
        ).fetchall()
        for (name,) in tables:
            self.connection.execute(f"DROP TABLE {name}")
        self.connection.execute("DELETE FROM reached WHERE generation = ?", (generation,))
        self.connection.execute("DELETE FROM projections WHERE generation = ?", (generation,))

    def _add(self, table: Table, generation: int, deltas: dict[Key, Sums]) -> None:
        add, clear = _statements(table, generation)
        kept_as = [str if column.type == "WIDE" else int for column in table.values]
        self.connection.executemany(add, ((*key, *map(call, kept_as, delta)) for key, delta in deltas.items() if any(delta)))
        self.connection.executemany(clear, (key for key, delta in deltas.items() if min(delta) < 0))

    def _put(self, table: Table, generation: int, rows: dict[Key, Values | None]) -> None:
        put, delete = _statements(table, generation)
        self.connection.executemany(delete, (key for key, row in rows.items() if row is None))
        self.connection.executemany(put, ((*key, *row) for key, row in rows.items() if row is not None))


@lru_cache
def _statements(table: Table, generation: int) -> tuple[str, str]:
    """How a row is written, and how it is taken away: where values add up, they are added, and it goes when all are 0."""
    name = generation_of(table, generation)
    keys, values = ([quoted(column.name) for column in columns] for columns in (table.key, table.values))
    where = " AND ".join(f"{key} = ?" for key in keys)
    marks = ", ".join("?" for _ in (*keys, *values))
    if not table.sums:
        return f"INSERT OR REPLACE INTO {name} VALUES ({marks})", f"DELETE FROM {name} WHERE {where}"
    plus = ["wide_sum({0}, excluded.{0})" if column.type == "WIDE" else "{0} + excluded.{0}" for column in table.values]
    added = ", ".join(f"{value} = {how.format(value)}" for value, how in zip(values, plus, strict=True))
    zero = " AND ".join(f"{value} IN (0, '0')" for value in values)
    return (
        f"INSERT INTO {name} VALUES ({marks}) ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {added}",
        f"DELETE FROM {name} WHERE {where} AND {zero}",
    )


def _wide_sum(one: str, other: str) -> str:
    return str(int(one) + int(other))
