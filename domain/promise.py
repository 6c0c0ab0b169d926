"""Promises: made by the company or by the party, and how they end.

The promise starts with the first `made`; what happened before it is void. Of what follows, in the order of happening:

    already_made                  a second `made`
    before_made                   anything that happened before the promise was made
    awaits_made                   anything, while no `made` is known
    already_kept                  kept, broken, renegotiated, withdrawn or lapsed after it was kept
    already_broken                broken, renegotiated or withdrawn after it was broken
    already_withdrawn             anything but accepting and disputing after it was withdrawn
    already_lapsed                a second lapse at the same due time
    renegotiated_without_consent  a new due time that the promisee did not agree to
    renegotiated_after_due        agreed too late: the promise was overdue when it was
    new_due_in_the_past           a new due time before the moment of agreeing
    due_was_moved                 a lapse at a due time that is no longer the promise's
    not_overdue_yet               a lapse before the due time

A promise made when its due time had passed already counts, and is overdue from the moment it was made.
A promise that was broken may still be kept: it then counts as kept late, or in time where the due time had not passed.
"""

from typing import ClassVar, Literal

from msgspec.structs import replace

from domain.fact import Fact, Id, Micro, PersonalText
from domain.instant import Instant
from domain.stream import Known, Standing, awaiting, walk

Side = Literal["company", "party"]


class _AboutPromise(Fact):
    FAMILY: ClassVar[str] = "promise"

    promise_id: Id
    """The publisher's id of the promise, unique for the party."""

    @property
    def key(self) -> str:
        """The promise's id."""
        return self.promise_id


class PromiseMade(_AboutPromise):
    """One side promised the other something, perhaps by a certain time."""

    KIND: ClassVar[str] = "promise.made.v1"
    RANK: ClassVar[int] = 0

    promisor: Side
    """Who promised: the company to the party, or the party to the company."""
    terms: PersonalText | None = None
    """What was promised, in words."""
    due_at: Instant | None = None
    """By when; none where no time was promised."""
    team: Id | None = None
    """Which team of the company promised, or received the promise."""
    person: Id | None = None
    """Which person of the company promised, or received the promise."""
    guarantor: Id | None = None
    """Who stands behind it by name."""
    category: Id | None = None
    """What kind of promise it is."""
    channel: Id | None = None
    """By which channel it was made."""
    touchpoint: Id | None = None
    """At which touchpoint it was made: sales, service, billing, …"""
    weight_micro: Micro = 1_000_000
    """How much it matters, in millionths of an ordinary promise."""


class PromiseRenegotiated(_AboutPromise):
    """The promisor asked for a new due time."""

    KIND: ClassVar[str] = "promise.renegotiated.v1"
    RANK: ClassVar[int] = 2

    new_due_at: Instant
    """The due time that is to hold from now on."""
    consent: bool
    """Whether the promisee agreed."""


class PromiseAccepted(_AboutPromise):
    """The promisee accepted the promise, or how it was kept."""

    KIND: ClassVar[str] = "promise.accepted.v1"
    RANK: ClassVar[int] = 3


class PromiseDisputed(_AboutPromise):
    """The promisee disputes what the record says of the promise."""

    KIND: ClassVar[str] = "promise.disputed.v1"
    RANK: ClassVar[int] = 4

    why: PersonalText | None = None
    """In the promisee's words."""


class PromiseKept(_AboutPromise):
    """The promisor did what was promised."""

    KIND: ClassVar[str] = "promise.kept.v1"
    RANK: ClassVar[int] = 5


class PromiseBroken(_AboutPromise):
    """The promisor did not do it, and says so or was found out."""

    KIND: ClassVar[str] = "promise.broken.v1"
    RANK: ClassVar[int] = 6

    why: PersonalText | None = None
    """In the publisher's words."""


class PromiseWithdrawn(_AboutPromise):
    """The promisor took the promise back."""

    KIND: ClassVar[str] = "promise.withdrawn.v1"
    RANK: ClassVar[int] = 7

    consent: bool
    """Whether the promisee let the promisor off."""
    why: PersonalText | None = None
    """In the publisher's words."""


class PromiseLapsed(_AboutPromise):
    """The due time passed and the promise was not kept. Only the ledger's own clock records this."""

    KIND: ClassVar[str] = "promise.lapsed.v1"
    RANK: ClassVar[int] = 8

    due_at: Instant
    """The due time that passed."""


class PromiseStanding(Standing, frozen=True, kw_only=True, omit_defaults=True, tag="promise", gc=False):
    """What a promise amounts to. Instants are microseconds since 1970 UTC."""

    promise_id: str
    status: Literal["awaiting", "open", "kept", "broken", "withdrawn"] = "awaiting"
    promisor: Side = "company"
    made_at: int = 0
    due_at: int | None = None
    ended_at: int | None = None
    team: str | None = None
    person: str | None = None
    guarantor: str | None = None
    category: str | None = None
    channel: str | None = None
    touchpoint: str | None = None
    weight_micro: int = 1_000_000
    lapsed: bool = False
    consent: bool = False
    renegotiations: int = 0
    accepted: bool = False
    disputed: bool = False


def standing(key: str, known: list[Known]) -> PromiseStanding:
    """The standing of the promise with this id, given all facts known of it."""
    reached = walk(PromiseStanding(promise_id=key), known, take)
    return awaiting(reached, before="before_made", now="awaits_made") if reached.status == "awaiting" else reached


def overdue_from(standing: PromiseStanding) -> int | None:
    """From when the promise is overdue if it is not kept: its due time, or when it was made if that was later."""
    return None if standing.due_at is None else max(standing.due_at, standing.made_at)


def on_time(promise: PromiseStanding) -> bool:
    """Whether a promise that was kept was kept in time; one without a due time is kept in time whenever it is kept."""
    return promise.due_at is None or (promise.ended_at is not None and promise.ended_at <= promise.due_at)


def lapses(standing: PromiseStanding) -> list[tuple[int, Fact]]:
    """What the clock will record, and when, unless something happens before."""
    overdue_at = overdue_from(standing)
    if standing.status != "open" or standing.due_at is None or overdue_at is None or standing.lapsed:
        return []
    lapsed = PromiseLapsed.model_construct(promise_id=standing.promise_id, due_at=standing.due_at)
    return [(overdue_at, lapsed)]


def take(now: PromiseStanding, known: Known) -> PromiseStanding | str:
    """The rule: what one more fact leads to, or why it is void."""
    fact, at = known.fact, known.happened_at
    if isinstance(fact, PromiseMade):
        return _make(now, fact, at)
    if now.status == "awaiting":
        return "before_made"
    match fact:
        case PromiseAccepted():
            return replace(now, accepted=True, disputed=False)
        case PromiseDisputed():
            return replace(now, accepted=False, disputed=True)
        case PromiseKept() if now.status in ("open", "broken"):
            return replace(now, status="kept", ended_at=at)
        case PromiseLapsed() if now.status in ("open", "broken"):
            return _lapse(now, fact, at)
        case _ if now.status != "open":
            return f"already_{now.status}"
        case PromiseRenegotiated():
            return _renegotiate(now, fact, at)
        case PromiseBroken():
            return replace(now, status="broken", ended_at=at)
        case PromiseWithdrawn():
            return replace(now, status="withdrawn", ended_at=at, consent=fact.consent)
        case _:
            raise AssertionError(f"{fact.KIND} is no fact about a promise")


def _make(now: PromiseStanding, fact: PromiseMade, at: int) -> PromiseStanding | str:
    if now.status != "awaiting":
        return "already_made"
    return PromiseStanding(
        promise_id=now.promise_id,
        status="open",
        promisor=fact.promisor,
        made_at=at,
        due_at=fact.due_at,
        team=fact.team,
        person=fact.person,
        guarantor=fact.guarantor,
        category=fact.category,
        channel=fact.channel,
        touchpoint=fact.touchpoint,
        weight_micro=fact.weight_micro,
    )


def _renegotiate(now: PromiseStanding, fact: PromiseRenegotiated, at: int) -> PromiseStanding | str:
    if not fact.consent:
        return "renegotiated_without_consent"
    if now.due_at is not None and at > now.due_at:
        return "renegotiated_after_due"
    if fact.new_due_at < at:
        return "new_due_in_the_past"
    return replace(now, due_at=fact.new_due_at, renegotiations=now.renegotiations + 1, lapsed=False)


def _lapse(now: PromiseStanding, fact: PromiseLapsed, at: int) -> PromiseStanding | str:
    if now.due_at is None or fact.due_at != now.due_at:
        return "due_was_moved"
    if at < now.due_at:
        return "not_overdue_yet"
    return "already_lapsed" if now.lapsed else replace(now, lapsed=True)
