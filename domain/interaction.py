"""Interactions: every contact with a party. Each stands alone: a stream of one fact, and of what amends it.

already_recorded    a second fact about the same interaction
"""

from typing import Annotated, ClassVar, Literal

from msgspec import Struct
from pydantic import Field

from domain.fact import Fact, Id, PersonalText, Value
from domain.stream import Known, Standing, walk

Direction = Literal["inbound", "outbound"]
Purpose = Literal["listen", "serve", "sell", "thank", "recover"]
Degree = Annotated[int, Field(ge=-2, le=2)]


class QualitiesShown(Value):
    """The qualities that carry a relationship, each from −2 (harmed) to 2 (strengthened); none where none was seen."""

    trust: Degree | None = None
    """Reliance on the other's word."""
    respect: Degree | None = None
    """Taking the other seriously."""
    understanding: Degree | None = None
    """Grasping what the other means and needs."""
    appreciation: Degree | None = None
    """Valuing the other, and saying so."""
    honesty: Degree | None = None
    """Saying what is so."""
    kindness: Degree | None = None
    """Wishing the other well."""
    attention: Degree | None = None
    """Being there when it matters."""


class InteractionRecorded(Fact):
    """The party and the company were in contact."""

    KIND: ClassVar[str] = "interaction.recorded.v1"
    FAMILY: ClassVar[str] = "interaction"
    RANK: ClassVar[int] = 0

    interaction_id: Id
    """The publisher's id of the contact, unique for the party."""
    direction: Direction
    """Who sought it: the party (inbound) or the company (outbound)."""
    purpose: Purpose
    """What the company's side was for."""
    channel: Id | None = None
    """By which channel."""
    touchpoint: Id | None = None
    """Where the party met the company: sales, service, billing, …"""
    team: Id | None = None
    """Which team."""
    person: Id | None = None
    """Who of the company."""
    topic: Id | None = None
    """What it was about, as a word."""
    handed_from: Id | None = None
    """The team that handed the party over."""
    repeated_context: bool | None = None
    """Whether the party had to say again what it had said before."""
    effort: Annotated[int, Field(ge=1, le=7)] | None = None
    """How hard it was for the party: 1 effortless, 7 very hard."""
    qualities: QualitiesShown | None = None
    """What the contact did for the qualities of the relationship."""
    notes: PersonalText | None = None
    """In words."""

    @property
    def key(self) -> str:
        """The interaction's id."""
        return self.interaction_id


class Qualities(Struct, frozen=True, omit_defaults=True, gc=False):
    """QualitiesShown, as a standing carries it."""

    trust: int | None = None
    respect: int | None = None
    understanding: int | None = None
    appreciation: int | None = None
    honesty: int | None = None
    kindness: int | None = None
    attention: int | None = None


class InteractionStanding(Standing, frozen=True, kw_only=True, omit_defaults=True, tag="interaction", gc=False):
    """What a contact amounts to. `happened_at` is microseconds since 1970 UTC."""

    interaction_id: str
    status: Literal["awaiting", "recorded"] = "awaiting"
    happened_at: int = 0
    direction: Direction = "inbound"
    purpose: Purpose = "serve"
    channel: str | None = None
    touchpoint: str | None = None
    team: str | None = None
    person: str | None = None
    topic: str | None = None
    handed_from: str | None = None
    repeated_context: bool | None = None
    effort: int | None = None
    qualities: Qualities | None = None


def standing(key: str, known: list[Known]) -> InteractionStanding:
    """The standing of the interaction with this id, given all facts known of it."""
    return walk(InteractionStanding(interaction_id=key), known, take)


def take(now: InteractionStanding, known: Known) -> InteractionStanding | str:
    """The rule: what one more fact leads to, or why it is void."""
    fact = known.fact
    if not isinstance(fact, InteractionRecorded):
        raise AssertionError(f"{fact.KIND} is no fact about an interaction")
    if now.status == "recorded":
        return "already_recorded"
    return InteractionStanding(
        interaction_id=now.interaction_id,
        status="recorded",
        happened_at=known.happened_at,
        direction=fact.direction,
        purpose=fact.purpose,
        channel=fact.channel,
        touchpoint=fact.touchpoint,
        team=fact.team,
        person=fact.person,
        topic=fact.topic,
        handed_from=fact.handed_from,
        repeated_context=fact.repeated_context,
        effort=fact.effort,
        qualities=None if fact.qualities is None else Qualities(**fact.qualities.model_dump()),
    )
