"""How far a subject can be trusted, and exactly why."""

from typing import Literal

from domain.evidence import Direction
from infra.asking.answers import Answer, Asked, At, NotFound, asked, refuse_unknown, select
from infra.asking.moment import Moment
from projections import trust
from projections.pieces import Piece
from projections.trust import Score

SubjectKind = Literal["party", "team", "person", "category", "channel"]


class ScoreShown(Answer):
    """Trust in one direction, in millionths, never without its interval and the mass of evidence."""

    direction: Direction
    """in_us: how far they can trust us; in_them: how far we can trust them."""
    grade: str
    """The policy's word for the lower bound; `unknown` where there is less evidence than the prior weighs."""
    score_micro: int
    """T, rounded down."""
    lower_micro: int
    """The lower bound of the central 95 % interval."""
    upper_micro: int
    """Its upper bound."""
    mass_micro: int
    """The mass of evidence: the sum of the decayed weights."""
    uncertainty_micro: int
    """W / (W + mass)."""
    evidence_count: int
    """Pieces of evidence."""
    as_desired_count: int
    """Of them with the best outcome."""
    failed_count: int
    """Of them with outcome 0."""


class TrustAnswer(Answer):
    """How far a party can trust us, and how far we can trust the party."""

    party: str
    asked: Asked
    in_us: ScoreShown
    in_them: ScoreShown


class ContributionShown(Answer):
    """What one promise, incident or feedback thread adds to the score."""

    family: str
    reference: str
    """The publisher's id of it."""
    stream: str
    because: str
    """Why its outcome is what it is, by name."""
    at: At
    """Since when it counts."""
    weight_micro: int
    outcome_micro: int
    credited: bool
    """False where a recovery earns no credit, since it was not the first trouble of its kind."""
    contribution_micro: int
    """In millionths, so rounded that all of them sum to score − prior."""
    numerator: str
    """Exactly: this over the answer's denominator; decimal digits, since it is larger than JSON readers take."""
    entries: list[int]
    """Positions of the entries that made it so."""


class Explanation(Answer):
    """A score, and every contribution to it: the numerators sum to (score − prior) × denominator exactly."""

    subject_kind: SubjectKind
    subject: str
    asked: Asked
    score: ScoreShown
    prior_micro: int
    denominator: str
    contributions: list[ContributionShown]


def score_of(moment: Moment, kind: SubjectKind, subject: str, direction: Direction) -> tuple[Score, tuple[int, int, int]]:
    """The score of a subject, and its counts (evidence, as desired, failed), from the exact sums."""
    rows = select(
        moment,
        "SELECT mass, gain, evidence_count, as_desired_count, failed_count FROM trust_sums "
        "WHERE subject_kind = ? AND subject = ? AND direction = ?",
        kind,
        subject,
        direction,
    )
    mass, gain, *counts = (int(cell) for cell in rows[0]) if rows else (0, 0, 0, 0, 0)
    if kind == "party" and direction == "in_us":
        gain += trust.credit(_recoveries(moment, subject))
    return trust.score(mass, gain, moment.now, moment.policy), (counts[0], counts[1], counts[2])


def of_party(moment: Moment, party: str) -> TrustAnswer:
    """How far a party can trust us, and how far we can trust the party. Raises NotFound."""
    refuse_unknown(moment, party)
    return TrustAnswer(
        party=party,
        asked=asked(moment),
        in_us=shown(moment, "party", party, "in_us"),
        in_them=shown(moment, "party", party, "in_them"),
    )


def shown(moment: Moment, kind: SubjectKind, subject: str, direction: Direction) -> ScoreShown:
    """A subject's score in one direction, as answers show it."""
    return _shown(direction, *score_of(moment, kind, subject, direction))


def explain(moment: Moment, kind: SubjectKind, subject: str, direction: Direction = "in_us") -> Explanation:
    """The score of a subject with every contribution, the largest first. Raises NotFound."""
    pieces = pieces_of(moment, kind, subject, direction)
    if kind == "party":
        refuse_unknown(moment, subject)
    elif not pieces:
        raise NotFound(f"there is no evidence about this {kind}")
    first_days = _first_days(moment, subject) if kind == "party" else {}
    total, contributions = trust.explain(pieces, first_days, moment.now, moment.policy)
    positions = _positions(moment, pieces)
    _, counts = score_of(moment, kind, subject, direction)
    return Explanation(
        subject_kind=kind,
        subject=subject,
        asked=asked(moment),
        score=_shown(direction, total, counts),
        prior_micro=moment.policy.trust.prior_rate_micro,
        denominator=str(total.reading.denominator),
        contributions=[
            ContributionShown(
                family=each.piece.family,
                reference=each.piece.reference,
                stream=each.piece.stream,
                because=each.piece.because,
                at=each.piece.at,
                weight_micro=each.piece.weight_micro,
                outcome_micro=each.piece.outcome_micro,
                credited=each.credited,
                contribution_micro=each.contribution_micro,
                numerator=str(each.numerator),
                entries=positions.get(each.piece.stream, []),
            )
            for each in sorted(contributions, key=lambda each: -abs(each.numerator))
        ],
    )


def pieces_of(moment: Moment, kind: SubjectKind, subject: str, direction: Direction) -> list[Piece]:
    """The pieces of evidence about a subject, in the order of happening."""
    columns = ", ".join(f'"{name}"' for name in Piece._fields)
    return [
        Piece(*row)
        for row in select(
            moment,
            f"SELECT {columns} FROM evidence WHERE {kind} = ? AND direction = ? ORDER BY at, stream",
            subject,
            direction,
        )
    ]


def terms_of(moment: Moment, party: str) -> list[tuple[int, int, int]]:
    """(at, mass, gain) of each piece of evidence about us that the party has, in the order of happening."""
    first_days = _first_days(moment, party)
    pieces = pieces_of(moment, "party", party, "in_us")
    return [(each.at, *trust.term(each, moment.policy, trust.is_credited(each, first_days))) for each in pieces]


def _first_days(moment: Moment, party: str) -> dict[str, int]:
    """For each category of trouble the day of the party's first incident, in days since 1970."""
    first: dict[str, int] = {}
    for category, opened_on, _ in _recoveries(moment, party):
        first[category] = min(opened_on, first.get(category, opened_on))
    return first


def _recoveries(moment: Moment, party: str) -> list[tuple[str, int, int]]:
    rows = select(moment, "SELECT category, opened_on, credit FROM trust_recoveries WHERE party = ?", party)
    return [(category, opened_on, int(credit)) for category, opened_on, credit in rows]


def _positions(moment: Moment, pieces: list[Piece]) -> dict[str, list[int]]:
    """Where the entries behind each piece stand; a lapse that only the asked moment's clock saw has no entry."""
    wanted = {(piece.stream, int(version)) for piece in pieces for version in piece.by.split()}
    found: dict[str, list[int]] = {}
    for stream, version, position in moment.log.positions(sorted({stream for stream, _ in wanted})):
        if (stream, version) in wanted:
            found.setdefault(stream, []).append(position)
    return found


def _shown(direction: Direction, score: Score, counts: tuple[int, int, int]) -> ScoreShown:
    return ScoreShown(
        direction=direction,
        grade=score.grade,
        score_micro=score.score_micro,
        lower_micro=score.lower_micro,
        upper_micro=score.upper_micro,
        mass_micro=score.mass_micro,
        uncertainty_micro=score.uncertainty_micro,
        evidence_count=counts[0],
        as_desired_count=counts[1],
        failed_count=counts[2],
    )
