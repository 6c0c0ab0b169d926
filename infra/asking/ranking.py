"""The table `parties`: every party with its trust, layer and what is overdue, to sort and to filter by.

It is derived from the views and depends on the time of day, so it is no projection and has no digest. Parties that entries were
about are scored at once; all others once a day, since trust fades by itself. An answer about one party never reads it.
"""

from domain.instant import DAY
from domain.policy import SUBJECT, Policy
from infra.asking import layers, trust
from infra.asking.moment import Moment
from infra.record import Record
from infra.sqlite.connect import Connection, writing
from projections.layers import NAMES

AT_ONCE = 500


class Ranking:
    """Keeps the table `parties`."""

    def __init__(self, views: Connection, log: Record) -> None:
        self._views = views
        self._log = log

    def refresh(self, policy: Policy, now: int) -> int:
        """Score some of the parties that wait for it; return how many that were."""
        waiting = self._waiting(now)
        if not waiting:
            return 0
        moment = Moment(self._views, self._log, policy, now, 0)
        rows = [_row(moment, party) for party in waiting if party != SUBJECT]
        with writing(self._views):
            marks = ", ".join("?" for _ in range(13))
            self._views.executemany(f"INSERT OR REPLACE INTO parties VALUES ({marks})", rows)
            self._views.executemany("DELETE FROM stale WHERE party = ?", [(party,) for party in waiting])
        return len(waiting)

    def _waiting(self, now: int) -> list[str]:
        rows = self._views.execute("SELECT party FROM stale ORDER BY party LIMIT ?", (AT_ONCE,)).fetchall()
        if not rows:
            rows = self._views.execute(
                "SELECT party FROM parties WHERE scored_at < ? ORDER BY scored_at LIMIT ?", (now - DAY, AT_ONCE)
            ).fetchall()
        return [party for (party,) in rows]


def _row(moment: Moment, party: str) -> tuple[object, ...]:
    in_us, _ = trust.score_of(moment, "party", party, "in_us")
    in_them, _ = trust.score_of(moment, "party", party, "in_them")
    layer, _ = layers.walked(moment, party)
    found = moment.views.execute(
        "SELECT t.overdue_count, t.open_incident_count, r.kind, "
        "(SELECT MAX(happened_at) FROM timeline WHERE timeline.party = t.party) "
        "FROM party_totals t LEFT JOIN registered r ON r.party = t.party WHERE t.party = ?",
        (party,),
    ).fetchone()
    overdue, open_incidents, kind, last_at = found or (0, 0, None, None)
    return (
        party,
        kind,
        in_us.grade,
        in_us.score_micro,
        in_us.lower_micro,
        in_us.upper_micro,
        in_us.mass_micro,
        in_them.lower_micro,
        NAMES.index(layer.name),
        overdue,
        open_incidents,
        last_at,
        moment.now,
    )
