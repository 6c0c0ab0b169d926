"""Trust: the evidence of every standing, summed by forward decay for each subject, and read at any moment.

T(t) = (a·W + Σ wᵢ(t)·vᵢ) / (W + Σ wᵢ(t)) with wᵢ(t) = wᵢ·2^(−(t − tᵢ)/h): the beta reputation system (Jøsang and Ismail 2002)
with decay by when things happened. Subjects: a party in both directions, and who promised: team, person, category, channel.

Recovery credit is given once: of a party's troubles of one category, those opened on the first day (UTC) may earn more than the
prior rate; a later failure of the same kind, however well recovered, earns at most the prior (Maxham and Netemeyer 2002). What
an incident earned beyond the prior is kept apart, by the day it was opened, and only the first day's is added when reading.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from domain.evidence import Evidence, of_feedback, of_incident, of_promise
from domain.feedback import FeedbackStanding
from domain.incident import IncidentStanding
from domain.instant import DAY
from domain.interaction import InteractionStanding
from domain.party import PartyStanding
from domain.policy import Policy, PolicyStanding, TrustRules
from domain.promise import PromiseStanding
from projections import beta, decay
from projections.fold import Bundle, ByGist, Column, Gists, Key, Pending, Projection, Sums, Table
from projections.pieces import Piece

MICRO = 1_000_000
KINDS_OF_PROMISOR = ("team", "person", "category", "channel")
"""Whom else than the party evidence about us is about: who promised, and what kind of thing."""

SUMS = Table(
    "trust_sums",
    "The exact sums that trust is read from, for each subject. One piece of evidence a standing.",
    (
        Column("subject_kind", "TEXT", "party, team, person, category or channel"),
        Column("subject", "TEXT", "its id"),
        Column("direction", "TEXT", "in_us: how far they can trust us; in_them: how far we can trust them"),
    ),
    (
        Column("mass", "WIDE", "sum of weight × growth since the landmark, fixed point"),
        Column("gain", "WIDE", "sum of weight × growth × outcome in millionths, fixed point, without recovery credit"),
        Column("evidence_count", "INTEGER", "pieces of evidence"),
        Column("as_desired_count", "INTEGER", "of them with the best outcome: in time"),
        Column("failed_count", "INTEGER", "of them with the outcome 0: broken, overdue, far too late"),
    ),
    sums=True,
)
RECOVERIES = Table(
    "trust_recoveries",
    "What incidents earned beyond the prior, by the day they were opened: only the first day of a category counts.",
    (
        Column("party", "TEXT", "the party"),
        Column("category", "TEXT", "the kind of trouble, empty where it is not known"),
        Column("opened_on", "INTEGER", "days since 1970-01-01 UTC"),
    ),
    (
        Column("incident_count", "INTEGER", "incidents opened that day"),
        Column("credit", "WIDE", "what they earned beyond the prior, in the unit of `gain`"),
    ),
    sums=True,
)


Gist = tuple[Evidence | None, tuple[str | None, ...], int | None]
"""The evidence; who promised, as in `KINDS_OF_PROMISOR`; of an incident the day (UTC, since 1970) on which it was opened."""


class Score(NamedTuple):
    """Trust at a moment. The grade is `unknown` where the evidence weighs less than the prior, whatever the score."""

    score_micro: int
    lower_micro: int
    upper_micro: int
    mass_micro: int
    uncertainty_micro: int
    grade: str
    reading: decay.Reading


class Contribution(NamedTuple):
    """What one piece of evidence adds to the score: exactly numerator / the score's denominator, shown in millionths."""

    piece: Piece
    numerator: int
    contribution_micro: int
    credited: bool


def _of_promise(promise: PromiseStanding, policy: Policy) -> Gist | None:
    found = of_promise(promise, policy.trust)
    return found if found is None else (found, (promise.team, promise.person, promise.category, promise.channel), None)


def _of_incident(incident: IncidentStanding, policy: Policy) -> Gist | None:
    if incident.status == "awaiting":
        return None
    who = (incident.team, incident.person, incident.category, incident.channel)
    return of_incident(incident, policy.trust), who, incident.opened_at // DAY


def _of_feedback(feedback: FeedbackStanding, policy: Policy) -> Gist | None:
    found = of_feedback(feedback, policy.trust)
    return found if found is None else (found, (feedback.team, None, feedback.category, feedback.channel), None)


GISTS: Gists = {
    PromiseStanding: _of_promise,
    IncidentStanding: _of_incident,
    FeedbackStanding: _of_feedback,
    InteractionStanding: None,
    PartyStanding: None,
    PolicyStanding: None,
}


def add_gist(pending: Pending, gist: Gist, party: str, policy: Policy, sign: int) -> None:
    """Add what evidence says of its subjects, or with the sign −1 take it away. A replay spends its time here.

    What an incident earned beyond the prior is kept apart, by the day it began; it counts by that day before it is evidence of
    anything.
    """
    evidence, who, opened_on = gist
    rules, gathered, mass, gain, outcome, beyond = policy.trust, pending.gathered, 0, 0, -1, 0
    if evidence is not None:
        outcome = evidence.outcome_micro
        mass, gain = decay.term(evidence.at, evidence.weight_micro, outcome, rules.half_life)
        if sign < 0:
            mass, gain = -mass, -gain
    if opened_on is not None:
        beyond = _beyond_prior(mass, outcome, opened_on, rules)
        recoveries, key = gathered[RECOVERIES.name], (party, who[2] or "", opened_on)
        cells = recoveries.get(key)
        if cells is None:
            recoveries[key] = [sign, beyond]
        else:
            cells[0] += sign
            cells[1] += beyond
    if evidence is None:
        return
    as_desired, failed = (sign, 0) if outcome == MICRO else (0, 0) if outcome else (0, sign)
    values = mass, gain, sign, as_desired, failed
    own = (mass, gain - beyond, sign, as_desired, failed) if beyond else values
    _add(gathered[SUMS.name], ("party", party, evidence.direction), own)
    if evidence.direction == "in_us":
        _add(gathered[PROMISORS.name], who, values)


def _add(sums: dict[Key, Sums], key: Key, values: tuple[int, int, int, int, int]) -> None:
    cells = sums.get(key)
    if cells is None:
        sums[key] = [*values]
        return
    mass, gain, count, as_desired, failed = values
    cells[0] += mass
    cells[1] += gain
    cells[2] += count
    cells[3] += as_desired
    cells[4] += failed


def _promisors(who: Key) -> Sequence[Key]:
    """Who promised, and what kind of thing it was: each is a subject."""
    return [(kind, subject, "in_us") for kind, subject in zip(KINDS_OF_PROMISOR, who, strict=True) if subject is not None]


PROMISORS = Bundle("promisors", SUMS, _promisors)
PROJECTION = Projection("trust", 3, (SUMS, RECOVERIES), judges=True, by_gist=ByGist(GISTS, add_gist), bundles=(PROMISORS,))


def score(mass: int, gain: int, at: int, policy: Policy) -> Score:
    """Trust from a subject's sums (recovery credit added to the gain) at the instant `at`.

    The interval is the central 95 % one of Beta(aW + Σwv, (1 − a)W + Σw(1 − v)).
    """
    rules = policy.trust
    now = decay.growth(at, rules.half_life)
    reading = decay.read(mass, gain, now, rules.prior_rate_micro, rules.prior_mass_micro)
    lower, upper = beta.interval_micro(reading.alpha_micro / MICRO, reading.beta_micro / MICRO)
    unknown = reading.mass_micro < policy.trust.prior_mass_micro
    grade = "unknown" if unknown else policy.grade(lower)
    return Score(reading.score_micro, lower, upper, reading.mass_micro, reading.uncertainty_micro, grade, reading)


def explain(
    pieces: Sequence[Piece], first_days: Mapping[str, int], at: int, policy: Policy
) -> tuple[Score, list[Contribution]]:
    """The score of a party in one direction from its pieces of evidence, and what each contributes: they sum to score − prior.

    `first_days`: for each category of trouble the day of the first incident; leave it empty for a promisor, whose recoveries
    all count. Pieces that lie after `at` do not count yet and must not be among them.
    """
    rules = policy.trust
    credited = [is_credited(piece, first_days) for piece in pieces]
    terms = [term(piece, policy, whole) for piece, whole in zip(pieces, credited, strict=True)]
    total = score(sum(mass for mass, _ in terms), sum(gain for _, gain in terms), at, policy)
    numerators = decay.contributions(terms, rules.prior_rate_micro)
    shown = decay.apportion(numerators, total.reading.denominator, total.score_micro - rules.prior_rate_micro)
    return total, [Contribution(*each) for each in zip(pieces, numerators, shown, credited, strict=True)]


def term(piece: Piece, policy: Policy, credited: bool) -> tuple[int, int]:
    """(mass, gain) of a piece of evidence, with or without what it earned beyond the prior."""
    mass, gain = decay.term(piece.at, piece.weight_micro, piece.outcome_micro, policy.trust.half_life)
    return mass, gain if credited else gain - _beyond_prior(mass, piece.outcome_micro, piece.opened_on, policy.trust)


def is_credited(piece: Piece, first_days: Mapping[str, int]) -> bool:
    """Whether a piece counts whole: all do but incidents that were not the first of their kind for the party."""
    return piece.opened_on is None or not first_days or piece.opened_on == first_days.get(piece.category or "")


def credit(recoveries: Iterable[tuple[str, int, int]]) -> int:
    """The recovery credit of a party, from its rows (category, opened_on, credit): the first day's of each category."""
    first: dict[str, tuple[int, int]] = {}
    for category, opened_on, earned in recoveries:
        if category not in first or opened_on < first[category][0]:
            first[category] = opened_on, earned
    return sum(earned for _, earned in first.values())


def _beyond_prior(mass: int, outcome_micro: int, opened_on: int | None, rules: TrustRules) -> int:
    """What an incident earned beyond the prior, in the unit of `gain`; 0 for anything else."""
    return 0 if opened_on is None else mass * max(0, outcome_micro - rules.prior_rate_micro)
