"""The tables of the projections in SQLite, and the positions they have reached.

The tables of generation 7 are called `promises__7`; readers use the SQL view `promises`, which shows the generation
that is live. Swapping a rebuilt projection in is replacing that SQL view, in one transaction.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path

import msgspec

from consumers.ports import Built, Fenced
from infra.failpoint import failpoint
from infra.sqlite.connect import check_version, connect, writing
from projections.fold import Column, Key, Pending, Projection, Sums, Table, Values

SCHEMA = 1
FILE = "views.sqlite"
ANEW = f"stop what serves, then delete {FILE}, {FILE}-wal and {FILE}-shm: all views are built anew from the record"
"""What to do about views that are of no use: nothing in them is lost, since the record alone says it."""

_TABLES = """
CREATE TABLE IF NOT EXISTS projections (
    generation INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    policy_hash TEXT NOT NULL,
    position INTEGER NOT NULL,
    live INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS stale (party TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS parties (
    party TEXT PRIMARY KEY,
    kind TEXT,
    grade TEXT NOT NULL,
    score_micro INTEGER NOT NULL,
    lower_micro INTEGER NOT NULL,
    upper_micro INTEGER NOT NULL,
    mass_micro INTEGER NOT NULL,
    in_them_lower_micro INTEGER NOT NULL,
    layer INTEGER NOT NULL,
    overdue_count INTEGER NOT NULL,
    open_incident_count INTEGER NOT NULL,
    last_at INTEGER,
    scored_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS parties_by_trust ON parties (lower_micro, party);
CREATE INDEX IF NOT EXISTS parties_by_layer ON parties (layer, party);
CREATE INDEX IF NOT EXISTS parties_by_overdue ON parties (overdue_count, party);
CREATE INDEX IF NOT EXISTS parties_by_scored_at ON parties (scored_at);
"""
_encode = msgspec.json.Encoder().encode


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
        with writing(connection):
            if check_version(connection, SCHEMA, what):
                for statement in _TABLES.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version={SCHEMA}")

    def close(self) -> None:
        """Give the file back."""
        self.connection.close()

    def built(self) -> list[Built]:
        """All that is built or being built."""
        return all_built(self.connection)

    def build(self, projection: Projection, policy_hash: str, *, live: bool) -> Built:
        """New, empty tables for a projection. Raises Fenced where there are tables that readers see already."""
        with writing(self.connection):
            if live and self._seen(projection.name):
                raise Fenced(f"{projection.name}: another projector has built it")
            row = self.connection.execute(
                "INSERT INTO projections (name, version, policy_hash, position, live) VALUES (?,?,?,0,?) RETURNING generation",
                (projection.name, projection.version, policy_hash, int(live)),
            ).fetchone()
            generation = int(row[0])
            for table in projection.tables:
                for statement in _create(table, generation):
                    self.connection.execute(statement)
            if live:
                self._show(projection, generation)
            failpoint("inside_build")
        return Built(projection.name, projection.version, policy_hash, generation, 0, live)

    def write(self, changes: Sequence[tuple[Built, Projection, Pending]], reached: int, parties: Iterable[str]) -> None:
        """Apply the changes and move the positions to `reached`, in one transaction. Raises Fenced."""
        failpoint("before_views")
        with writing(self.connection):
            for built_, projection, pending in changes:
                moved = self.connection.execute(
                    "UPDATE projections SET position = ? WHERE generation = ? AND position = ?",
                    (reached, built_.generation, built_.position),
                )
                if moved.rowcount != 1:
                    raise Fenced(f"{built_.name}: another projector has moved it from position {built_.position}")
                for table in projection.tables:
                    if table.sums:
                        self._add(table, built_.generation, pending.sums[table.name])
                    else:
                        self._put(table, built_.generation, pending.rows[table.name])
            self.connection.executemany("INSERT OR IGNORE INTO stale VALUES (?)", [(party,) for party in sorted(parties)])
            failpoint("inside_views" if all(each.live for each, _, _ in changes) else "inside_rebuild")
        failpoint("after_views")

    def digest(self, built: Built, projection: Projection) -> str:
        """sha256 over all that the tables hold, in the order of their keys, without what depends on arrival."""
        return digest(self.connection, built, projection)

    def go_live(self, built: Built, projection: Projection) -> None:
        """Let readers see these tables from now on, and drop those they saw before. Raises Fenced."""
        failpoint("before_swap")
        with writing(self.connection):
            former = self._seen(built.name)
            moved = self.connection.execute(
                "UPDATE projections SET live = 1 WHERE generation = ? AND position = ? AND live = 0",
                (built.generation, built.position),
            )
            if moved.rowcount != 1:
                raise Fenced(f"{built.name}: another projector has moved it from position {built.position}")
            self._show(projection, built.generation)
            for generation in former:
                self._drop(generation)
            self.connection.execute("INSERT OR IGNORE INTO stale SELECT party FROM parties")
            failpoint("inside_swap")
        failpoint("after_swap")

    def discard(self, built: Built, projection: Projection) -> None:
        """Drop tables that were being built. Raises Fenced where readers see them by now."""
        with writing(self.connection):
            if built.generation in self._seen(built.name):
                raise Fenced(f"{built.name}: another projector has let readers see it")
            self._drop(built.generation)

    def _seen(self, name: str) -> list[int]:
        """The generations of a projection that readers see: one, or none yet."""
        rows = self.connection.execute("SELECT generation FROM projections WHERE name = ? AND live = 1", (name,))
        return [generation for (generation,) in rows]

    def _show(self, projection: Projection, generation: int) -> None:
        for table in projection.tables:
            self.connection.execute(f"DROP VIEW IF EXISTS {table.name}")
            self.connection.execute(f"CREATE VIEW {table.name} AS SELECT * FROM {table.name}__{generation}")

    def _drop(self, generation: int) -> None:
        tables = self.connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE ? ESCAPE '!'", (f"%!_!_{generation}",)
        ).fetchall()
        for (name,) in tables:
            self.connection.execute(f"DROP TABLE {name}")
        self.connection.execute("DELETE FROM projections WHERE generation = ?", (generation,))

    def _add(self, table: Table, generation: int, deltas: dict[Key, Sums]) -> None:
        self.connection.create_function("wide_sum", 2, _wide_sum, deterministic=True)
        add, clear = _statements(table, generation)
        wide = [column.type == "WIDE" for column in table.values]
        rows = [
            (*key, *(str(value) if large else value for value, large in zip(delta, wide, strict=True)))
            for key, delta in deltas.items()
            if any(delta)
        ]
        self.connection.executemany(add, rows)
        self.connection.executemany(clear, [key for key, delta in deltas.items() if min(delta) < 0])

    def _put(self, table: Table, generation: int, rows: dict[Key, Values | None]) -> None:
        put, delete = _statements(table, generation)
        self.connection.executemany(delete, [key for key, row in rows.items() if row is None])
        self.connection.executemany(put, [(*key, *row) for key, row in rows.items() if row is not None])


def all_built(connection: sqlite3.Connection) -> list[Built]:
    """All that is built or being built, by name."""
    rows = connection.execute(
        "SELECT name, version, policy_hash, generation, position, live FROM projections ORDER BY name, generation"
    )
    return [
        Built(name, version, policy, number, position, bool(live)) for name, version, policy, number, position, live in rows
    ]


def digest(connection: sqlite3.Connection, built: Built, projection: Projection) -> str:
    """sha256, in hex, over the rows of a projection's tables, in the order of their keys."""
    hashed = sha256()
    for table in projection.tables:
        columns = [column.name for column in (*table.key, *table.values) if column.in_digest]
        order = ", ".join(column.name for column in table.key)
        hashed.update(f"{table.name}({', '.join(columns)})\n".encode())
        rows = connection.execute(
            f"SELECT {', '.join(map(_quoted, columns))} FROM {table.name}__{built.generation} ORDER BY {order}"
        )
        for row in rows:
            hashed.update(_encode(row))
    return hashed.hexdigest()


def _create(table: Table, generation: int) -> list[str]:
    name = f"{table.name}__{generation}"
    key = ", ".join(column.name for column in table.key)
    columns = ", ".join(_declared(column) for column in (*table.key, *table.values))
    statements = [f"CREATE TABLE {name} ({columns}, PRIMARY KEY ({key})) WITHOUT ROWID"]
    for number, indexed in enumerate(table.indexes):
        statements.append(f"CREATE INDEX {name}_{number} ON {name} ({indexed})")
    return statements


def _declared(column: Column) -> str:
    return f"{_quoted(column.name)} {'TEXT' if column.type == 'WIDE' else column.type}"


def _quoted(name: str) -> str:
    return f'"{name}"'


def _statements(table: Table, generation: int) -> tuple[str, str]:
    """How a row is written, and how it is taken away: where values add up, they are added, and it goes when all are 0."""
    name = f"{table.name}__{generation}"
    keys, values = ([_quoted(column.name) for column in columns] for columns in (table.key, table.values))
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
