"""The table `parties` in SQLite, and which parties are to be scored. One process at a time drives a ledger in files."""

import sqlite3
from collections.abc import Sequence

from infra.sqlite.connect import writing
from infra.tables import PARTIES, Claimed, Scored


class SQLiteRanked:
    """The port Ranked on one SQLite connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def claim(self, before: int, limit: int) -> list[Claimed]:
        """Parties that wait to be scored; where none does, those that were scored before this instant wait from now on."""
        waiting = "SELECT party, 0 FROM stale ORDER BY party LIMIT ?"
        found = self._connection.execute(waiting, (limit,)).fetchall()
        if not found:
            with writing(self._connection):
                self._connection.execute(
                    "INSERT OR IGNORE INTO stale SELECT party FROM parties WHERE scored_at < ? ORDER BY scored_at LIMIT ?",
                    (before, limit),
                )
            found = self._connection.execute(waiting, (limit,)).fetchall()
        return found

    def rank(self, claimed: Sequence[Claimed], scored: Sequence[Scored]) -> None:
        """Keep the scores; nobody of the claimed waits any longer."""
        marks = ", ".join("?" for _ in (*PARTIES.key, *PARTIES.values))
        with writing(self._connection):
            self._connection.executemany(f"INSERT OR REPLACE INTO parties VALUES ({marks})", scored)
            self._connection.executemany("DELETE FROM stale WHERE party = ?", [(party,) for party, _ in claimed])
