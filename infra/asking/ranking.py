"""The table `parties`: every party with its trust, layer and what is overdue, to sort and to filter by.

It is derived from the views and depends on the time of day, so it is no projection and has no digest. Parties that entries were
about are scored at once; all others once a day, since trust fades by itself. An answer about one party never reads it.

Several processes may rank at once. Each claims some of the parties that wait and scores them; one that an entry is about
meanwhile goes on waiting, and what was scored of it is thrown away.
"""

from domain.instant import DAY
from domain.policy import SUBJECT, Policy
from infra.asking import layers, trust
from infra.asking.moment import Moment
from infra.record import Record
from infra.tables import Ranked, Reader, Scored
from projections.layers import NAMES

AT_ONCE = 100
"""How many parties are scored at once where no entry waits."""


class Ranking:
    """Keeps the table `parties`."""

    def __init__(self, ranked: Ranked, views: Reader, log: Record) -> None:
        self._ranked = ranked
        self._views = views
        self._log = log

    def refresh(self, policy: Policy, now: int, at_most: int = AT_ONCE) -> int:
        """Score some of the parties that wait for it; return how many that were."""
        claimed = self._ranked.claim(now - DAY, at_most)
        if claimed:
            with self._views.one_state():
                moment = Moment(self._views, self._log, policy, now, 0)
                scored = [_scored(moment, party) for party, _ in claimed if party != SUBJECT]
            self._ranked.rank(claimed, scored)
        return len(claimed)


def _scored(moment: Moment, party: str) -> Scored:
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
