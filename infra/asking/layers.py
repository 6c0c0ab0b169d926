"""How deep a relationship goes, why, what is missing for the next layer, and how it moved."""

from bisect import bisect_right
from collections.abc import Callable
from typing import Literal

from domain.instant import month_end
from infra.asking import trust as asking_trust
from infra.asking.answers import Answer, Asked, At, NotFound, asked, select
from infra.asking.grounds import Grounds, grounds
from infra.asking.moment import Moment
from projections import beta, decay, layers, trust
from projections.layers import COUNTS, Condition, Layer, Months, Move, Trusted


class ConditionShown(Answer):
    """One thing that a layer asks for: what there is, what it takes, and the entries that make what there is.

    An answer stays small: of the entries the latest are named, 20 at most (of a dialog ten each way), and all are counted.
    """

    name: str
    value: int
    needed: int
    met: bool
    named_in: Literal["entries", "explanation"]
    """Where the entries are named: here, or in the explanation of the party's trust in us."""
    entries: list[int]
    """Positions of what kept each promise, resolved each incident, last met the party by each channel, topic or touchpoint,
    was said in the dialog, or was the first contact; by when it happened, the latest first."""
    entry_count: int
    """How many of these there are in all; 0 where the explanation names them."""


class MoveShown(Answer):
    """A move up or down, seen at the end of a month."""

    at: At
    before: str
    after: str


class LayerAnswer(Answer):
    """A party's layer, what holds it there, what the next one asks for, and every move."""

    party: str
    asked: Asked
    layer: str
    held_by: list[ConditionShown]
    next_layer: str | None
    next_asks: list[ConditionShown]
    history: list[MoveShown]


def of_party(moment: Moment, party: str) -> LayerAnswer:
    """The layer of a party. Raises NotFound."""
    if not select(moment, "SELECT 1 FROM party_totals WHERE party = ?", party):
        raise NotFound("nothing is recorded about this party")
    layer, moves = walked(moment, party)
    found = grounds(moment, party)
    return LayerAnswer(
        party=party,
        asked=asked(moment),
        layer=layer.name,
        held_by=[_condition(each, found) for each in layer.held_by],
        next_layer=layer.next_name,
        next_asks=[_condition(each, found) for each in layer.next_asks],
        history=[MoveShown(at=min(month_end(m.month), moment.now), before=m.before, after=m.after) for m in moves],
    )


def walked(moment: Moment, party: str) -> tuple[Layer, list[Move]]:
    """The layer at the moment and the moves before it, from the party's months and its evidence."""
    months = Months()
    columns = ", ".join(COUNTS)
    for month, *counts in select(moment, f"SELECT month, {columns} FROM relationship_months WHERE party = ?", party):
        months.counts[month] = dict(zip(COUNTS, counts, strict=True))
    rows = select(moment, "SELECT month, dimension, value FROM relationship_breadth WHERE party = ?", party)
    for month, dimension, value in rows:
        months.breadth.setdefault(month, []).append((dimension, value))
    return layers.walk(months, moment.now, _trusted(moment, party), moment.policy)


def _trusted(moment: Moment, party: str) -> Callable[[int], Trusted]:
    """Trust in us at any instant, from the evidence as it is known at the moment."""
    contributions = asking_trust.terms_of(moment, party)
    instants = [at for at, _, _ in contributions]
    masses, gains = [0], [0]
    for _, mass, gain in contributions:
        masses.append(masses[-1] + mass)
        gains.append(gains[-1] + gain)
    rules = moment.policy.trust

    def at(instant: int) -> Trusted:
        count = bisect_right(instants, instant)
        growth = decay.growth(instant, rules.half_life)
        reading = decay.read(masses[count], gains[count], growth, rules.prior_rate_micro, rules.prior_mass_micro)
        alpha, beta_ = reading.alpha_micro / trust.MICRO, reading.beta_micro / trust.MICRO
        return Trusted(
            reading.mass_micro,
            lambda: beta.interval_micro(alpha, beta_)[0],
            lambda bound: beta.at_least(bound, alpha, beta_),
        )

    return at


def _condition(condition: Condition, found: dict[str, Grounds]) -> ConditionShown:
    behind = found.get(condition.name)
    return ConditionShown(
        name=condition.name,
        value=condition.value,
        needed=condition.needed,
        met=condition.met,
        named_in="explanation" if behind is None else "entries",
        entries=[] if behind is None else behind.entries,
        entry_count=0 if behind is None else behind.entry_count,
    )
