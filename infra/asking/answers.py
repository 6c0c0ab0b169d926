"""The form of every answer: frozen, instants as RFC 3339 text, and what exactly was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema

from domain.instant import text

if TYPE_CHECKING:
    from collections.abc import Collection

    from infra.asking.moment import Moment
    from projections.fold import Cell

At = Annotated[
    int, PlainSerializer(text, return_type=str, when_used="json"), WithJsonSchema({"type": "string", "format": "date-time"})
]
"""An instant: microseconds since 1970 UTC inside, RFC 3339 in JSON."""


class NotFound(Exception):
    """What was asked about is not on the record; the message says what was looked for."""


class BadQuestion(Exception):
    """A parameter of a question that cannot be used: which one, and why."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


class Question(BaseModel):
    """What is asked: frozen, and closed, so that a misspelt parameter is refused and not overlooked."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Answer(BaseModel):
    """A frozen value with a documented schema."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Asked(Answer):
    """What the answer holds for."""

    now: At
    """The instant to which overdue, decay and tenure are counted."""
    as_of: At | None
    """Only what had happened by then counts."""
    known_at: At | None
    """Only what had been recorded by then counts."""
    position: int
    """How many entries the answer has taken in."""
    policy_version: str
    """The policy it was computed under."""
    policy_hash: str
    """The sha256 of that policy."""


def asked(moment: Moment) -> Asked:
    """What an answer of this moment holds for."""
    return Asked(
        now=moment.now,
        as_of=moment.as_of,
        known_at=moment.known_at,
        position=moment.position,
        policy_version=moment.policy.version,
        policy_hash=moment.policy.hash,
    )


def refuse_unknown(moment: Moment, party: str) -> None:
    """Raise NotFound where nothing is recorded about a party."""
    if not select(moment, "SELECT 1 FROM party_totals WHERE party = ?", party):
        raise NotFound("nothing is recorded about this party")


def select(moment: Moment, statement: str, *parameters: Cell) -> list[Any]:
    """The rows that a statement finds in the moment's views."""
    return moment.views.execute(statement, parameters).fetchall()


def marks(values: Collection[Cell]) -> str:
    """The parameters of an IN that has these values, of which there is at least one."""
    return ", ".join("?" for _ in values)
