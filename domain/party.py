"""Parties: whoever the company has a relationship with. One stream a party, keyed `party`.

What is known of a party is what was stated last: a later registration, contact or assignment replaces the earlier of
its kind (a staff assignment, of its role). Nothing awaits a registration: a party may be spoken of before anybody
registers it.
"""

from typing import ClassVar, Literal

from msgspec import Struct
from msgspec.structs import replace

from domain.fact import Fact, Id, PersonalText
from domain.stream import Known, Standing, walk

PartyKind = Literal["customer", "partner", "supplier", "employee", "community"]


class _AboutParty(Fact):
    FAMILY: ClassVar[str] = "party"

    @property
    def key(self) -> str:
        """A party has one stream of its own."""
        return "party"


class PartyRegistered(_AboutParty):
    """The party is known to the company, by this name."""

    KIND: ClassVar[str] = "party.registered.v1"
    RANK: ClassVar[int] = 0

    kind: PartyKind
    """What the party is to the company."""
    name: PersonalText | None = None
    """What it is called."""


class ContactChanged(_AboutParty):
    """How the party can be reached, or who speaks for it, changed."""

    KIND: ClassVar[str] = "party.contact_changed.v1"
    RANK: ClassVar[int] = 1

    contact: PersonalText
    """Who speaks for the party, and where."""


class StaffAssigned(_AboutParty):
    """Somebody of the company is there for the party, in a role."""

    KIND: ClassVar[str] = "party.staff_assigned.v1"
    RANK: ClassVar[int] = 2

    role: Id
    """What for: account manager, engineer, …"""
    person: Id | None = None
    """Who; none where the role is left empty."""
    team: Id | None = None
    """Of which team."""


class Staff(Struct, frozen=True, omit_defaults=True, gc=False):
    """Who is there for the party, in which role, since when (microseconds since 1970 UTC)."""

    role: str
    person: str
    team: str | None
    since_at: int


class NamedBy(Struct, frozen=True, array_like=True, gc=False):
    """The report that says what the party is called; the name itself stays in the fact."""

    source: str
    id: str


class PartyStanding(Standing, frozen=True, kw_only=True, omit_defaults=True, tag="party", gc=False):
    """What is known of a party. Instants are microseconds since 1970 UTC."""

    kind: PartyKind | None = None
    registered_at: int | None = None
    named_by: NamedBy | None = None
    contact_changed_at: int | None = None
    staff: tuple[Staff, ...] = ()


def standing(key: str, known: list[Known]) -> PartyStanding:
    """What is known of the party, given all facts about it."""
    return walk(PartyStanding(), known, take)


def take(now: PartyStanding, known: Known) -> PartyStanding | str:
    """The rule: what one more fact leads to, or why it is void."""
    match known.fact:
        case PartyRegistered() as fact:
            named_by = NamedBy(known.source, known.id) if fact.name is not None else None
            first = known.happened_at if now.registered_at is None else now.registered_at
            return replace(now, kind=fact.kind, registered_at=first, named_by=named_by)
        case ContactChanged():
            return replace(now, contact_changed_at=known.happened_at)
        case StaffAssigned() as fact:
            others = [each for each in now.staff if each.role != fact.role]
            if fact.person is not None:
                others.append(Staff(fact.role, fact.person, fact.team, known.happened_at))
            return replace(now, staff=tuple(sorted(others, key=lambda each: each.role)))
        case _:
            raise AssertionError(f"{known.fact.KIND} is no fact about a party")
