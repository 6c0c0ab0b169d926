"""Layers: how deep a relationship goes, from social penetration theory (Altman and Taylor 1973), and back when neglected.

State is counts by month (UTC) of when things happened; nothing in it depends on arrival. A layer is the highest whose every
condition holds. To hold one takes less than to reach it (hysteresis), so the months are walked from the first on. Incidents
are contacts too (opened, the party spoke; resolved, the company did), and so is feedback.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from operator import add, ge
from typing import NamedTuple

from domain.feedback import FeedbackStanding
from domain.incident import IncidentStanding
from domain.instant import DAY, aware, month_end, month_of, parse
from domain.interaction import InteractionStanding
from domain.kinds import Standing
from domain.party import PartyStanding
from domain.policy import Policy, PolicyStanding
from domain.promise import PromiseStanding, on_time
from projections.fold import Change, Column, Context, Projection, Table

MICRO = 1_000_000
NAMES = ("orientation", "exploratory", "affective", "stable")
HALVINGS = 10
"""After so many whole half-lives nothing is left of a contact."""
COUNTS = ("inbound", "outbound", "kept_by_company", "kept_by_party", "troubles_survived")

MONTHS = Table(
    "relationship_months",
    "What happened with a party in a month.",
    (
        Column("party", "TEXT", "the party"),
        Column("month", "INTEGER", "months since January 1970 (UTC)"),
    ),
    (
        Column("inbound", "INTEGER", "times the party spoke"),
        Column("outbound", "INTEGER", "times the company spoke"),
        Column("kept_by_company", "INTEGER", "promises that the company kept in time"),
        Column("kept_by_party", "INTEGER", "promises that the party kept in time"),
        Column("troubles_survived", "INTEGER", "incidents resolved and not reopened since"),
    ),
    sums=True,
)
BREADTH = Table(
    "relationship_breadth",
    "By which channels, about which topics, at which touchpoints and on which days a party was met in a month.",
    (
        Column("party", "TEXT", "the party"),
        Column("month", "INTEGER", "months since January 1970 (UTC)"),
        Column("dimension", "TEXT", "channel, topic, touchpoint or day"),
        Column("value", "TEXT", "which; a day in UTC, such as 2026-01-31"),
    ),
    (Column("count", "INTEGER", "how often"),),
    sums=True,
)


@dataclass
class Months:
    """One party's state: counts by month, and the values met by month and dimension."""

    counts: dict[int, Mapping[str, int]] = field(default_factory=dict)
    breadth: dict[int, list[tuple[str, str]]] = field(default_factory=dict)


class Trusted(NamedTuple):
    """Trust at a moment, as far as layers ask: the mass of evidence, the lower bound, and a cheaper test of it (millionths)."""

    mass_micro: int
    lower_micro: Callable[[], int]
    reaches: Callable[[int], bool]


class Condition(NamedTuple):
    """One thing that a layer asks for: what there is and what it takes."""

    name: str
    value: int
    needed: int
    met: bool


class Move(NamedTuple):
    """The month after which a party was in another layer than before."""

    month: int
    before: str
    after: str


class _Asks(NamedTuple):
    """What it takes to reach a layer, or to hold it. `plain` is in the order of _PLAIN."""

    plain: tuple[int, ...]
    mass_micro: int
    lower_micro: int


_TOTALS = COUNTS[2:]
_BREADTH = ("channel", "topic", "touchpoint")
_PLAIN = ("tenure_days", "dialog_micro", *_TOTALS, *(f"{each}s" for each in _BREADTH))
_CONDITIONS = (*_PLAIN, "mass_micro", "trust_lower_bound_micro")


@dataclass(frozen=True)
class Layer:
    """A party's layer at a moment: what holds it there, and what the next one asks for."""

    level: int
    at: int
    _there: "_There"
    _policy: Policy

    @property
    def name(self) -> str:
        """What the layer is called."""
        return NAMES[self.level]

    @property
    def next_name(self) -> str | None:
        """What the next one is called; None above the last."""
        return NAMES[self.level + 1] if self.level + 1 < len(NAMES) else None

    @property
    def held_by(self) -> Sequence[Condition]:
        """What holds the party there: what it takes to stay, which is less than what it took to get there."""
        return self._there.conditions(_asks(self._policy, self.level, holding=True)) if self.level else ()

    @property
    def next_asks(self) -> Sequence[Condition]:
        """What the next layer asks for."""
        return () if self.next_name is None else self._there.conditions(_asks(self._policy, self.level + 1))


def of_standing(standing: Standing, context: Context) -> Sequence[Change]:
    """What one standing adds to the months of its party."""
    party = context.party
    match standing:
        case PartyStanding() | PolicyStanding():
            return ()
        case _ if standing.status == "awaiting":
            return ()
        case InteractionStanding(happened_at=at):
            met = _met(party, at, standing.channel, standing.topic, standing.touchpoint)
            return [*met, _count(party, at, standing.direction)]
        case PromiseStanding(made_at=at, ended_at=ended_at):
            met = _met(party, at, standing.channel, standing.category, standing.touchpoint)
            if ended_at is None or standing.status != "kept" or not on_time(standing):
                return met
            return [*met, _count(party, ended_at, f"kept_by_{standing.promisor}")]
        case IncidentStanding(opened_at=at, resolved_at=ended_at):
            met = [*_met(party, at, standing.channel, standing.category, "service"), _count(party, at, "inbound")]
            return met if ended_at is None else [*met, _count(party, ended_at, "outbound", "troubles_survived")]
        case FeedbackStanding(received_at=at, answered_at=ended_at):
            met = [*_met(party, at, standing.channel, standing.category, None), _count(party, at, "inbound")]
            return met if ended_at is None else [*met, _count(party, ended_at, "outbound")]


PROJECTION = Projection("layers", 1, (MONTHS, BREADTH), of_standing)


def breadth_from(at: int, policy: Policy) -> int:
    """The first month of which channels, topics and touchpoints count at the instant `at`."""
    return month_of(max(0, at - policy.layers.window_days * DAY))


def is_left(month: int, at: int, policy: Policy) -> bool:
    """Whether anything of the month's contacts is left at the instant `at`."""
    return at - month_end(month) < (HALVINGS + 1) * policy.layers.dialog_half_life_days * DAY


def walk(months: Months, at: int, trusted: Callable[[int], Trusted], policy: Policy) -> tuple[Layer, list[Move]]:
    """The layer at the instant `at`, and every move up or down before it; `trusted(t)` gives trust in us at the instant t.

    Each month is judged at its end, the last one at `at`; a party may move by any number of layers at once. Left out are
    months in which nothing happened and nothing can change: at the outset, with something missing that time cannot bring.
    """
    path, last = _Path(months, at, policy), month_of(at)
    to_reach = [_asks(policy, each) for each in range(1, len(NAMES))]
    to_hold = [_asks(policy, each, holding=True) for each in range(1, len(NAMES))]
    level, moves, month = 0, list[Move](), path.next_month
    while month is not None and month <= last:
        there, reached = path.there(month, trusted), len(to_reach)
        while reached and not there.meets((to_hold if reached <= level else to_reach)[reached - 1]):
            reached -= 1
        if reached != level:
            moves.append(Move(month, NAMES[level], NAMES[reached]))
            level = reached
        may_change = level or any(map(there.lacks_time_or_trust_alone, to_reach))
        month = month + 1 if may_change else path.next_month
    return Layer(level, at, path.there(last, trusted), policy), moves


class _There:
    """What there is at a moment of all that layers ask for. Trust is costly, and computed only where it is looked at."""

    def __init__(self, plain: Sequence[int], at: int, trusted: Callable[[int], Trusted]) -> None:
        self._plain = plain
        self._at = at
        self._trusted_at = trusted

    @cached_property
    def trusted(self) -> Trusted:
        return self._trusted_at(self._at)

    def meets(self, asks: _Asks) -> bool:
        if not all(map(ge, self._plain, asks.plain)):
            return False
        return self.trusted.mass_micro >= asks.mass_micro and self.trusted.reaches(asks.lower_micro)

    def lacks_time_or_trust_alone(self, asks: _Asks) -> bool:
        """Whether it may yet be met while nothing happens: all else that it asks for only fades then."""
        return all(map(ge, self._plain[1:], asks.plain[1:]))

    def conditions(self, asks: _Asks) -> Sequence[Condition]:
        values = (*self._plain, self.trusted.mass_micro, self.trusted.lower_micro())
        needed = (*asks.plain, asks.mass_micro, asks.lower_micro)
        return [Condition(*each, each[1] >= each[2]) for each in zip(_CONDITIONS, values, needed, strict=True)]


class _Path:
    """A party's months, and what they have added up to, walked in order up to the instant `at`."""

    def __init__(self, months: Months, at: int, policy: Policy) -> None:
        self._months = months
        self._at = at
        self._ahead = sorted((m for m in {*months.counts, *months.breadth} if m <= month_of(at)), reverse=True)
        first_met = months.breadth.get(self._ahead[-1], ()) if self._ahead else ()
        days = [value for dimension, value in first_met if dimension == "day"]
        self._first_at = parse(f"{min(days)}T00:00:00Z") if days else at
        self._policy = policy
        self._half_life = policy.layers.dialog_half_life_days * DAY
        self._spoken: list[tuple[int, int, int]] = []
        self._totals = [0] * len(_TOTALS)
        self._last_met: dict[str, dict[str, int]] = {each: {} for each in (*_BREADTH, "day")}

    @property
    def next_month(self) -> int | None:
        """The next month in which anything happened."""
        return self._ahead[-1] if self._ahead else None

    def there(self, month: int, trusted: Callable[[int], Trusted]) -> _There:
        """What there is when the month ends, or at `at` if that is earlier."""
        at = min(month_end(month), self._at)
        if month == self.next_month:
            self._take(self._ahead.pop(), at)
        window = breadth_from(at, self._policy)
        breadth = [sum(map(window.__le__, self._last_met[each].values())) for each in _BREADTH]
        return _There(((at - self._first_at) // DAY, self._dialog(at), *self._totals, *breadth), at, trusted)

    def _take(self, month: int, ends_at: int) -> None:
        counts = self._months.counts.get(month)
        if counts is not None:
            self._totals = list(map(add, self._totals, (counts[name] for name in _TOTALS)))
            self._spoken.append((ends_at, counts["inbound"] * MICRO, counts["outbound"] * MICRO))
        for dimension, value in self._months.breadth.get(month, ()):
            self._last_met[dimension][value] = month

    def _dialog(self, at: int) -> int:
        """Contacts both ways, by the rarer way: halved with each whole half-life since their month, then gone."""
        inbound = outbound = 0
        for ended_at, by_party, by_company in reversed(self._spoken):
            halvings = (at - ended_at) // self._half_life
            if halvings > HALVINGS:
                break
            inbound += by_party >> halvings
            outbound += by_company >> halvings
        return 2 * min(inbound, outbound)


def _asks(policy: Policy, level: int, *, holding: bool = False) -> _Asks:
    """To hold a layer takes the share `hysteresis` of what it takes to reach it; part of a count is a whole one."""
    rules = getattr(policy.layers, NAMES[level])
    share = policy.layers.hysteresis_micro if holding else MICRO
    *plain, mass, lower = (-(-getattr(rules, each) * share // MICRO) for each in (*_PLAIN, "mass_micro", "lower_bound_micro"))
    return _Asks(tuple(plain), mass, lower)


def _count(party: str, at: int, *names: str) -> Change:
    return MONTHS.name, (party, month_of(at)), _ones(names)


def _met(party: str, at: int, channel: str | None, topic: str | None, touchpoint: str | None) -> list[Change]:
    month, day = _day(at // DAY)
    named = (("channel", channel), ("topic", topic), ("touchpoint", touchpoint), ("day", day))
    return [(BREADTH.name, (party, month, each, value), (1,)) for each, value in named if value is not None]


@cache
def _ones(names: Sequence[str]) -> tuple[int, ...]:
    return tuple(int(each in names) for each in COUNTS)


@lru_cache(maxsize=20_000)
def _day(day: int) -> tuple[int, str]:
    """(months since January 1970, date) of a day, given in days since 1970."""
    return month_of(day * DAY), aware(day * DAY).date().isoformat()
