"""Feedback: what a party tells the company, and whether it was answered.

The thread starts with the first `received`; what happened before it is void. Of what follows, in order of happening:

    already_received    a second `received`
    before_received     anything that happened before it was received
    awaits_received     anything, while no `received` is known
    already_answered    a second answer, or a lapse that turned out wrong
    target_was_another  a lapse at a time that is not the thread's answer-by time
    already_lapsed      a second lapse
    not_overdue_yet     a lapse before the answer-by time
"""

from typing import Annotated, ClassVar, Literal, Self

from msgspec.structs import replace
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from domain.fact import Fact, Id, PersonalText
from domain.instant import Instant
from domain.stream import Known, Standing, awaiting, walk

Instrument = Literal["nps", "csat", "ces", "review", "complaint", "comment"]
Points = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]


class _AboutFeedback(Fact):
    FAMILY: ClassVar[str] = "feedback"

    feedback_id: Id
    """The publisher's id of the thread, unique for the party."""

    @property
    def key(self) -> str:
        """The thread's id."""
        return self.feedback_id


class FeedbackReceived(_AboutFeedback):
    """The party told the company what it thinks: an answer to a survey, a review, a complaint."""

    KIND: ClassVar[str] = "feedback.received.v1"
    RANK: ClassVar[int] = 0

    instrument: Instrument
    """How it was asked for, or came."""
    score: Points | None = None
    """What the party gave, on the scale of `scale_low` to `scale_high`; none where nothing was rated."""
    scale_low: Points = 0
    """The worst that can be given."""
    scale_high: Points = 10
    """The best that can be given."""
    text: PersonalText | None = None
    """In the party's words."""
    team: Id | None = None
    """Which team is to answer."""
    category: Id | None = None
    """What it is about."""
    channel: Id | None = None
    """By which channel it came."""
    answer_by: Instant | None = None
    """By when it is to be answered."""

    @model_validator(mode="after")
    def _on_scale(self) -> Self:
        if self.scale_low >= self.scale_high:
            raise PydanticCustomError("no_scale", "scale_low must be below scale_high")
        if self.score is not None and not self.scale_low <= self.score <= self.scale_high:
            raise PydanticCustomError("score_off_scale", "score must lie within scale_low and scale_high")
        return self


class FeedbackAnswered(_AboutFeedback):
    """The company answered the party."""

    KIND: ClassVar[str] = "feedback.answered.v1"
    RANK: ClassVar[int] = 1

    text: PersonalText | None = None
    """What was answered."""


class FeedbackLapsed(_AboutFeedback):
    """The time to answer passed without an answer. Only the ledger's own clock records this."""

    KIND: ClassVar[str] = "feedback.lapsed.v1"
    RANK: ClassVar[int] = 2

    answer_by: Instant
    """The time that passed."""


class FeedbackStanding(Standing, frozen=True, kw_only=True, omit_defaults=True, tag="feedback", gc=False):
    """What a feedback thread amounts to. Instants are microseconds since 1970 UTC.

    `score_micro` is 0 at the worst of the scale and 10⁶ at the best.
    """

    feedback_id: str
    status: Literal["awaiting", "waiting", "answered"] = "awaiting"
    instrument: Instrument = "comment"
    received_at: int = 0
    score_micro: int | None = None
    team: str | None = None
    category: str | None = None
    channel: str | None = None
    answer_by: int | None = None
    answered_at: int | None = None
    lapsed: bool = False


def standing(key: str, known: list[Known]) -> FeedbackStanding:
    """The standing of the thread with this id, given all facts known of it."""
    reached = walk(FeedbackStanding(feedback_id=key), known, take)
    if reached.status != "awaiting":
        return reached
    return awaiting(reached, before="before_received", now="awaits_received")


def lapses(standing: FeedbackStanding) -> list[tuple[int, Fact]]:
    """What the clock will record, and when, unless something happens before."""
    if standing.status != "waiting" or standing.answer_by is None or standing.lapsed:
        return []
    fact = FeedbackLapsed.model_construct(feedback_id=standing.feedback_id, answer_by=standing.answer_by)
    return [(max(standing.answer_by, standing.received_at), fact)]


def take(now: FeedbackStanding, known: Known) -> FeedbackStanding | str:
    """The rule: what one more fact leads to, or why it is void."""
    fact, at = known.fact, known.happened_at
    if isinstance(fact, FeedbackReceived):
        return _receive(now, fact, at)
    if now.status == "awaiting":
        return "before_received"
    if now.status == "answered":
        return "already_answered"
    match fact:
        case FeedbackAnswered():
            return replace(now, status="answered", answered_at=at)
        case FeedbackLapsed() if fact.answer_by != now.answer_by:
            return "target_was_another"
        case FeedbackLapsed() if at < fact.answer_by:
            return "not_overdue_yet"
        case FeedbackLapsed():
            return "already_lapsed" if now.lapsed else replace(now, lapsed=True)
        case _:
            raise AssertionError(f"{fact.KIND} is no fact about feedback")


def _receive(now: FeedbackStanding, fact: FeedbackReceived, at: int) -> FeedbackStanding | str:
    if now.status != "awaiting":
        return "already_received"
    span = fact.scale_high - fact.scale_low
    return FeedbackStanding(
        feedback_id=now.feedback_id,
        status="waiting",
        instrument=fact.instrument,
        received_at=at,
        score_micro=None if fact.score is None else (fact.score - fact.scale_low) * 1_000_000 // span,
        team=fact.team,
        category=fact.category,
        channel=fact.channel,
        answer_by=fact.answer_by,
    )
