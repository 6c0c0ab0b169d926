"""The clock's agenda, read from the views."""

from consumers.clock import Due
from infra.tables import Reader


class AgendaInViews:
    """The port Agenda on the table `agenda`."""

    def __init__(self, views: Reader) -> None:
        self._views = views

    def due(self, now: int, limit: int) -> list[Due]:
        """What has come due at or before `now`, the earliest first."""
        rows = self._views.execute(
            "SELECT stream, kind, at, party, fact FROM agenda WHERE at <= ? ORDER BY at, stream, kind LIMIT ?", (now, limit)
        )
        return [Due(*row) for row in rows]

    def next_at(self) -> int | None:
        """When the next lapse is due."""
        found = self._views.execute("SELECT MIN(at) FROM agenda").fetchone()[0]
        return None if found is None else int(found)
