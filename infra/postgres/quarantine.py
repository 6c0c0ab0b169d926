"""The quarantine in PostgreSQL. Whatever writes it holds the record's lock: numbers are dense, and nobody is in between."""

from collections.abc import Sequence

from consumers.ports import Refused
from infra.postgres.connect import Connection, lock_key, writing
from infra.postgres.connections import Connections
from infra.record import Kept, NotInQuarantine, Status, fingerprint, storable

TABLES = """
CREATE TABLE quarantine (
    number bigint PRIMARY KEY,
    fingerprint text COLLATE "C" NOT NULL UNIQUE,
    reason text COLLATE "C" NOT NULL,
    message text NOT NULL,
    pointer text NOT NULL,
    raw bytea NOT NULL,
    origin text NOT NULL,
    refused_at bigint NOT NULL,
    times bigint NOT NULL DEFAULT 1,
    status text COLLATE "C" NOT NULL DEFAULT 'waiting',
    position bigint);
CREATE INDEX quarantine_by_status ON quarantine (status, number)
"""

_REFUSE = """
INSERT INTO quarantine (number, fingerprint, reason, message, pointer, raw, origin, refused_at)
SELECT COALESCE(MAX(number), 0) + 1, %b, %b, %b, %b, %b, %b, %b FROM quarantine
ON CONFLICT (fingerprint) DO UPDATE SET times = quarantine.times + 1
"""
_UNRECORDED = "WHERE number = %(number)s AND position IS NULL"
"""Somebody else may have tried it again meanwhile: what is on the record stays so."""
_COLUMNS = "number, reason, message, pointer, raw, origin, refused_at, times, status, position"


def refuse(connection: Connection, refused: Sequence[Refused], now: int) -> None:
    """Keep what was refused, in a transaction that holds the record's lock."""
    for each in refused:
        told_apart_by = fingerprint(each.reason, each.raw)
        connection.execute(_REFUSE, (told_apart_by, each.reason, each.message, each.pointer, each.raw, each.origin, now))


class Quarantine:
    """The refused reports of one ledger: the protocol of the same name. Any thread."""

    def __init__(self, url: str, ledger: str) -> None:
        self._lock = lock_key(ledger, "record")
        self._connections = Connections(url, ledger)

    def close(self) -> None:
        """Give the connections back."""
        self._connections.close()

    def list(
        self, *, status: Status | None = "waiting", after: int = 0, limit: int = 100, reason: str | None = None
    ) -> list[Kept]:
        """Refused reports by number, from behind `after`; of one status or, with None, of all; of one reason or of all."""
        if reason is not None and not storable(reason):
            return []
        found = self._select(
            "WHERE number > %b AND (%b::text IS NULL OR status = %b) AND (%b::text IS NULL OR reason = %b) "
            "ORDER BY number LIMIT %b",
            *(after, status, status, reason, reason, limit),
        )
        return [*found]

    def show(self, number: int) -> Kept:
        """One of them. Raises NotInQuarantine."""
        found = self._select("WHERE number = %b", number)
        if not found:
            raise NotInQuarantine(f"nothing in quarantine has the number {number}")
        return found[0]

    def count_by_reason(self) -> dict[str, int]:
        """How many wait, by reason, the most frequent first."""
        with self._connections.lent() as connection:
            rows = connection.execute(
                "SELECT reason, COUNT(*) FROM quarantine WHERE status = 'waiting' GROUP BY reason ORDER BY 2 DESC, 1"
            )
            return dict(rows.fetchall())

    def discard(self, number: int) -> None:
        """Say that one is not to be recorded, unless it has been. Its bytes stay. Raises NotInQuarantine."""
        self._change(f"UPDATE quarantine SET status = 'discarded' {_UNRECORDED}", number)

    def recorded(self, number: int, position: int) -> None:
        """Say that one was recorded after all, by the entry at this position. Its bytes stay. Raises NotInQuarantine."""
        self._change(
            "UPDATE quarantine SET status = 'recorded', position = %(position)s WHERE number = %(number)s",
            number,
            position=position,
        )

    def refused_again(self, number: int, reason: str, message: str, pointer: str) -> None:
        """Say why the same bytes were refused when they were tried again, unless they were recorded. Raises NotInQuarantine."""
        self._change(
            "UPDATE quarantine SET reason = %(reason)s, message = %(message)s, pointer = %(pointer)s, times = times + 1, "
            # unless the same bytes wait under another number for the same reason
            "fingerprint = CASE WHEN EXISTS (SELECT FROM quarantine WHERE fingerprint = %(fingerprint)s) "
            "THEN fingerprint ELSE %(fingerprint)s END, status = 'waiting' " + _UNRECORDED,
            number,
            reason=reason,
            message=message,
            pointer=pointer,
            fingerprint=fingerprint(reason, self.show(number).raw),
        )

    def _change(self, statement: str, number: int, **more: object) -> None:
        self.show(number)  # or it is said that there is none; none ever goes
        with self._connections.lent() as connection, writing(connection, self._lock):
            connection.execute(statement.encode(), {"number": number, **more})

    def _select(self, where: str, *parameters: object) -> Sequence[Kept]:
        with self._connections.lent() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM quarantine {where}".encode(), parameters, binary=True)
            return [Kept(*row) for row in rows]
