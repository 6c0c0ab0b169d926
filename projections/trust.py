"""Trust: the evidence of every standing, summed by forward decay for each subject, and read at any moment.

T(t) = (a·W + Σ wᵢ(t)·vᵢ) / (W + Σ wᵢ(t)) with wᵢ(t) = wᵢ·2^(−(t − tᵢ)/h): the beta reputation system (Jøsang and Ismail 2002)
with decay by when things happened. Subjects: a party in both directions, and who promised: team, person, category, channel.

Recovery credit is given once: of a party's troubles of one category, those opened on the first day (UTC) may earn more than the
prior rate; a later failure of the same kind, however well recovered, earns at most the prior (Maxham and Netemeyer 2002). What
an incident earned beyond the prior is kept apart, by the day it was opened, and only the first day's is added when reading.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from domain.evidence import evidence
from domain.feedback import FeedbackStanding
from domain.incident import IncidentStanding
from domain.instant import DAY
from domain.interaction import InteractionStanding
from domain.kinds import Standing
from domain.party import PartyStanding
from domain.policy import Policy, PolicyStanding, TrustRules
from domain.promise import PromiseStanding
from projections import beta, decay
from projections.fold import Change, Column, Context, Projection, Table

MICRO = 1_000_000
PROMISORS = ("team", "person", "category", "channel")
"""Whom else than the party evidence about us is about: who promised, and what kind of thing."""

Judged = PromiseStanding | IncidentStanding | FeedbackStanding

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
EVIDENCE = Table(
    "evidence",
    "Each piece of evidence, with what it is about.",
    (Column("stream", "TEXT", "the promise, incident or feedback thread"),),
    (
        Column("party", "TEXT", "the party"),
        Column("family", "TEXT", "promise, incident or feedback"),
        Column("reference", "TEXT", "the publisher's id of it"),
        Column("direction", "TEXT", "in_us or in_them"),
        Column("at", "INTEGER", "since when it counts, microseconds since 1970 UTC"),
        Column("weight_micro", "INTEGER", "weight in millionths"),
        Column("outcome_micro", "INTEGER", "0 broken, 1000000 as desired"),
        Column("because", "TEXT", "why the outcome is what it is, by name"),
        Column("team", "TEXT", "who promised"),
        Column("person", "TEXT", "who promised"),
        Column("category", "TEXT", "what kind"),
        Column("channel", "TEXT", "by which channel"),
        Column("opened_on", "INTEGER", "of an incident: days since 1970-01-01 UTC when it was opened"),
        Column("by", "TEXT", "versions in the stream of the facts that count, separated by spaces", in_digest=False),
    ),
    sums=False,
    indexes=("party, at", "team", "person", "category", "channel"),
)


class Piece(NamedTuple):
    """One row of `evidence`."""

    stream: str
    party: str
    family: str
    reference: str
    direction: str
    at: int
    weight_micro: int
    outcome_micro: int
    because: str
    team: str | None
    person: str | None
    category: str | None
    channel: str | None
    opened_on: int | None
    by: str


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


def of_standing(standing: Standing, context: Context) -> Sequence[Change]:
    """What one standing contributes."""
    match standing:
        case PromiseStanding(promise_id=reference, person=person):
            return _judged(standing, context, reference=reference, person=person)
        case IncidentStanding(status="awaiting"):
            return ()
        case IncidentStanding(incident_id=reference, person=person, opened_at=at):
            return _judged(standing, context, reference=reference, person=person, opened_on=at // DAY)
        case FeedbackStanding(feedback_id=reference):
            return _judged(standing, context, reference=reference)
        case InteractionStanding() | PartyStanding() | PolicyStanding():
            return ()


PROJECTION = Projection("trust", 2, (SUMS, RECOVERIES, EVIDENCE), of_standing, judges=True)


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


def _judged(
    standing: Judged, context: Context, *, reference: str, person: str | None = None, opened_on: int | None = None
) -> Sequence[Change]:
    """The evidence of a standing with what it adds up to; of trouble the day it began too, settled or not."""
    party, rules = context.party, context.policy.trust
    found = evidence(standing, rules)
    kind = standing.category or ""
    if found is None:
        return () if opened_on is None else [(RECOVERIES.name, (party, kind, opened_on), (1, 0))]
    direction, at, weight, outcome, because = found
    mass, gain = decay.term(at, weight, outcome, rules.half_life)
    beyond = _beyond_prior(mass, outcome, opened_on, rules)
    counts = (1, int(outcome == MICRO), int(outcome == 0))
    who = (standing.team, person, standing.category, standing.channel)
    by = " ".join(map(str, standing.by))
    family = str(standing.__struct_config__.tag)
    row = (party, family, reference, direction, at, weight, outcome, because, *who, opened_on, by)
    changes: list[Change] = [(SUMS.name, ("party", party, direction), (mass, gain - beyond, *counts))]
    if opened_on is not None:
        changes.append((RECOVERIES.name, (party, kind, opened_on), (1, beyond)))
    if direction == "in_us":
        of_promisor = (mass, gain, *counts)
        for subject_kind, subject in zip(PROMISORS, who, strict=True):
            if subject is not None:
                changes.append((SUMS.name, (subject_kind, subject, direction), of_promisor))
    changes.append((EVIDENCE.name, (context.stream,), row))
    return changes


def _beyond_prior(mass: int, outcome_micro: int, opened_on: int | None, rules: TrustRules) -> int:
    """What an incident earned beyond the prior, in the unit of `gain`; 0 for anything else."""
    return 0 if opened_on is None else mass * max(0, outcome_micro - rules.prior_rate_micro)
