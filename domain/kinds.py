"""Every released kind, and which family judges it. A released kind is never edited: a new version comes beside it."""

from collections.abc import Callable
from typing import Any, Final

from pydantic import TypeAdapter

from domain import feedback, incident, incident_facts, interaction, party, policy, promise
from domain.amendment import FactRetracted
from domain.fact import Fact
from domain.stream import Known, Rule, follow

Standing = (
    promise.PromiseStanding
    | incident.IncidentStanding
    | feedback.FeedbackStanding
    | interaction.InteractionStanding
    | party.PartyStanding
    | policy.PolicyStanding
)
"""The few kinds of standing that projections handle, each of them exhaustively."""

KINDS: Final[dict[str, type[Fact]]] = {
    each.KIND: each
    for each in (
        party.PartyRegistered,
        party.ContactChanged,
        party.StaffAssigned,
        promise.PromiseMade,
        promise.PromiseRenegotiated,
        promise.PromiseAccepted,
        promise.PromiseDisputed,
        promise.PromiseKept,
        promise.PromiseBroken,
        promise.PromiseWithdrawn,
        promise.PromiseLapsed,
        interaction.InteractionRecorded,
        incident_facts.IncidentOpened,
        incident_facts.IncidentReopened,
        incident_facts.IncidentResumed,
        incident_facts.IncidentReassigned,
        incident_facts.IncidentEscalated,
        incident_facts.IncidentResponded,
        incident_facts.IncidentPaused,
        incident_facts.IncidentResolved,
        incident_facts.IncidentClosed,
        incident_facts.IncidentResponseLapsed,
        incident_facts.IncidentResolutionLapsed,
        feedback.FeedbackReceived,
        feedback.FeedbackAnswered,
        feedback.FeedbackLapsed,
        policy.PolicyAdopted,
        FactRetracted,
    )
}

ADAPTERS: Final[dict[str, TypeAdapter[Fact]]] = {kind: TypeAdapter(model) for kind, model in KINDS.items()}
"""What reads and writes facts of each kind. A model's own methods do the same, and take a microsecond more to get there."""

RESERVED: Final = frozenset(
    each.KIND
    for each in (
        promise.PromiseLapsed,
        incident_facts.IncidentResponseLapsed,
        incident_facts.IncidentResolutionLapsed,
        feedback.FeedbackLapsed,
    )
)
"""The kinds that only the ledger's own clock reports."""

_FAMILIES: Final[dict[str, Callable[[str, list[Known]], Standing]]] = {
    "promise": promise.standing,
    "incident": incident.standing,
    "feedback": feedback.standing,
    "interaction": interaction.standing,
    "party": party.standing,
    "policy": policy.standing,
}


_RULES: Final[dict[type[Standing], Rule[Any]]] = {
    promise.PromiseStanding: promise.take,
    incident.IncidentStanding: incident.take,
    feedback.FeedbackStanding: feedback.take,
    interaction.InteractionStanding: interaction.take,
    party.PartyStanding: party.take,
    policy.PolicyStanding: policy.take,
}


def standing(family: str, key: str, known: list[Known]) -> Standing:
    """What a stream amounts to: a pure function of the set of facts known of it. Raises for no well-formed facts."""
    return _FAMILIES[family](key, known)


def one_more(before: Standing, new: Known) -> Standing | None:
    """What a stream amounts to with a fact that comes behind all others, none of which amends another.

    None where that does not follow from what it amounted to: what awaits its beginning does not say why, for which a family's
    `standing` looks at its facts once more. What was recorded before is taken as it stands: where a rule changes, streams have
    to be told anew from the beginning.
    """
    if getattr(before, "status", None) == "awaiting":
        return None
    after: Standing = follow(before, new, _RULES[type(before)])
    return after


def lapses(of: Standing) -> list[tuple[int, Fact]]:
    """What the clock will record about this stream, and at which instants, unless something happens before."""
    match of:
        case promise.PromiseStanding():
            return promise.lapses(of)
        case incident.IncidentStanding():
            return incident.lapses(of)
        case feedback.FeedbackStanding():
            return feedback.lapses(of)
        case interaction.InteractionStanding() | party.PartyStanding() | policy.PolicyStanding():
            return []
