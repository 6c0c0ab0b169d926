"""The table `parties` in PostgreSQL, and which parties are to be scored, for any number of processes that rank.

A party that waits has a row in `stale`. Whoever claims it has half a minute to score it. Each entry about it gives the row
another number, so what was scored from before that entry is not kept and the party waits again. Nobody holds a row while
scoring: those who project would wait for it.
"""

from collections.abc import Sequence

from infra.postgres import rows
from infra.postgres.connect import Connection, writing
from infra.postgres.connections import Connections
from infra.tables import PARTIES, Claimed, Scored

TABLES = """
CREATE TABLE stale (
    party text COLLATE "C" PRIMARY KEY,
    mark bigint GENERATED ALWAYS AS IDENTITY,
    claimed_until timestamptz NOT NULL DEFAULT '-infinity');
CREATE TABLE swapped (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)
"""

_AGAIN = "ON CONFLICT (party) DO UPDATE SET mark = DEFAULT, claimed_until = DEFAULT"
_CLAIM = """
UPDATE stale SET claimed_until = clock_timestamp() + interval '30 seconds'
WHERE party IN (
    SELECT party FROM stale WHERE claimed_until < clock_timestamp() ORDER BY party LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING party, mark
"""
_FADED = """
INSERT INTO stale (party) SELECT party FROM (
    SELECT party FROM parties WHERE scored_at < %s ORDER BY scored_at LIMIT %s) AS faded
ORDER BY party ON CONFLICT DO NOTHING
"""
"""In the order in which all mark: two that do not agree on it may wait for each other."""
_DONE = """
DELETE FROM stale WHERE party IN (
    SELECT party FROM stale JOIN unnest(%s::text[], %s::bigint[]) AS claimed (party, mark) USING (party, mark)
    ORDER BY party FOR UPDATE OF stale SKIP LOCKED)
RETURNING party
"""


class PostgresRanked:
    """The port Ranked on one schema of a PostgreSQL database."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def claim(self, before: int, limit: int) -> list[Claimed]:
        """Parties that wait to be scored; where none does, those that were scored before this instant wait from now on."""
        with self._connections.lent() as connection:
            _all_after_a_swap(connection)
            found = connection.execute(_CLAIM, (limit,)).fetchall()
            if not found and connection.execute(_FADED, (before, limit)).rowcount:
                found = connection.execute(_CLAIM, (limit,)).fetchall()
            return [(party, mark) for party, mark in sorted(found)]

    def rank(self, claimed: Sequence[Claimed], scored: Sequence[Scored]) -> None:
        """Keep the scores of those that have not been marked again since they were claimed: only they wait no longer."""
        by_party = {each[:1]: each[1:] for each in scored}
        with self._connections.lent() as connection, writing(connection):
            parties, marks = [party for party, _ in claimed], [mark for _, mark in claimed]
            done = connection.execute(_DONE, (parties, marks)).fetchall()  # one that is locked is being marked again
            rows.put(connection, PARTIES, PARTIES.name, {party: by_party[party] for party in done if party in by_party})


def mark_stale(connection: Connection, parties: Sequence[str]) -> None:
    """Say that these, in order, wait to be scored, in the transaction that changes what they are scored by."""
    for begun in range(0, len(parties), rows.AT_ONCE):
        some = parties[begun : begun + rows.AT_ONCE]
        connection.execute(f"INSERT INTO stale (party) SELECT unnest(%s::text[]) {_AGAIN}".encode(), (some,))


def mark_swapped(connection: Connection) -> None:
    """Say that all wait to be scored, in the transaction that swaps what they are scored by. It is short, and marks none."""
    connection.execute("INSERT INTO swapped DEFAULT VALUES")


def _all_after_a_swap(connection: Connection) -> None:
    with writing(connection):
        swaps = "DELETE FROM swapped WHERE number IN (SELECT number FROM swapped FOR UPDATE SKIP LOCKED)"
        if connection.execute(swaps).rowcount:
            connection.execute(f"INSERT INTO stale (party) SELECT party FROM parties ORDER BY party {_AGAIN}".encode())
