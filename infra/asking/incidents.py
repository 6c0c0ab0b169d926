"""Incidents: which are open, whose they are, which are past their target, and how long they took, pauses excluded."""

from typing import Any, Literal

from domain.incident import IncidentStanding
from domain.incident_facts import Severity
from domain.instant import SECOND
from infra.asking.answers import Answer, Asked, At, asked, refuse_unknown
from infra.asking.moment import Moment
from infra.asking.paging import LAST, Condition, Order, Paged, Sort, counts, equal, page
from infra.asking.standings import standings

Status = Literal["open", "paused", "resolved", "closed"]

COLUMNS = (
    "stream, party, incident_id, status, severity, category, channel, team, person, opened_at, respond_by, resolve_by, "
    "respond_due_at, resolve_due_at, responded_at, resolved_at, closed_at, paused, reopenings, reassignments, escalations, "
    "within_authority"
)
UNRESOLVED = "status IN ('open', 'paused')"
BY_TARGET = f"COALESCE(resolve_due_at, {LAST})"
"""What is to be resolved first comes first, and what is held back by a pause or has no target last."""


class IncidentsWanted(Paged):
    """Which incidents, in which order."""

    status: Status | None = None
    """open, paused, resolved (and not closed) or closed."""
    severity: Severity | None = None
    """How bad it is."""
    past_target: bool = False
    """Only what is not resolved and was to be by now; pauses hold targets back."""
    party: str | None = None
    """Whose trouble it is."""
    team: str | None = None
    """Which team has it."""
    person: str | None = None
    """Who has it."""
    category: str | None = None
    """What kind of trouble."""
    sort: Literal["opened", "target"] | None = None
    """By when they were opened, or by when they are to be resolved (those without a target, or held back by a pause, last)."""
    order: Order | None = None
    """Unless said otherwise the latest opened come first, and targets ascend."""


class IncidentShown(Answer):
    """An incident, and how it stands. Durations are seconds, pauses excluded."""

    party: str
    incident_id: str
    status: Status
    severity: Severity
    category: str | None
    channel: str | None
    team: str | None
    person: str | None
    opened_at: At
    respond_by: At | None
    """By when somebody was to respond, as it was published."""
    resolve_by: At | None
    """By when it was to be resolved, as it was published."""
    respond_due_at: At | None
    """From when that is overdue: `respond_by` (or the opening) and the pauses before; none while a pause holds it back."""
    resolve_due_at: At | None
    """From when that is overdue: `resolve_by` (or the opening) and the pauses before; none while a pause holds it back."""
    responded_at: At | None
    resolved_at: At | None
    closed_at: At | None
    response_overdue: bool
    """Nobody has responded and the time to is past, pauses left out."""
    past_target: bool
    """It is not resolved and was to be by now, pauses left out."""
    respond_seconds: int | None
    """From opening to the first response."""
    resolve_seconds: int | None
    """From opening to the last resolution."""
    running_seconds: int | None
    """From opening until now, where it is not resolved."""
    paused_seconds: int
    """How long it was paused, a running pause included."""
    reopenings: int
    reassignments: int
    escalations: int
    within_authority: bool | None
    """Whether whoever resolved it could decide alone."""


class IncidentCounts(Answer):
    """How many incidents, and how they stand. Total = open + paused + resolved + closed."""

    total: int
    open: int
    paused: int
    resolved: int
    closed: int
    past_target: int
    """Of the open and paused ones, past the time to resolve them."""


class IncidentsAnswer(Answer):
    """One page of incidents."""

    asked: Asked
    counts: IncidentCounts | None
    """Of all incidents that meet the question whatever their status; on the first page only."""
    incidents: list[IncidentShown]
    next: str | None
    """The cursor of the next page; none on the last."""


def listed(moment: Moment, wanted: IncidentsWanted) -> IncidentsAnswer:
    """One page of incidents. Raises NotFound where a party is named that nothing is recorded about."""
    if wanted.party is not None:
        refuse_unknown(moment, wanted.party)
    whose = equal(**wanted.model_dump(include={"severity", "party", "team", "person", "category"}))
    stands = equal(status=wanted.status) + ([(past_target(moment.now), ())] if wanted.past_target else [])
    rows, following = page(moment, COLUMNS, "incidents", conditions=[*stands, *whose], sort=_sort(wanted), asked=wanted)
    return IncidentsAnswer(
        asked=asked(moment),
        counts=counted(moment, whose) if wanted.cursor is None else None,
        incidents=shown(moment, rows),
        next=following,
    )


def past_target(now: int) -> str:
    """What an incident past its target meets in the table `incidents`."""
    return f"{UNRESOLVED} AND resolve_due_at < {now}"


def counted(moment: Moment, whose: list[Condition]) -> IncidentCounts:
    """How many incidents meet these conditions, and how they stand."""
    of = {status: f"status = '{status}'" for status in ("open", "paused", "resolved", "closed")}
    return IncidentCounts(**counts(moment, of | {"total": "TRUE", "past_target": past_target(moment.now)}, "incidents", whose))


def shown(moment: Moment, rows: list[dict[str, Any]]) -> list[IncidentShown]:
    """Rows of `incidents`, by their COLUMNS, as answers show them."""
    # The table has the whole length of the pauses that have ended. What of it came before the response, and how long a
    # pause has been running, only the standing knows.
    paused = [row["stream"] for row in rows if row["status"] == "paused" or (row["paused"] and row["responded_at"] is not None)]
    reached = standings(moment, paused)
    return [_shown(moment.now, row, reached.get(row["stream"])) for row in rows]


def _shown(now: int, row: dict[str, Any], reached: object) -> IncidentShown:
    paused, before_response = row["paused"], 0
    if isinstance(reached, IncidentStanding):
        paused += 0 if reached.paused_at is None else max(0, now - reached.paused_at)
        before_response = reached.paused_before_response
    opened_at, responded_at, resolved_at = row["opened_at"], row["responded_at"], row["resolved_at"]
    unresolved = row["status"] in ("open", "paused")
    given = {name: row[name] for name in IncidentShown.model_fields if name in row}
    return IncidentShown(
        **given,
        response_overdue=unresolved and responded_at is None and _before(row["respond_due_at"], now),
        past_target=unresolved and _before(row["resolve_due_at"], now),
        respond_seconds=None if responded_at is None else (responded_at - opened_at - before_response) // SECOND,
        resolve_seconds=None if resolved_at is None else (resolved_at - opened_at - paused) // SECOND,
        running_seconds=max(0, now - opened_at - paused) // SECOND if unresolved else None,
        paused_seconds=paused // SECOND,
    )


def _before(instant: int | None, now: int) -> bool:
    return instant is not None and instant < now


def _sort(wanted: IncidentsWanted) -> Sort:
    by = wanted.sort or ("target" if wanted.past_target else "opened")
    descending = wanted.order == "descending" if wanted.order else by == "opened"
    return Sort(by, BY_TARGET if by == "target" else "opened_at", "stream", descending, (int, str))
