"""The company view of one party from our own seat: who it is, what we owe each other, what is wrong, and what to do next."""

from typing import Any, Literal, NamedTuple

from infra.asking import feedback, incidents, layers, parties, promises, trust
from infra.asking.answers import Answer, Asked, At, asked, refuse_unknown, select
from infra.asking.feedback import FeedbackShown
from infra.asking.incidents import IncidentCounts, IncidentShown
from infra.asking.layers import ConditionShown
from infra.asking.moment import Moment
from infra.asking.next_steps import NextStep, next_steps
from infra.asking.paging import LAST, equal
from infra.asking.promises import PromiseCounts, PromiseShown
from infra.asking.trust import ScoreShown

SHOWN = 20
"""How many of each are shown; the counts are of all, and the lists of promises and incidents have the others."""

PRESSING = f"status = 'open' DESC, COALESCE(due_at, {LAST}), made_at DESC, stream"
UNSOLVED = f"{incidents.UNRESOLVED} DESC, {incidents.BY_TARGET}, opened_at DESC, stream"


class Promised(Answer):
    """What one side promised the other."""

    counts: PromiseCounts
    pressing: list[PromiseShown]
    """Those that are open, the longest overdue first, then those that are disputed."""


class StaffShown(Answer):
    """Who of the company is there for the party."""

    role: str
    person: str
    team: str | None
    since_at: At


class Troubles(Answer):
    """What went wrong for the party, and whether it was put right."""

    counts: IncidentCounts
    unresolved: list[IncidentShown]
    """Those that are due to be resolved first come first, those that a pause holds back or that have no target last."""


class InteractionShown(Answer):
    """A contact."""

    interaction_id: str
    happened_at: At
    direction: str
    purpose: str
    channel: str | None
    touchpoint: str | None
    team: str | None
    person: str | None
    topic: str | None
    handed_from: str | None
    repeated_context: bool | None
    effort: int | None


class UnsettledShown(Answer):
    """Facts on the record that do not count: void, or awaiting what they refer to."""

    family: str
    reference: str
    reason: str
    awaiting: bool
    fact_count: int


class OursAnswer(Answer):
    """The company view of one party, from our seat."""

    party: str
    seat: Literal["ours"] = "ours"
    asked: Asked
    name: str | None
    kind: str | None
    registered_at: At | None
    contact_changed_at: At | None
    in_us: ScoreShown
    in_them: ScoreShown
    layer: str
    held_by: list[ConditionShown]
    next_layer: str | None
    missing: list[ConditionShown]
    """What the next layer asks for and is not there."""
    promised_to_them: Promised
    promised_to_us: Promised
    people: list[StaffShown]
    incidents: Troubles
    feedback_waiting: list[FeedbackShown]
    """Those due to be answered first come first."""
    feedback_waiting_count: int
    feedback_count: int
    interactions: list[InteractionShown]
    """The latest."""
    interaction_count: int
    unsettled: list[UnsettledShown]
    unsettled_count: int
    """How many facts do not count."""
    next_steps: list[NextStep]
    """Promises overdue, feedback unanswered, incidents past their target, what the next layer asks for."""


def ours(moment: Moment, party: str) -> OursAnswer:
    """Everything about one party. Raises NotFound."""
    refuse_unknown(moment, party)
    who = registered(moment, party)
    layer = layers.of_party(moment, party)
    missing = [each for each in layer.next_asks if not each.met]
    promised = _promised(moment, party, "company")
    troubles = _troubles(moment, party)
    waiting = [FeedbackShown(**row) for row in of_party(moment, party, _WAITING)]
    many = _how_many(moment, party)
    return OursAnswer(
        party=party,
        asked=asked(moment),
        name=parties.name_of(moment, party),
        kind=who.kind,
        registered_at=who.registered_at,
        contact_changed_at=who.contact_changed_at,
        in_us=trust.shown(moment, "party", party, "in_us"),
        in_them=trust.shown(moment, "party", party, "in_them"),
        layer=layer.layer,
        held_by=layer.held_by,
        next_layer=layer.next_layer,
        missing=missing,
        promised_to_them=promised,
        promised_to_us=_promised(moment, party, "party"),
        people=people(moment, party),
        incidents=troubles,
        feedback_waiting=waiting,
        feedback_waiting_count=many.waiting,
        feedback_count=many.threads,
        interactions=[InteractionShown(**row) for row in of_party(moment, party, _CONTACTS)],
        interaction_count=many.contacts,
        unsettled=[UnsettledShown(**row) for row in of_party(moment, party, _UNSETTLED)],
        unsettled_count=many.unsettled,
        next_steps=next_steps(
            moment.now, promises=promised.pressing, waiting=waiting, unresolved=troubles.unresolved, missing=missing
        ),
    )


class Registered(NamedTuple):
    """What a party was registered as; none of it where nobody registered it."""

    kind: str | None = None
    registered_at: int | None = None
    contact_changed_at: int | None = None


class _HowMany(NamedTuple):
    """How many threads, those of them waiting for an answer, contacts, and facts that do not count."""

    threads: int
    waiting: int
    contacts: int
    unsettled: int


class Rows(NamedTuple):
    """Rows about a party: their columns, the table, which of them, and in which order."""

    columns: str
    table: str
    which: str
    order: str


_UNRESOLVED = Rows(incidents.COLUMNS, "incidents", incidents.UNRESOLVED, UNSOLVED)
_WAITING = Rows(feedback.COLUMNS, "feedback", "status = 'waiting'", f"COALESCE(answer_by, {LAST}), received_at, stream")
_CONTACTS = Rows(", ".join(InteractionShown.model_fields), "interactions", "TRUE", "happened_at DESC, stream")
_UNSETTLED = Rows(
    "family, reference, reason, reason LIKE 'awaits!_%' ESCAPE '!' AS awaiting, fact_count",
    "unsettled",
    "TRUE",
    "family, reference, reason",
)


def registered(moment: Moment, party: str) -> Registered:
    """What the party was registered as."""
    rows = select(moment, "SELECT kind, registered_at, contact_changed_at FROM registered WHERE party = ?", party)
    return Registered(*rows[0]) if rows else Registered()


def people(moment: Moment, party: str) -> list[StaffShown]:
    """Who of the company is there for the party, by role."""
    rows = select(moment, "SELECT role, person, team, since_at FROM staff WHERE party = ? ORDER BY role", party)
    return [StaffShown(role=role, person=person, team=team, since_at=at) for role, person, team, at in rows]


def of_party(moment: Moment, party: str, rows: Rows, limit: int = SHOWN) -> list[dict[str, Any]]:
    """The first of these rows about the party, by the names of their columns."""
    found = moment.views.execute(
        f"SELECT {rows.columns} FROM {rows.table} WHERE party = ? AND ({rows.which}) ORDER BY {rows.order} LIMIT ?",
        (party, limit),
    )
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found]


def _how_many(moment: Moment, party: str) -> _HowMany:
    rows = select(
        moment,
        "SELECT feedback_count, (SELECT COUNT(*) FROM feedback WHERE party = ? AND status = 'waiting'), interaction_count, "
        "(SELECT COALESCE(SUM(fact_count), 0) FROM unsettled WHERE party = ?) FROM party_totals WHERE party = ?",
        *(party, party, party),
    )
    return _HowMany(*rows[0])


def _promised(moment: Moment, party: str, promisor: Literal["company", "party"]) -> Promised:
    which = f"promisor = '{promisor}' AND (status = 'open' OR disputed = 1)"
    rows = of_party(moment, party, Rows(promises.COLUMNS, "promises", which, PRESSING))
    return Promised(
        counts=promises.counted(moment, equal(party=party, promisor=promisor)),
        pressing=[promises.shown(row, moment.now) for row in rows],
    )


def _troubles(moment: Moment, party: str) -> Troubles:
    unresolved = incidents.shown(moment, of_party(moment, party, _UNRESOLVED))
    return Troubles(counts=incidents.counted(moment, equal(party=party)), unresolved=unresolved)
