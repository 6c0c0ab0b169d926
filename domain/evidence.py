"""What one standing says about trust: at most one piece of evidence each, under a policy.

promise     kept in time 1; kept late: the late ceiling, falling to 0 as the delay reaches the promise's own span;
            broken, withdrawn without consent, or overdue and not kept: 0, from when it was due or ended before;
            withdrawn with consent before it was due: none. Disputed: with the policy's smaller weight.
incident    resolved in time 1, late as above, less a penalty for each reopening; open past its target 0, from the
            target as pauses moved it. In time means that the time worked, from opening to resolving without the
            pauses, is no longer than the publisher's target gave, or than the policy's hours for the severity where
            there is none: what lapsed is late. Reopened and not resolved again: 0, from when it was reopened.
feedback    answered in time 1, late as above; waiting past its time 0.
"""

from typing import Literal

from msgspec import Struct

from domain.feedback import FeedbackStanding
from domain.incident import IncidentStanding, resolve_due_at
from domain.instant import HOUR
from domain.kinds import Standing
from domain.policy import TrustRules
from domain.promise import PromiseStanding, overdue_from

ONE = 1_000_000

Direction = Literal["in_us", "in_them"]
"""Whose keeping of their word it tells of: ours (the party's trust in us) or theirs (our trust in them)."""


class Evidence(Struct, frozen=True, gc=False):
    """A weight and an outcome in millionths (0 broken, 10⁶ as desired), from when on, and why, by name."""

    direction: Direction
    at: int
    weight_micro: int
    outcome_micro: int
    because: str


def evidence(standing: Standing, rules: TrustRules) -> Evidence | None:
    """What the standing says about trust, or None where it says nothing (yet)."""
    match standing:
        case PromiseStanding():
            return of_promise(standing, rules)
        case IncidentStanding():
            return of_incident(standing, rules)
        case FeedbackStanding():
            return of_feedback(standing, rules)
        case _:
            return None


def lateness(due_at: int, done_at: int, span: int, ceiling_micro: int) -> tuple[int, str]:
    """Outcome in millionths of something done at `done_at` that was due at `due_at` and given `span` microseconds."""
    if done_at <= due_at:
        return ONE, "in_time"
    if done_at - due_at >= span:
        return 0, "too_late"
    return ceiling_micro - ceiling_micro * (done_at - due_at) // span, "late"


def of_promise(promise: PromiseStanding, rules: TrustRules) -> Evidence | None:
    """What a promise says about trust."""
    at, due_at = promise.ended_at, promise.due_at
    if at is None:
        overdue_at = overdue_from(promise) if promise.lapsed else None
        if overdue_at is None:
            return None
        at, outcome, because = overdue_at, 0, "overdue"
    elif promise.status == "kept":
        if due_at is None or at <= due_at:
            outcome, because = ONE, "in_time"
        else:
            outcome, because = lateness(due_at, at, due_at - promise.made_at, rules.late_ceiling_micro)
    elif promise.consent and (due_at is None or at <= due_at):
        return None
    else:
        outcome, because = 0, promise.status
        overdue_at = overdue_from(promise)
        at = at if overdue_at is None else min(at, overdue_at)
    weight = promise.weight_micro
    if promise.disputed:
        weight, because = weight * rules.disputed_weight_micro // ONE, because + "_disputed"
    return Evidence("in_us" if promise.promisor == "company" else "in_them", at, weight, outcome, because)


def of_incident(incident: IncidentStanding, rules: TrustRules) -> Evidence | None:
    """What an incident says about trust."""
    if incident.resolved_at is None:
        if incident.reopened_at is not None:
            return Evidence("in_us", incident.reopened_at, _weight(incident, rules), 0, "reopened")
        missed_at = resolve_due_at(incident) if incident.resolution_lapsed else None
        return None if missed_at is None else Evidence("in_us", missed_at, _weight(incident, rules), 0, "unresolved")
    weight, worked_until = _weight(incident, rules), incident.resolved_at - incident.paused
    due_at = incident.resolve_by
    if due_at is None:
        hours: int = getattr(rules.incident_resolve_hours, incident.severity)
        due_at = incident.opened_at + hours * HOUR
    outcome, because = lateness(due_at, worked_until, due_at - incident.opened_at, rules.late_ceiling_micro)
    if incident.reopenings:
        outcome = max(0, outcome - incident.reopenings * rules.reopening_penalty_micro)
        because += "_reopened"
    return Evidence("in_us", incident.resolved_at, weight, outcome, because)


def _weight(incident: IncidentStanding, rules: TrustRules) -> int:
    weight: int = getattr(rules.incident_weight_micro, incident.severity)
    return weight


def of_feedback(feedback: FeedbackStanding, rules: TrustRules) -> Evidence | None:
    """What a feedback thread says about trust."""
    due_at = feedback.answer_by
    if feedback.answered_at is None:
        if not feedback.lapsed or due_at is None:
            return None
        return Evidence("in_us", max(due_at, feedback.received_at), rules.feedback_weight_micro, 0, "unanswered")
    if due_at is None:
        due_at = feedback.received_at + rules.feedback_answer_hours * HOUR
    span = due_at - feedback.received_at
    outcome, because = lateness(due_at, feedback.answered_at, span, rules.late_ceiling_micro)
    return Evidence("in_us", feedback.answered_at, rules.feedback_weight_micro, outcome, because)
