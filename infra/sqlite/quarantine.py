"""The quarantine in SQLite."""

import sqlite3

from infra.record import Kept, NotInQuarantine, Status, fingerprint, storable
from infra.sqlite.connect import writing

_UNRECORDED = "WHERE number = ?1 AND position IS NULL"
"""Somebody else may have tried it again meanwhile: what is on the record stays so."""
_COLUMNS = "number, reason, message, pointer, raw, origin, refused_at, times, status, position"


class Quarantine:
    """The refused reports of one ledger: the protocol of the same name."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def close(self) -> None:
        """Give the file back."""
        self._connection.close()

    def list(
        self, *, status: Status | None = "waiting", after: int = 0, limit: int = 100, reason: str | None = None
    ) -> list[Kept]:
        """Refused reports by number, from behind `after`; of one status or, with None, of all; of one reason or of all."""
        if reason is not None and not storable(reason):
            return []
        rows = self._connection.execute(
            f"SELECT {_COLUMNS} FROM quarantine WHERE number > ?1 AND (?2 IS NULL OR status = ?2) "
            "AND (?3 IS NULL OR reason = ?3) ORDER BY number LIMIT ?4",
            (after, status, reason, limit),
        )
        return [Kept(*row) for row in rows]

    def show(self, number: int) -> Kept:
        """One of them. Raises NotInQuarantine."""
        row = self._connection.execute(f"SELECT {_COLUMNS} FROM quarantine WHERE number = ?", (number,)).fetchone()
        if row is None:
            raise NotInQuarantine(f"nothing in quarantine has the number {number}")
        return Kept(*row)

    def count_by_reason(self) -> dict[str, int]:
        """How many wait, by reason, the most frequent first."""
        rows = self._connection.execute(
            "SELECT reason, COUNT(*) FROM quarantine WHERE status = 'waiting' GROUP BY reason ORDER BY 2 DESC, 1"
        )
        return dict(rows.fetchall())

    def discard(self, number: int) -> None:
        """Say that one is not to be recorded, unless it has been. Its bytes stay. Raises NotInQuarantine."""
        self._change(number, f"UPDATE quarantine SET status = 'discarded' {_UNRECORDED}")

    def recorded(self, number: int, position: int) -> None:
        """Say that one was recorded after all, by the entry at this position. Its bytes stay. Raises NotInQuarantine."""
        self._change(number, "UPDATE quarantine SET status = 'recorded', position = ?2 WHERE number = ?1", position)

    def refused_again(self, number: int, reason: str, message: str, pointer: str) -> None:
        """Say why the same bytes were refused when they were tried again, unless they were recorded. Raises NotInQuarantine."""
        kept = self.show(number)
        with writing(self._connection):
            self._connection.execute(
                "UPDATE quarantine SET reason = ?2, message = ?3, pointer = ?4, times = times + 1, status = 'waiting' "
                + _UNRECORDED,
                (number, reason, message, pointer),
            )
            self._connection.execute(  # unless the same bytes wait under another number for the same reason
                f"UPDATE OR IGNORE quarantine SET fingerprint = ?2 {_UNRECORDED}",
                (number, fingerprint(reason, kept.raw)),
            )

    def _change(self, number: int, statement: str, *more: int) -> None:
        self.show(number)  # or it is said that there is none; none ever goes
        with writing(self._connection):
            self._connection.execute(statement, (number, *more))
