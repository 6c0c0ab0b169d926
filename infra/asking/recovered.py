"""Who was let down and recovered: exactly, from the evidence of each party and the moments at which it came.

Let down: a piece of evidence about us with outcome 0 (broken, overdue, far too late). Recovered: since the last of them at
least `good` pieces came out as desired, and at the moment of one of them trust stood no lower than just before the failure,
and no lower than where nothing is known. That it fades later, as all trust does when nothing happens, is no new failure and
takes nothing back.
"""

from bisect import bisect_left, bisect_right
from itertools import accumulate
from operator import itemgetter
from typing import Annotated, NamedTuple

from pydantic import Field

from infra.asking import trust
from infra.asking.answers import Answer, Asked, At, BadQuestion, asked, select
from infra.asking.moment import Moment
from infra.asking.paging import Paged, from_cursor, to_cursor
from infra.asking.trust import ScoreShown
from projections import decay
from projections.pieces import Piece
from projections.trust import MICRO

GOOD = 3


class RecoveredWanted(Paged):
    """What counts as recovered."""

    good: Annotated[int, Field(ge=1, le=1_000)] = GOOD
    """How many pieces of evidence must have come out as desired since the last failure."""


class RecoveredShown(Answer):
    """A party that was let down, and whose trust in us came back."""

    party: str
    failed_at: At
    """Since when the last failure counts."""
    family: str
    """What failed: a promise, an incident or a feedback thread."""
    reference: str
    """The publisher's id of it."""
    because: str
    failure_count: int
    """How often it was let down in all."""
    good_count: int
    """What came out as desired since."""
    before_micro: int
    """Trust just before the last failure."""
    failed_micro: int
    """Trust just after it."""
    recovered_at: At
    """When trust stood where it had stood before."""
    recovered_micro: int
    """Trust then."""
    now: ScoreShown
    """Trust now."""


class RecoveredAnswer(Answer):
    """One page of the parties that recovered, the latest first."""

    asked: Asked
    let_down_count: int
    """How many parties were ever let down."""
    recovered_count: int
    """How many of them recovered."""
    recovered: list[RecoveredShown]
    next: str | None
    """The cursor of the next page; none on the last."""


class _Way(NamedTuple):
    """Down and up again: the last failure, and trust just before it, just after it, and when it was back."""

    recovered_at: int
    party: str
    failure: Piece
    failure_count: int
    good_count: int
    before: decay.Reading
    failed: decay.Reading
    recovered: decay.Reading


def listed(moment: Moment, wanted: RecoveredWanted) -> RecoveredAnswer:
    """The parties that were let down and recovered. Raises BadQuestion."""
    let_down = "SELECT COUNT(*) FROM trust_sums WHERE subject_kind = 'party' AND direction = 'in_us' AND failed_count > 0"
    ways = [way for party in _candidates(moment, wanted.good) if (way := _way(moment, party, wanted.good)) is not None]
    ways.sort(key=itemgetter(0, 1), reverse=True)
    after = from_cursor(wanted.cursor, 2)
    if after is not None and [type(each) for each in after] != [int, str]:
        raise BadQuestion("cursor", "this cursor is another question's: start again without one")
    rest = [way for way in ways if after is None or way[:2] < after]
    shown = rest[: wanted.limit]
    return RecoveredAnswer(
        asked=asked(moment),
        let_down_count=select(moment, let_down)[0][0],
        recovered_count=len(ways),
        recovered=[_shown(moment, way) for way in shown],
        next=to_cursor(*shown[-1][:2]) if len(rest) > len(shown) else None,
    )


def _candidates(moment: Moment, good: int) -> list[str]:
    """The parties with a failure, and enough that came out as desired since the last."""
    rows = select(
        moment,
        "WITH failed AS (SELECT party, MAX(at) AS failed_at FROM evidence "
        "WHERE direction = 'in_us' AND outcome_micro = 0 GROUP BY party) "
        "SELECT f.party FROM failed f JOIN evidence e ON e.party = f.party AND e.at > f.failed_at "
        "WHERE e.direction = 'in_us' AND e.outcome_micro = ? GROUP BY f.party HAVING COUNT(*) >= ?",
        MICRO,
        good,
    )
    return [party for (party,) in rows]


def _way(moment: Moment, party: str, good: int) -> _Way | None:
    """How trust went down and came up again; None where it has not come up (yet)."""
    pieces, terms = trust.pieces_of(moment, "party", party, "in_us"), trust.terms_of(moment, party)
    failures = [piece for piece in pieces if piece.outcome_micro == 0]
    failed_at = failures[-1].at
    since = [piece.at for piece in pieces if piece.outcome_micro == MICRO and piece.at > failed_at]
    instants = [at for at, _, _ in terms]
    masses, gains = ([0, *accumulate(term[index] for term in terms)] for index in (1, 2))
    rules = moment.policy.trust

    def standing(at: int, count: int) -> decay.Reading:
        growth = decay.growth(at, rules.half_life)
        return decay.read(masses[count], gains[count], growth, rules.prior_rate_micro, rules.prior_mass_micro)

    before, failed = (
        standing(failed_at, bisect_left(instants, failed_at)),
        standing(failed_at, bisect_right(instants, failed_at)),
    )
    for at in since[good - 1 :]:
        now = standing(at, bisect_right(instants, at))
        regained = now.numerator * before.denominator >= before.numerator * now.denominator
        if regained and now.numerator * MICRO >= rules.prior_rate_micro * now.denominator:
            return _Way(at, party, failures[-1], len(failures), len(since), before, failed, now)
    return None


def _shown(moment: Moment, way: _Way) -> RecoveredShown:
    return RecoveredShown(
        party=way.party,
        failed_at=way.failure.at,
        family=way.failure.family,
        reference=way.failure.reference,
        because=way.failure.because,
        failure_count=way.failure_count,
        good_count=way.good_count,
        before_micro=way.before.score_micro,
        failed_micro=way.failed.score_micro,
        recovered_at=way.recovered_at,
        recovered_micro=way.recovered.score_micro,
        now=trust.shown(moment, "party", way.party, "in_us"),
    )
