"""A party's timeline: all that was recorded about it, in the order of happening, and what each of it did."""

from typing import Any, Literal

from domain.entry import Entry, Outcome, decode
from domain.feedback import FeedbackStanding
from domain.incident import IncidentStanding
from domain.interaction import InteractionStanding
from domain.kinds import Standing
from domain.party import PartyStanding
from domain.policy import PolicyStanding
from domain.promise import PromiseStanding
from infra.asking.answers import Answer, Asked, At, asked, marks, refuse_unknown, select
from infra.asking.moment import Moment
from infra.asking.paging import Paged, Sort, equal, page
from infra.asking.standings import not_counting

Family = Literal["promise", "incident", "feedback", "interaction", "party", "fact"]


class TimelineWanted(Paged):
    """Which part of a party's timeline."""

    order: Literal["newest", "oldest"] = "newest"
    """Which come first, by when they happened."""
    family: Family | None = None
    """Only kinds of this family; `fact` are the retractions."""


class Line(Answer):
    """One entry, and what its fact did."""

    position: int
    happened_at: At
    recorded_at: At
    kind: str
    family: str
    """The family of the stream that it belongs to."""
    reference: str | None
    """The publisher's id of the promise, incident, thread or contact; none for what is said of the party itself."""
    outcome: Outcome
    """Whether it counted at the moment asked, given all that was known then; what was recorded later may have changed it."""
    reason: str | None
    """Why it did not count, by name."""
    at_first: Outcome
    """What it did when it was recorded, as its receipt says."""
    source: str
    id: str


class TimelineAnswer(Answer):
    """One page of a party's timeline."""

    party: str
    asked: Asked
    lines: list[Line]
    next: str | None
    """The cursor of the next page; none on the last."""


def of_party(moment: Moment, party: str, wanted: TimelineWanted) -> TimelineAnswer:
    """One page of a party's timeline. Raises NotFound."""
    refuse_unknown(moment, party)
    conditions = equal(party=party)
    if wanted.family is not None:
        conditions.append(("kind LIKE ?", (f"{wanted.family}.%",)))
    sort = Sort("happened", "happened_at", "position", wanted.order == "newest", (int, int))
    columns = "position, happened_at, kind, stream, outcome, source, id"
    rows, following = page(moment, columns, "timeline", conditions=conditions, sort=sort, asked=wanted)
    return TimelineAnswer(party=party, asked=asked(moment), lines=_lines(moment, rows), next=following)


def reference(of: Standing) -> str | None:
    """The publisher's id of what a standing is about; none for the party itself."""
    match of:
        case PromiseStanding():
            return of.promise_id
        case IncidentStanding():
            return of.incident_id
        case FeedbackStanding():
            return of.feedback_id
        case InteractionStanding():
            return of.interaction_id
        case PolicyStanding():
            return of.version
        case PartyStanding():
            return None


def _lines(moment: Moment, rows: list[dict[str, Any]]) -> list[Line]:
    entries = {each.position: decode(each.state) for each in moment.log.at([row["position"] for row in rows])}
    reasons = not_counting(moment, _doubtful(moment, {row["stream"] for row in rows}))
    return [_line(row, entries[row["position"]], reasons) for row in rows]


def _doubtful(moment: Moment, streams: set[str]) -> set[str]:
    """The streams that may hold facts that do not count. Of the present the views know them."""
    if moment.as_of is not None or moment.known_at is not None:
        return streams
    if not streams:
        return set()
    which = f"stream IN ({marks(streams)})"
    return {stream for (stream,) in select(moment, f"SELECT stream FROM unsettled WHERE {which}", *streams)}


def _line(row: dict[str, Any], entry: Entry, reasons: dict[tuple[str, int], str]) -> Line:
    reason = reasons.get((entry.stream, entry.version))
    after = entry.after
    outcome: Outcome = "counted"
    if reason is not None:
        outcome = "awaiting" if reason.startswith("awaits_") else "void"
    return Line(
        position=row["position"],
        happened_at=row["happened_at"],
        recorded_at=entry.recorded_at,
        kind=row["kind"],
        family=str(after.__struct_config__.tag),
        reference=reference(after),
        outcome=outcome,
        reason=reason,
        at_first=row["outcome"],
        source=row["source"],
        id=row["id"],
    )
