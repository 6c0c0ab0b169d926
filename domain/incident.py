"""Incidents: trouble, and how it was put right.

The incident starts with the first `opened`; what happened before it is void. Of what follows, in order of happening:

    already_opened      a second `opened`
    before_opened       anything that happened before it was opened (resolved before opened)
    awaits_opened       anything, while no `opened` is known
    already_responded   a second response
    already_paused      a pause inside a pause
    not_paused          resuming what runs
    already_resolved    resolved, paused, resumed, escalated or reassigned after it was resolved
    not_resolved        reopening what is neither resolved nor closed
    already_closed      anything but reopening and a first response after it was closed
    responded_in_time, resolved_in_time     a lapse that turned out wrong: resolving or closing answers too
    target_was_another  a lapse at a time that is not the incident's target
    already_lapsed      a second lapse of the same target
    not_overdue_yet     a lapse before its target

Closing an incident that nobody resolved resolves it at that moment. Resolving or closing ends a pause. A response after
resolving or closing still counts as the first one where there was none.
"""

from typing import ClassVar, Literal

from msgspec.structs import replace

from domain.fact import Fact, Id, PersonalText
from domain.instant import Instant
from domain.stream import Known, Standing, awaiting, walk

Severity = Literal["low", "moderate", "high", "critical"]


class _AboutIncident(Fact):
    FAMILY: ClassVar[str] = "incident"

    incident_id: Id
    """The publisher's id of the incident, unique for the party."""

    @property
    def key(self) -> str:
        """The incident's id."""
        return self.incident_id


class IncidentOpened(_AboutIncident):
    """The party has trouble that the company is to put right."""

    KIND: ClassVar[str] = "incident.opened.v1"
    RANK: ClassVar[int] = 0

    severity: Severity
    """How bad it is."""
    category: Id | None = None
    """What kind of trouble it is."""
    channel: Id | None = None
    """By which channel it came."""
    team: Id | None = None
    """Which team has it."""
    person: Id | None = None
    """Who has it."""
    respond_by: Instant | None = None
    """By when somebody is to respond."""
    resolve_by: Instant | None = None
    """By when it is to be resolved."""
    summary: PersonalText | None = None
    """In words."""


class IncidentReopened(_AboutIncident):
    """What was resolved or closed was not put right after all."""

    KIND: ClassVar[str] = "incident.reopened.v1"
    RANK: ClassVar[int] = 1


class IncidentResumed(_AboutIncident):
    """Work goes on; the pause is over."""

    KIND: ClassVar[str] = "incident.resumed.v1"
    RANK: ClassVar[int] = 2


class IncidentReassigned(_AboutIncident):
    """Another team or person has it now."""

    KIND: ClassVar[str] = "incident.reassigned.v1"
    RANK: ClassVar[int] = 3

    team: Id | None = None
    """The team that has it now; none where it is not known."""
    person: Id | None = None
    """The person who has it now; none where it is not known."""


class IncidentEscalated(_AboutIncident):
    """Whoever had it could not put it right alone."""

    KIND: ClassVar[str] = "incident.escalated.v1"
    RANK: ClassVar[int] = 4

    want_of: Literal["authority", "skill"]
    """What was wanting."""


class IncidentResponded(_AboutIncident):
    """Somebody of the company answered the party."""

    KIND: ClassVar[str] = "incident.responded.v1"
    RANK: ClassVar[int] = 5


class IncidentPaused(_AboutIncident):
    """Nothing can be done until the party, or a third, has done something."""

    KIND: ClassVar[str] = "incident.paused.v1"
    RANK: ClassVar[int] = 6

    reason: Id | None = None
    """What is waited for, as a word: `customer`, `vendor`, …"""


class IncidentResolved(_AboutIncident):
    """The trouble was put right."""

    KIND: ClassVar[str] = "incident.resolved.v1"
    RANK: ClassVar[int] = 7

    within_authority: bool | None = None
    """Whether whoever resolved it could decide alone; none where it is not known."""


class IncidentClosed(_AboutIncident):
    """Nothing more is to be done about it."""

    KIND: ClassVar[str] = "incident.closed.v1"
    RANK: ClassVar[int] = 8


class IncidentResponseLapsed(_AboutIncident):
    """The time to respond passed without a response. Only the ledger's own clock records this."""

    KIND: ClassVar[str] = "incident.response_lapsed.v1"
    RANK: ClassVar[int] = 9

    respond_by: Instant
    """The target that was missed."""


class IncidentResolutionLapsed(_AboutIncident):
    """The time to resolve passed without a resolution. Only the ledger's own clock records this."""

    KIND: ClassVar[str] = "incident.resolution_lapsed.v1"
    RANK: ClassVar[int] = 10

    resolve_by: Instant
    """The target that was missed."""


class IncidentStanding(Standing, frozen=True, kw_only=True, omit_defaults=True, tag="incident", gc=False):
    """What an incident amounts to. Instants are microseconds since 1970 UTC, durations microseconds."""

    incident_id: str
    status: Literal["awaiting", "open", "paused", "resolved", "closed"] = "awaiting"
    severity: Severity = "moderate"
    opened_at: int = 0
    category: str | None = None
    channel: str | None = None
    team: str | None = None
    person: str | None = None
    respond_by: int | None = None
    resolve_by: int | None = None
    responded_at: int | None = None
    paused_at: int | None = None
    resolved_at: int | None = None
    closed_at: int | None = None
    first_resolved_at: int | None = None
    paused_before_response: int = 0
    paused: int = 0
    reopened_at: int | None = None
    reopenings: int = 0
    reassignments: int = 0
    escalations_for_authority: int = 0
    escalations_for_skill: int = 0
    within_authority: bool | None = None
    response_lapsed: bool = False
    resolution_lapsed: bool = False


def standing(key: str, known: list[Known]) -> IncidentStanding:
    """The standing of the incident with this id, given all facts known of it."""
    reached = walk(IncidentStanding(incident_id=key), known, _take)
    return awaiting(reached, before="before_opened", now="awaits_opened") if reached.status == "awaiting" else reached


def lapses(standing: IncidentStanding) -> list[tuple[int, Fact]]:
    """What the clock will record, and when, unless something happens before."""
    due: list[tuple[int, Fact]] = []
    if standing.status == "awaiting" or standing.first_resolved_at is not None:
        return due
    about, since = standing.incident_id, standing.opened_at
    responded = standing.responded_at is not None or standing.response_lapsed
    if (by := standing.respond_by) is not None and not responded:
        due.append((max(by, since), IncidentResponseLapsed.model_construct(incident_id=about, respond_by=by)))
    if (by := standing.resolve_by) is not None and not standing.resolution_lapsed:
        due.append((max(by, since), IncidentResolutionLapsed.model_construct(incident_id=about, resolve_by=by)))
    return due


def _take(now: IncidentStanding, known: Known) -> IncidentStanding | str:
    fact, at = known.fact, known.happened_at
    if isinstance(fact, IncidentOpened):
        return _open(now, fact, at) if now.status == "awaiting" else "already_opened"
    if now.status == "awaiting":
        return "before_opened"
    match fact:
        case IncidentResponded():
            return _respond(now, at)
        case IncidentReopened():
            return _reopen(now, at)
        case IncidentResponseLapsed() if now.responded_at is not None or now.first_resolved_at is not None:
            return "responded_in_time"
        case IncidentResponseLapsed():
            wrong = _wrong(fact.respond_by, now.respond_by, at, now.response_lapsed)
            return wrong or replace(now, response_lapsed=True)
        case IncidentResolutionLapsed() if now.first_resolved_at is not None:
            return "resolved_in_time"
        case IncidentResolutionLapsed():
            wrong = _wrong(fact.resolve_by, now.resolve_by, at, now.resolution_lapsed)
            return wrong or replace(now, resolution_lapsed=True)
        case _ if now.status == "closed":
            return "already_closed"
        case IncidentClosed():
            return replace(_end(now, at), status="closed", closed_at=at)
        case _ if now.status == "resolved":
            return "already_resolved"
        case IncidentResolved():
            return replace(_end(now, at), within_authority=fact.within_authority)
        case _:
            return _work(now, fact, at)


def _work(now: IncidentStanding, fact: Fact, at: int) -> IncidentStanding | str:
    match fact:
        case IncidentPaused():
            return replace(now, status="paused", paused_at=at) if now.paused_at is None else "already_paused"
        case IncidentResumed():
            return _resume(now, at) if now.paused_at is not None else "not_paused"
        case IncidentReassigned():
            return replace(now, team=fact.team, person=fact.person, reassignments=now.reassignments + 1)
        case IncidentEscalated(want_of="authority"):
            return replace(now, escalations_for_authority=now.escalations_for_authority + 1)
        case IncidentEscalated():
            return replace(now, escalations_for_skill=now.escalations_for_skill + 1)
        case _:
            raise AssertionError(f"{fact.KIND} is no fact about an incident")


def _open(now: IncidentStanding, fact: IncidentOpened, at: int) -> IncidentStanding:
    now = replace(now, status="open", opened_at=at, severity=fact.severity, category=fact.category)
    now = replace(now, channel=fact.channel, team=fact.team, person=fact.person)
    return replace(now, respond_by=fact.respond_by, resolve_by=fact.resolve_by)


def _respond(now: IncidentStanding, at: int) -> IncidentStanding | str:
    if now.responded_at is not None:
        return "already_responded"
    running_pause = 0 if now.paused_at is None else at - now.paused_at
    return replace(now, responded_at=at, paused_before_response=now.paused + running_pause)


def _resume(now: IncidentStanding, at: int) -> IncidentStanding:
    if now.paused_at is None:
        return now
    return replace(now, status="open", paused_at=None, paused=now.paused + at - now.paused_at)


def _end(now: IncidentStanding, at: int) -> IncidentStanding:
    """Resolved at this moment, unless it is already; a pause ends with it."""
    if now.status == "resolved":
        return now
    first = at if now.first_resolved_at is None else now.first_resolved_at
    return replace(_resume(now, at), status="resolved", resolved_at=at, first_resolved_at=first)


def _reopen(now: IncidentStanding, at: int) -> IncidentStanding | str:
    if now.status not in ("resolved", "closed"):
        return "not_resolved"
    unsaid = replace(now, resolved_at=None, closed_at=None, within_authority=None)
    return replace(unsaid, status="open", reopened_at=at, reopenings=now.reopenings + 1)


def _wrong(missed: int, target: int | None, at: int, lapsed: bool) -> str | None:
    """Why a lapse does not count that nothing done in time has refuted; None where it counts."""
    if missed != target:
        return "target_was_another"
    if at < missed:
        return "not_overdue_yet"
    return "already_lapsed" if lapsed else None
