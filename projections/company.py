"""The company view: one row for each promise, incident, thread and contact, each party's people, and what does not count.

What each side sees of it is decided when it is asked for; the rows hold no free text.
"""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from operator import attrgetter

from domain.feedback import FeedbackStanding
from domain.incident import IncidentStanding, resolve_due_at, respond_due_at
from domain.interaction import InteractionStanding
from domain.kinds import Standing
from domain.party import PartyStanding
from domain.policy import PolicyStanding
from domain.promise import PromiseStanding, on_time, overdue_from
from projections.fold import Change, Column, Context, Key, Projection, Table

_STREAM = (Column("stream", "TEXT", "the stream"),)
_PARTY = Column("party", "TEXT", "the party")

PROMISES = Table(
    "promises",
    "Every promise that was made, and how it stands.",
    _STREAM,
    (
        _PARTY,
        Column("promise_id", "TEXT", "the publisher's id"),
        Column("promisor", "TEXT", "company or party"),
        Column("status", "TEXT", "open, kept, broken or withdrawn"),
        Column("kept", "TEXT", "in_time or late, of a promise that was kept"),
        Column("made_at", "INTEGER", "microseconds since 1970 UTC"),
        Column("due_at", "INTEGER", "from when it is overdue, microseconds since 1970 UTC"),
        Column("ended_at", "INTEGER", "microseconds since 1970 UTC"),
        Column("team", "TEXT", "the company's team"),
        Column("person", "TEXT", "the company's person"),
        Column("guarantor", "TEXT", "who stands behind it"),
        Column("category", "TEXT", "what kind"),
        Column("channel", "TEXT", "by which channel"),
        Column("touchpoint", "TEXT", "at which touchpoint"),
        Column("weight_micro", "INTEGER", "weight in millionths"),
        Column("lapsed", "INTEGER", "1 where the clock recorded that it lapsed"),
        Column("renegotiations", "INTEGER", "how often its due time was moved with consent"),
        Column("accepted", "INTEGER", "1 where the promisee accepted it"),
        Column("disputed", "INTEGER", "1 where the promisee disputes it"),
    ),
    sums=False,
    indexes=("party, made_at", "status, due_at", "team", "person", "guarantor"),
)
INCIDENTS = Table(
    "incidents",
    "Every incident that was opened, and how it stands.",
    _STREAM,
    (
        _PARTY,
        Column("incident_id", "TEXT", "the publisher's id"),
        Column("status", "TEXT", "open, paused, resolved or closed"),
        Column("severity", "TEXT", "low, moderate, high or critical"),
        Column("category", "TEXT", "what kind"),
        Column("channel", "TEXT", "by which channel"),
        Column("team", "TEXT", "which team has it"),
        Column("person", "TEXT", "who has it"),
        Column("opened_at", "INTEGER", "microseconds since 1970 UTC"),
        Column("respond_by", "INTEGER", "the target as published, microseconds since 1970 UTC"),
        Column("resolve_by", "INTEGER", "the target as published, microseconds since 1970 UTC"),
        Column("respond_due_at", "INTEGER", "respond_by or the opening, later by the pauses; none while a pause holds it back"),
        Column("resolve_due_at", "INTEGER", "resolve_by or the opening, later by the pauses; none while a pause holds it back"),
        Column("responded_at", "INTEGER", "microseconds since 1970 UTC"),
        Column("resolved_at", "INTEGER", "microseconds since 1970 UTC"),
        Column("closed_at", "INTEGER", "microseconds since 1970 UTC"),
        Column("paused", "INTEGER", "microseconds it was paused"),
        Column("reopenings", "INTEGER", "how often it was reopened"),
        Column("reassignments", "INTEGER", "how often it was reassigned"),
        Column("escalations", "INTEGER", "how often it was escalated"),
        Column("within_authority", "INTEGER", "1 where whoever resolved it could decide alone"),
        Column("response_lapsed", "INTEGER", "1 where nobody responded in time"),
        Column("resolution_lapsed", "INTEGER", "1 where it was not resolved in time"),
    ),
    sums=False,
    indexes=("party, opened_at", "status, opened_at", "team", "person"),
)
FEEDBACK = Table(
    "feedback",
    "Every feedback thread, and whether it was answered.",
    _STREAM,
    (
        _PARTY,
        Column("feedback_id", "TEXT", "the publisher's id"),
        Column("status", "TEXT", "waiting or answered"),
        Column("instrument", "TEXT", "nps, csat, ces, review, complaint or comment"),
        Column("score_micro", "INTEGER", "0 the worst, 1000000 the best that can be given"),
        Column("received_at", "INTEGER", "microseconds since 1970 UTC"),
        Column("answer_by", "INTEGER", "microseconds since 1970 UTC"),
        Column("answered_at", "INTEGER", "microseconds since 1970 UTC"),
        Column("team", "TEXT", "which team is to answer"),
        Column("category", "TEXT", "what it is about"),
        Column("channel", "TEXT", "by which channel"),
        Column("lapsed", "INTEGER", "1 where nobody answered in time"),
    ),
    sums=False,
    indexes=("party, received_at", "status, received_at"),
)
INTERACTIONS = Table(
    "interactions",
    "Every contact.",
    _STREAM,
    (
        _PARTY,
        Column("interaction_id", "TEXT", "the publisher's id"),
        Column("happened_at", "INTEGER", "microseconds since 1970 UTC"),
        Column("direction", "TEXT", "inbound or outbound"),
        Column("purpose", "TEXT", "listen, serve, sell, thank or recover"),
        Column("channel", "TEXT", "by which channel"),
        Column("touchpoint", "TEXT", "at which touchpoint"),
        Column("team", "TEXT", "which team"),
        Column("person", "TEXT", "who of the company"),
        Column("topic", "TEXT", "what about"),
        Column("handed_from", "TEXT", "the team that handed the party over"),
        Column("repeated_context", "INTEGER", "1 where the party had to say it again"),
        Column("effort", "INTEGER", "1 effortless to 7 very hard"),
    ),
    sums=False,
    indexes=("party, happened_at",),
)
STAFF = Table(
    "staff",
    "Who of the company is there for a party.",
    (_PARTY, Column("role", "TEXT", "in which role")),
    (
        Column("person", "TEXT", "who"),
        Column("team", "TEXT", "of which team"),
        Column("since_at", "INTEGER", "microseconds since 1970 UTC"),
    ),
    sums=False,
    indexes=("person",),
)
REGISTERED = Table(
    "registered",
    "The parties that were registered.",
    (_PARTY,),
    (
        Column("kind", "TEXT", "customer, partner, supplier, employee or community"),
        Column("registered_at", "INTEGER", "microseconds since 1970 UTC"),
        Column("contact_changed_at", "INTEGER", "microseconds since 1970 UTC"),
    ),
    sums=False,
    indexes=("kind",),
)
UNSETTLED = Table(
    "unsettled",
    "Facts on the record that do not count: void, or awaiting what they refer to.",
    (*_STREAM, Column("reason", "TEXT", "why, by name; awaits_… where more is to come")),
    (
        _PARTY,
        Column("family", "TEXT", "promise, incident, feedback, interaction, party or policy"),
        Column("reference", "TEXT", "the publisher's id of the promise, incident, …"),
        Column("fact_count", "INTEGER", "how many facts of the stream"),
    ),
    sums=False,
    indexes=("party", "reason"),
)
TOTALS = Table(
    "party_totals",
    "Every party that anything was recorded about, with how much.",
    (_PARTY,),
    (
        Column(
            "stream_count",
            "INTEGER",
            "promises, incidents, threads, contacts, registrations; those too of which nothing counts (yet)",
        ),
        Column("promise_count", "INTEGER", "of them promises made to or by it"),
        Column("incident_count", "INTEGER", "of them incidents opened"),
        Column("open_incident_count", "INTEGER", "of those not resolved"),
        Column("feedback_count", "INTEGER", "of them feedback threads received"),
        Column("interaction_count", "INTEGER", "of them contacts"),
        Column("overdue_count", "INTEGER", "promises to it that lapsed and are not kept"),
    ),
    sums=True,
)


_PROMISE_TERMS = attrgetter("team", "person", "guarantor", "category", "channel", "touchpoint", "weight_micro")
_PROMISE_MARKS = attrgetter("lapsed", "renegotiations", "accepted", "disputed")
_INCIDENT_OPENING = attrgetter("incident_id", "status", "severity", "category", "channel", "team", "person", "opened_at")
_INCIDENT_TIMES = attrgetter("responded_at", "resolved_at", "closed_at", "paused", "reopenings")
_INCIDENT_MARKS = attrgetter("within_authority", "response_lapsed", "resolution_lapsed")
_THREAD = attrgetter("feedback_id", "status", "instrument", "score_micro", "received_at", "answer_by", "answered_at")
_CONTACT = attrgetter("interaction_id", "happened_at", "direction", "purpose", "channel", "touchpoint", "team", "person")
_CONTACT_DETAILS = attrgetter("topic", "handed_from", "repeated_context", "effort")


def of_standing(standing: Standing, context: Context) -> Sequence[Change]:
    """What one standing shows."""
    stream, party = (context.stream,), context.party
    match standing:
        case PromiseStanding(promise_id=reference):
            shown = _promise(standing, stream, party)
        case IncidentStanding(incident_id=reference):
            shown = _incident(standing, stream, party)
        case FeedbackStanding(feedback_id=reference):
            row = (party, *_THREAD(standing), standing.team, standing.category, standing.channel, standing.lapsed)
            shown = [_total(party, "feedback_count"), (FEEDBACK.name, stream, row)]
        case InteractionStanding(interaction_id=reference):
            row = (party, *_CONTACT(standing), *_CONTACT_DETAILS(standing))
            shown = [_total(party, "interaction_count"), (INTERACTIONS.name, stream, row)]
        case PartyStanding():
            return [_total(party), *_registered(standing, party), *_unsettled(standing, "party", stream, party)]
        case PolicyStanding():
            return _unsettled(standing, standing.version, stream, party)
    if standing.status == "awaiting":
        shown = [_total(party)]
    return [*shown, *_unsettled(standing, reference, stream, party)] if standing.void else shown


PROJECTION = Projection(
    "company",
    2,
    (PROMISES, INCIDENTS, FEEDBACK, INTERACTIONS, STAFF, REGISTERED, UNSETTLED, TOTALS),
    of_standing,
)


def _promise(it: PromiseStanding, stream: Key, party: str) -> list[Change]:
    kept = ("in_time" if on_time(it) else "late") if it.status == "kept" else None
    when = (it.made_at, overdue_from(it), it.ended_at)
    row = (party, it.promise_id, it.promisor, it.status, kept, *when, *_PROMISE_TERMS(it), *_PROMISE_MARKS(it))
    overdue = it.promisor == "company" and it.status == "open" and it.lapsed
    total = _total(party, "promise_count", "overdue_count") if overdue else _total(party, "promise_count")
    return [total, (PROMISES.name, stream, row)]


def _incident(it: IncidentStanding, stream: Key, party: str) -> list[Change]:
    escalations = it.escalations_for_authority + it.escalations_for_skill
    targets = (it.respond_by, it.resolve_by, respond_due_at(it), resolve_due_at(it))
    times = _INCIDENT_TIMES(it)
    row = (party, *_INCIDENT_OPENING(it), *targets, *times, it.reassignments, escalations, *_INCIDENT_MARKS(it))
    unresolved = it.status in ("open", "paused")
    total = _total(party, "incident_count", "open_incident_count") if unresolved else _total(party, "incident_count")
    return [total, (INCIDENTS.name, stream, row)]


def _registered(it: PartyStanding, party: str) -> list[Change]:
    rows: list[Change] = [(STAFF.name, (party, each.role), (each.person, each.team, each.since_at)) for each in it.staff]
    if it.kind is not None:
        rows.append((REGISTERED.name, (party,), (it.kind, it.registered_at, it.contact_changed_at)))
    return rows


def _unsettled(standing: Standing, reference: str, stream: Key, party: str) -> list[Change]:
    family = str(standing.__struct_config__.tag)
    reasons = Counter(void.reason for void in standing.void)
    return [(UNSETTLED.name, (*stream, reason), (party, family, reference, count)) for reason, count in sorted(reasons.items())]


def _total(party: str, *names: str) -> Change:
    return TOTALS.name, (party,), _ones(("stream_count", *names))


@cache
def _ones(names: Sequence[str]) -> tuple[int, ...]:
    return tuple(int(column.name in names) for column in TOTALS.values)
