"""The company view from the party's own seat: what this company promised me, who my people are, what became of my troubles.

It shows what lies between the two of them and nothing else: no scores, weights or layers, no internal steps, no void facts, and
nothing that counts or names anybody else, such as the size of the ledger.
"""

from typing import Any, Literal

from domain.feedback import Instrument
from infra.asking import feedback, incidents, parties, promises
from infra.asking.answers import Answer, At, refuse_unknown
from infra.asking.company import UNSOLVED, Rows, StaffShown, of_party, people, registered
from infra.asking.moment import Moment
from infra.asking.paging import LAST, count, equal

SHOWN = 50
"""How many of each are shown; the counts are of all."""


class MyPromise(Answer):
    """A promise between the company and me, and how it stands."""

    promise_id: str
    status: promises.Status
    made_at: At
    due_at: At | None
    ended_at: At | None
    late_by_seconds: int | None
    team: str | None
    person: str | None
    guarantor: str | None
    """Who stands behind it by name."""
    category: str | None
    channel: str | None
    touchpoint: str | None
    accepted: bool
    disputed: bool


class MyPromiseCounts(Answer):
    """How many there are, and how they stand."""

    total: int
    open: int
    overdue: int
    kept_early: int
    kept_on_time: int
    kept_late: int
    broken: int
    withdrawn: int
    disputed: int


class MyPromises(Answer):
    """What one of us promised the other."""

    counts: MyPromiseCounts
    promises: list[MyPromise]
    """The open ones first, by when they are due; then the latest made."""


class MyIncident(Answer):
    """Trouble of mine, and what became of it."""

    incident_id: str
    status: incidents.Status
    category: str | None
    channel: str | None
    team: str | None
    person: str | None
    opened_at: At
    respond_by: At | None
    resolve_by: At | None
    respond_due_at: At | None
    """From when it is overdue: `respond_by`, later by the pauses before; none while a pause holds it back."""
    resolve_due_at: At | None
    """From when it is overdue: `resolve_by`, later by the pauses before; none while a pause holds it back."""
    responded_at: At | None
    resolved_at: At | None
    closed_at: At | None
    past_target: bool


class MyFeedback(Answer):
    """What I told the company, and whether I was answered."""

    feedback_id: str
    status: Literal["waiting", "answered"]
    instrument: Instrument
    received_at: At
    answer_by: At | None
    answered_at: At | None
    category: str | None
    channel: str | None


class TheirsAnswer(Answer):
    """The company view of one party, from the party's seat."""

    party: str
    seat: Literal["theirs"] = "theirs"
    now: At
    """The instant to which overdue is counted."""
    as_of: At | None
    """Only what had happened by then counts."""
    known_at: At | None
    """Only what had been recorded by then counts."""
    name: str | None
    known_since_at: At | None
    """Since when the company has had me on its list."""
    promised_to_me: MyPromises
    promised_by_me: MyPromises
    people: list[StaffShown]
    incidents: list[MyIncident]
    """The unresolved ones first, by when they are to be resolved; then the latest opened."""
    incident_count: int
    feedback: list[MyFeedback]
    """The latest first."""
    feedback_count: int


_OPEN_FIRST = f"status = 'open' DESC, CASE WHEN status = 'open' THEN COALESCE(due_at, {LAST}) END, made_at DESC, stream"
_FEEDBACK = Rows(feedback.COLUMNS, "feedback", "TRUE", "received_at DESC, stream")
_INCIDENTS = Rows(incidents.COLUMNS, "incidents", "TRUE", UNSOLVED)


def theirs(moment: Moment, party: str) -> TheirsAnswer:
    """What lies between the company and one party. Raises NotFound."""
    refuse_unknown(moment, party)
    troubles = incidents.shown(moment, of_party(moment, party, _INCIDENTS, SHOWN))
    return TheirsAnswer(
        party=party,
        now=moment.now,
        as_of=moment.as_of,
        known_at=moment.known_at,
        name=parties.name_of(moment, party),
        known_since_at=registered(moment, party).registered_at,
        promised_to_me=_promises(moment, party, "company"),
        promised_by_me=_promises(moment, party, "party"),
        people=people(moment, party),
        incidents=[MyIncident(**_only(MyIncident, each)) for each in troubles],
        incident_count=incidents.counted(moment, equal(party=party)).total,
        feedback=[MyFeedback(**row) for row in of_party(moment, party, _FEEDBACK, SHOWN)],
        feedback_count=count(moment, "feedback", equal(party=party)),
    )


def _promises(moment: Moment, party: str, promisor: Literal["company", "party"]) -> MyPromises:
    rows = of_party(moment, party, Rows(promises.COLUMNS, "promises", f"promisor = '{promisor}'", _OPEN_FIRST), SHOWN)
    shown = [promises.shown(row, moment.now) for row in rows]
    counts = promises.counted(moment, equal(party=party, promisor=promisor))
    return MyPromises(
        counts=MyPromiseCounts(**_only(MyPromiseCounts, counts)),
        promises=[MyPromise(**_only(MyPromise, each)) for each in shown],
    )


def _only(model: type[Answer], of: Answer) -> dict[str, Any]:
    """What the model shows of a fuller answer."""
    return of.model_dump(include=set(model.model_fields))
