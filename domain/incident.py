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
    not_overdue_yet     a lapse before its target, or while a pause holds the target back

Closing an incident that nobody resolved resolves it at that moment. Resolving or closing ends a pause. A response after
resolving or closing still counts as the first one where there was none.

Pauses hold targets back: nothing lapses while one runs, and then the target falls later by as long as it lasted; the target to
respond by until somebody responds. Only a pause that began by the target, as earlier pauses had moved it, does so: what was
missed stays missed, whatever pause comes after. So a target is missed just when more time was worked than it gave, and what
lapsed rightly is resolved late.
"""

from typing import Literal

from msgspec.structs import replace

from domain.fact import Fact
from domain.incident_facts import (
    IncidentClosed,
    IncidentEscalated,
    IncidentOpened,
    IncidentPaused,
    IncidentReassigned,
    IncidentReopened,
    IncidentResolutionLapsed,
    IncidentResolved,
    IncidentResponded,
    IncidentResponseLapsed,
    IncidentResumed,
    Severity,
)
from domain.stream import Known, Standing, awaiting, walk


class IncidentStanding(Standing, frozen=True, kw_only=True, omit_defaults=True, tag="incident", gc=False):
    """What an incident amounts to. Instants are microseconds since 1970 UTC, durations microseconds.

    `respond_by` and `resolve_by` are the targets as published, `…_moved` by how much pauses that are over have moved them.
    """

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
    respond_by_moved: int = 0
    resolve_by_moved: int = 0
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
    reached = walk(IncidentStanding(incident_id=key), known, take)
    return awaiting(reached, before="before_opened", now="awaits_opened") if reached.status == "awaiting" else reached


def respond_due_at(incident: IncidentStanding) -> int | None:
    """From when it is overdue that nobody has responded; None where there is no target, or while a pause holds it back."""
    paused_at = incident.paused_at if incident.responded_at is None else None
    return _due_at(incident.respond_by, incident.respond_by_moved, incident.opened_at, paused_at)


def resolve_due_at(incident: IncidentStanding) -> int | None:
    """From when it is overdue that it is not resolved; None where there is no target, or while a pause holds it back."""
    return _due_at(incident.resolve_by, incident.resolve_by_moved, incident.opened_at, incident.paused_at)


def lapses(standing: IncidentStanding) -> list[tuple[int, Fact]]:
    """What the clock will record, and when, unless something happens before."""
    due: list[tuple[int, Fact]] = []
    if standing.status == "awaiting" or standing.first_resolved_at is not None:
        return due
    about, responded = standing.incident_id, standing.responded_at is not None or standing.response_lapsed
    respond_at, resolve_at = respond_due_at(standing), resolve_due_at(standing)
    if (by := standing.respond_by) is not None and respond_at is not None and not responded:
        due.append((respond_at, IncidentResponseLapsed.model_construct(incident_id=about, respond_by=by)))
    if (by := standing.resolve_by) is not None and resolve_at is not None and not standing.resolution_lapsed:
        due.append((resolve_at, IncidentResolutionLapsed.model_construct(incident_id=about, resolve_by=by)))
    return due


def take(now: IncidentStanding, known: Known) -> IncidentStanding | str:
    """The rule: what one more fact leads to, or why it is void."""
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
            wrong = _wrong(at, respond_due_at(now), lapsed=now.response_lapsed, another=fact.respond_by != now.respond_by)
            return wrong or replace(now, response_lapsed=True)
        case IncidentResolutionLapsed() if now.first_resolved_at is not None:
            return "resolved_in_time"
        case IncidentResolutionLapsed():
            wrong = _wrong(at, resolve_due_at(now), lapsed=now.resolution_lapsed, another=fact.resolve_by != now.resolve_by)
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
    return replace(
        now,
        status="open",
        opened_at=at,
        severity=fact.severity,
        category=fact.category,
        channel=fact.channel,
        team=fact.team,
        person=fact.person,
        respond_by=fact.respond_by,
        resolve_by=fact.resolve_by,
    )


def _respond(now: IncidentStanding, at: int) -> IncidentStanding | str:
    if now.responded_at is not None:
        return "already_responded"
    running_pause = 0 if now.paused_at is None else at - now.paused_at
    moved = now.respond_by_moved + (running_pause if _holds_response(now) else 0)
    return replace(now, responded_at=at, paused_before_response=now.paused + running_pause, respond_by_moved=moved)


def _resume(now: IncidentStanding, at: int) -> IncidentStanding:
    if now.paused_at is None:
        return now
    pause = at - now.paused_at
    to_respond = now.respond_by_moved + (pause if _holds_response(now) else 0)
    to_resolve = now.resolve_by_moved + (pause if _holds_resolution(now) else 0)
    moved = replace(now, respond_by_moved=to_respond, resolve_by_moved=to_resolve)
    return replace(moved, status="open", paused_at=None, paused=now.paused + pause)


def _holds_response(now: IncidentStanding) -> bool:
    """Whether a pause holds the target to respond by back."""
    return now.respond_by is not None and respond_due_at(now) is None


def _holds_resolution(now: IncidentStanding) -> bool:
    """Whether a pause holds the target to resolve by back."""
    return now.resolve_by is not None and resolve_due_at(now) is None


def _due_at(by: int | None, moved: int, opened_at: int, paused_at: int | None) -> int | None:
    """The target as pauses have moved it, or the opening if that was later."""
    if by is None or (paused_at is not None and paused_at <= by + moved):
        return None
    return max(by + moved, opened_at)


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


def _wrong(at: int, due_at: int | None, *, lapsed: bool, another: bool) -> str | None:
    """Why a lapse does not count that nothing done in time has refuted; None where it counts."""
    if another:
        return "target_was_another"
    if due_at is None or at < due_at:
        return "not_overdue_yet"
    return "already_lapsed" if lapsed else None
