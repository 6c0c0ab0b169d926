"""The tables of the projections in PostgreSQL, and how far each partition has been folded into them.

As in SQLite, the tables of generation 7 are called `promises__7`, and readers use the SQL view `promises`, which shows the
generation that is live. Several processes may write at once, each its own partitions, and add to the same sums. All of them
take locks in one order, so that none waits for another that waits for it: the partitions of each generation (the fence), the
parties that are stale, the rows of each table by key; what all of them add to comes last, and is held for the shortest time.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from itertools import count
from threading import Event

import psycopg

from consumers.ports import Built, Fenced, Move, Reached
from infra.failpoint import failpoint
from infra.postgres import ranked, rows, shown
from infra.postgres.connect import Connection, connect, lock_key, writing
from infra.postgres.connections import Connections, plainly
from infra.postgres.ranked import PostgresRanked
from infra.postgres.reader import InTransaction, PostgresReader
from infra.record import NoLedgerHere, UnknownSchema
from infra.tables import PARTIES, Types, all_built, declared, digests, generation_of
from projections.fold import Projection, Table

SCHEMA = 1
SWAP_SECONDS = 20.0
"""For how long a swap is tried while readers hold on to what they see."""
PAUSE_SECONDS = 0.25
"""How long readers may come by between two tries."""
PATIENT_EVERY = 4
"""Which tries wait so long that a vacuum gives way."""

_TABLES = """
CREATE TABLE views (schema_version integer NOT NULL);
CREATE TABLE projections (
    generation bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    policy_hash text COLLATE "C" NOT NULL,
    live bigint NOT NULL);
CREATE TABLE reached (
    generation bigint NOT NULL,
    partition bigint NOT NULL,
    position bigint NOT NULL,
    next_offset bigint NOT NULL,
    entry_count bigint NOT NULL,
    PRIMARY KEY (generation, partition))
"""
_TYPES: Types = {"TEXT": 'text COLLATE "C"', "INTEGER": "bigint", "WIDE": "numeric"}
_ALL = (
    "SELECT generation, partition, position FROM reached WHERE generation = ANY(%s) ORDER BY generation, partition FOR UPDATE"
)
_MINE = """
SELECT position FROM reached JOIN unnest(%s::bigint[], %s::bigint[]) AS mine (generation, partition)
USING (generation, partition) ORDER BY generation, partition FOR UPDATE OF reached
"""
_REACH = """
UPDATE reached SET position = given.position, next_offset = given.next_offset, entry_count = given.entry_count
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
    AS given (generation, partition, position, next_offset, entry_count)
WHERE reached.generation = given.generation AND reached.partition = given.partition
"""


def open_views(url: str, ledger: str) -> "PostgresViews":
    """The views in the ledger's schema, to be written; made where there are none yet.

    Raises NoLedgerHere where there is no such schema, UnknownSchema, or Unreachable.
    """
    with plainly(ledger), closing(connect(url, ledger)) as connection:
        if connection.execute("SELECT current_schema()").fetchone() != (ledger,):
            raise NoLedgerHere(f"there is no ledger {ledger} in the database {connection.info.dbname}")
        with writing(connection, lock_key(ledger, "views")):
            if schema_version(connection) is None:
                for statement in (*_TABLES.split(";"), *ranked.TABLES.split(";"), *declared(PARTIES, PARTIES.name, _TYPES)):
                    connection.execute(statement.encode())
                connection.execute("INSERT INTO views VALUES (%s)", (SCHEMA,))
            elif (found := schema_version(connection)) != SCHEMA:
                raise UnknownSchema(
                    f"the views of the ledger {ledger} have schema version {found}, and this troth reads version {SCHEMA}: "
                    "use the version of troth that wrote them"
                )
    return PostgresViews(url, ledger)


def schema_version(connection: Connection) -> int | None:
    """Which form the views in the connection's schema have, or None where there are none."""
    if connection.execute("SELECT to_regclass('views')").fetchone() == (None,):
        return None
    row = connection.execute("SELECT schema_version FROM views").fetchone()
    return None if row is None else int(row[0])


class PostgresViews:
    """The port Views on one schema of a PostgreSQL database. One thread at a time, any number of processes."""

    def __init__(self, url: str, ledger: str) -> None:
        self.connections = Connections(url, ledger, _ready)
        self._lock = lock_key(ledger, "views")
        self.reader = PostgresReader(url, ledger)
        """Reads what was written."""
        self.ranked = PostgresRanked(self.connections)
        """Keeps the table `parties` beside the views."""

    def close(self) -> None:
        """Give the connections back."""
        self.reader.close()
        self.connections.close()

    def built(self) -> list[Built]:
        """All that is built or being built."""
        return all_built(self.reader)

    def build(self, projection: Projection, policy_hash: str, partitions: Sequence[int], *, live: bool) -> Built:
        """New, empty tables for a projection, or those that are being built already. Raises Fenced."""
        with self.connections.lent() as connection, writing(connection, self._lock):
            begun = (projection.name, projection.version, policy_hash, False, {*partitions})
            for each in all_built(InTransaction(connection)):
                if (*each[:3], each.live, {*each.reached}) == begun:
                    return each
            if live and _seen(connection, projection.name):
                raise Fenced(f"{projection.name}: another projector has built it")
            shown.sweep(connection)
            generation, nothing = _new(connection, projection, policy_hash, live), dict.fromkeys(partitions, Reached())
            for partition in partitions:
                connection.execute("INSERT INTO reached VALUES (%s, %s, 0, 0, 0)", (generation, partition))
            for table in projection.tables:
                for statement in declared(table, generation_of(table, generation), _TYPES):
                    connection.execute(statement.encode())
            if live:
                shown.show(connection, projection, generation)
            failpoint("inside_build")
        return Built(projection.name, projection.version, policy_hash, generation, live, nothing)

    def write(self, moves: Sequence[Move], parties: Iterable[str]) -> None:
        """Apply the changes and move the partitions, in one transaction. Raises Fenced."""
        failpoint("before_views")
        ordered = sorted(moves, key=lambda move: move.built.generation)
        with self.connections.lent() as connection, writing(connection):
            _reach(connection, ordered)
            ranked.mark_stale(connection, sorted(parties))
            for table, move in _least_shared_first(ordered):
                name = generation_of(table, move.built.generation)
                if table.sums:
                    rows.add(connection, table, name, move.pending.sums[table.name])
                else:
                    rows.put(connection, table, name, move.pending.rows[table.name])
            failpoint("inside_views" if any(each.built.live for each in moves) else "inside_rebuild")
        failpoint("after_views")

    def digests(self, built: Sequence[tuple[Built, Projection]]) -> list[str]:
        """sha256 over all that the tables hold, of all of them from one state. Raises Fenced where one is behind the other."""
        return digests(self.reader, built)

    def go_live(self, built: Built, projection: Projection, seen: Built | None) -> None:
        """Let readers see these tables from now on, and drop those they saw before. Raises Fenced, or Unfit."""
        failpoint("before_swap")
        with self.connections.lent() as connection:
            ends, tries = time.monotonic() + SWAP_SECONDS, count(1)
            while not self._swap(connection, built, projection, seen, next(tries)):
                if time.monotonic() > ends:
                    raise Fenced(f"{built.name}: readers have held on to what they see; it is swapped in another time")
                Event().wait(PAUSE_SECONDS)
        failpoint("after_swap")

    def discard(self, built: Built) -> None:
        """Drop tables that were being built. Raises Fenced where readers see them by now."""
        with self.connections.lent() as connection, writing(connection, self._lock):
            if built.generation in _seen(connection, built.name):
                raise Fenced(f"{built.name}: another projector has let readers see it")
            _positions(connection, [built.generation])  # whoever writes there is waited for, and fenced off from then on
            connection.execute("DELETE FROM projections WHERE generation = %s", (built.generation,))
            shown.sweep(connection)

    def _swap(self, connection: Connection, built: Built, projection: Projection, seen: Built | None, tried: int) -> bool:
        """One try; whether readers let it."""
        with suppress(psycopg.errors.LockNotAvailable), writing(connection, self._lock):
            former = _seen(connection, built.name)
            if seen is not None and former != [seen.generation]:
                raise Fenced(f"{built.name}: another projector has let readers see another one")
            positions = _positions(connection, [built.generation, *former])
            of_seen = positions.get(seen.generation, {}) if seen is not None else {}
            behind = any(positions.get(built.generation, {}).get(p, 0) < position for p, position in of_seen.items())
            shown.hold_readers(connection, projection, patient=tried % PATIENT_EVERY == 0)
            live = connection.execute("UPDATE projections SET live = 1 WHERE generation = %s AND live = 0", (built.generation,))
            if behind or live.rowcount != 1:
                raise Fenced(f"{built.name}: another projector has moved on")
            shown.show(connection, projection, built.generation)
            connection.execute("DELETE FROM projections WHERE generation = ANY(%s)", (former,))
            shown.sweep(connection)
            ranked.mark_swapped(connection)
            failpoint("inside_swap")
            return True
        return False


def _ready(connection: Connection) -> None:
    # What a crash of the server takes from the views is folded again from the record: no commit of theirs waits for the disk.
    connection.execute("SET synchronous_commit TO off")


def _seen(connection: Connection, name: str) -> list[int]:
    """The generations of a projection that readers see: one, or none yet."""
    found = connection.execute("SELECT generation FROM projections WHERE name = %s AND live = 1", (name,))
    return [generation for (generation,) in found]


def _new(connection: Connection, projection: Projection, policy_hash: str, live: bool) -> int:
    row = connection.execute(
        "INSERT INTO projections (name, version, policy_hash, live) VALUES (%s, %s, %s, %s) RETURNING generation",
        (projection.name, projection.version, policy_hash, int(live)),
    ).fetchone()
    assert row is not None
    return int(row[0])


def _positions(connection: Connection, generations: Sequence[int]) -> Mapping[int, dict[int, int]]:
    """How far each partition of these generations is, which stays so until the transaction ends."""
    positions: dict[int, dict[int, int]] = {}
    for generation, partition, position in connection.execute(_ALL, (generations,)):
        positions.setdefault(generation, {})[partition] = position
    return positions


def _least_shared_first(moves: Sequence[Move]) -> list[tuple[Table, Move]]:
    """The tables that moves change: first those whose rows belong to one partition, last the sums that are not of a party."""
    changed = [(table, move) for move in moves for table in move.projection.tables]
    return sorted(changed, key=lambda each: (each[0].sums, each[0].key[0].name != "party"))


def _reach(connection: Connection, moves: Sequence[Move]) -> None:
    """Compare and set: a partition moves only from where it was when its entries were folded."""
    mine = sorted(
        (move.built.generation, partition, *reached)
        for move in moves
        for partition, reached in move.reached.items()
        if reached != move.built.reached[partition]
    )
    if not mine:
        return
    before = {move.built.generation: move.built.reached for move in moves}
    generations, partitions, *reached = map(list, zip(*mine, strict=True))
    found = [position for (position,) in connection.execute(_MINE, (generations, partitions))]
    if found != [before[generation][partition].position for generation, partition, *_ in mine]:
        raise Fenced("another projector has moved a partition that was folded here, or has swapped what it was folded into")
    connection.execute(_REACH, (generations, partitions, *reached))
