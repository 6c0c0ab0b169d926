"""What every fact has in common: a frozen value of a released kind, about one stream, that may amend another fact."""

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from domain.instant import Instant

FACTS_PER_STREAM = 1_000

Id = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
"""An opaque identifier: compared byte for byte, never interpreted."""

PersonalText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=10_000, pattern=r"^[^\x00]*$"),
    Field(json_schema_extra={"x-personal": True}),
]
"""Free text, names, contacts: whatever may be about a person. Never in a standing, a log, a metric or an error."""

Micro = Annotated[int, Field(ge=1, le=1_000_000_000)]
"""A positive weight in millionths: 1,000,000 is one."""


class Value(BaseModel):
    """A closed, frozen value: nothing converted, nothing unknown let in."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True
    )


class Reference(Value):
    """Names a fact by the report that brought it."""

    source: Id
    """The publisher's CloudEvents source."""
    id: Id
    """The report's id within that source."""


class Correction(Reference):
    """Says that this fact stands in for an earlier one, from when that was stated."""

    stated_at: Instant
    """When the correction was stated: of two about one fact, the later stated stands."""


class Fact(Value):
    """What a well-formed report states. `KIND` is the storage format, for ever; `RANK` orders facts of one instant."""

    KIND: ClassVar[str]
    FAMILY: ClassVar[str]
    RANK: ClassVar[int]

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """The kind alone, for repr, str and pretty printers: what a fact says never slips into a log."""
        yield None, self.KIND

    corrects: Correction | None = None
    """Which earlier fact of the same kind and stream this one stands in for."""

    @property
    def family(self) -> str:
        """The family of the stream that this fact belongs to."""
        return self.FAMILY

    @property
    def key(self) -> str:
        """Which of the party's streams of this family the fact belongs to."""
        raise NotImplementedError
