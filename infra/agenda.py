"""The clock's agenda, read from the views."""

from consumers.clock import Due
from infra.tables import Reader, all_built
from projections.agenda import PROJECTION


class AgendaInViews:
    """The port Agenda on the table `agenda`. Nothing is due before the first projector has made it."""

    def __init__(self, views: Reader) -> None:
        self._views = views
        self._seen = False

    def due(self, now: int, limit: int) -> list[Due]:
        """What has come due at or before `now`, the earliest first."""
        if not self._is_seen():
            return []
        rows = self._views.execute(
            "SELECT stream, kind, at, party, fact FROM agenda WHERE at <= ? ORDER BY at, stream, kind LIMIT ?", (now, limit)
        )
        return [Due(*row) for row in rows]

    def next_at(self) -> int | None:
        """When the next lapse is due."""
        if not self._is_seen():
            return None
        found = self._views.execute("SELECT MIN(at) FROM agenda").fetchone()[0]
        return None if found is None else int(found)

    def _is_seen(self) -> bool:
        self._seen = self._seen or any(each.live and each.name == PROJECTION.name for each in all_built(self._views))
        return self._seen
