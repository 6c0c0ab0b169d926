"""Evidence: what every standing says about trust, one row each. Trust adds them up; this is what explains it."""

from collections.abc import Sequence

from domain.evidence import evidence
from domain.feedback import FeedbackStanding
from domain.incident import IncidentStanding
from domain.instant import DAY
from domain.interaction import InteractionStanding
from domain.kinds import Standing
from domain.party import PartyStanding
from domain.policy import PolicyStanding
from domain.promise import PromiseStanding
from projections.fold import Change, Column, Context, Projection, Table
from projections.pieces import Piece

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


def of_standing(standing: Standing, context: Context) -> Sequence[Change]:
    """The piece of evidence that a standing is, if it is any (yet)."""
    match standing:
        case IncidentStanding(status="awaiting"):
            return ()
        case PromiseStanding(promise_id=reference, person=person):
            opened_on = None
        case IncidentStanding(incident_id=reference, person=person, opened_at=at):
            opened_on = at // DAY
        case FeedbackStanding(feedback_id=reference):
            person = opened_on = None
        case InteractionStanding() | PartyStanding() | PolicyStanding():
            return ()
    found = evidence(standing, context.policy.trust)
    if found is None:
        return ()
    piece = Piece(
        context.stream,
        context.party,
        str(standing.__struct_config__.tag),
        reference,
        found.direction,
        found.at,
        found.weight_micro,
        found.outcome_micro,
        found.because,
        standing.team,
        person,
        standing.category,
        standing.channel,
        opened_on,
        " ".join(map(str, standing.by)),
    )
    return [(EVIDENCE.name, piece[:1], piece[1:])]


PROJECTION = Projection("evidence", 1, (EVIDENCE,), of_standing, judges=True)
