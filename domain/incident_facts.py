"""What is reported about incidents: trouble, and how it was put right. What the facts amount to stands in `incident`."""

from typing import ClassVar, Literal

from domain.fact import Fact, Id, PersonalText
from domain.instant import Instant

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
