"""Reports: CloudEvents 1.0 messages by our own strict envelope. Nothing is invented where something is missing."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, TypeAdapter, ValidationError, WithJsonSchema
from pydantic_core import ErrorDetails

from domain.amendment import FactRetracted, stated_at
from domain.fact import Fact, Id, Value
from domain.instant import MINUTE, Instant, text
from domain.kinds import ADAPTERS, RESERVED
from domain.policy import SUBJECT, PolicyAdopted
from domain.refusal import InTheFuture, MalformedData, MalformedEnvelope, ReservedType, UnknownType
from domain.strictjson import place, pointer

LEDGER_SOURCE = "troth:"
"""Sources that begin so are the ledger's own."""

AHEAD_AT_MOST = 5 * MINUTE
"""How far a publisher's clock may be ahead of the ledger's, in microseconds."""


class Envelope(Value):
    """The CloudEvents attributes of a report; all of them are needed but the last three."""

    specversion: Literal["1.0"]
    """The version of CloudEvents."""
    id: Id
    """Unique within the source: the same id again is the same report again."""
    source: Id
    """Who reports."""
    type: Id
    """The kind of fact, such as `promise.kept.v1`."""
    subject: Id
    """The party."""
    time: Instant
    """When it happened, with a zone."""
    data: Annotated[dict[str, Any], WithJsonSchema({"type": "object"})]
    """What happened, as the kind says."""
    datacontenttype: Annotated[str, Field(pattern=r"^application/json\s*(;.*)?$")] | None = None
    """JSON, where it is named at all."""
    dataschema: str | None = None
    """Where the publisher describes its data; not read."""


_envelope: Callable[[object], Envelope] = TypeAdapter(Envelope).validator.validate_python


class Report(NamedTuple):
    """A well-formed report: the fact, whom it is about, when it happened (microseconds since 1970 UTC), who says so."""

    kind: str
    party: str
    happened_at: int
    source: str
    id: str
    fact: Fact


def read(message: object) -> Report:
    """The report that a JSON value says.

    Raises MalformedEnvelope, UnknownType, ReservedType or MalformedData, each with the JSON pointer of the first fault.
    """
    if not isinstance(message, dict):
        raise MalformedEnvelope("a report is a JSON object: a CloudEvent in structured form")
    try:
        envelope = _envelope(message)
    except ValidationError as wrong:
        raise MalformedEnvelope(*_first_fault(wrong)) from None
    adapter = ADAPTERS.get(envelope.type)
    if adapter is None:
        raise UnknownType("no such kind is released: `troth schema` lists the kinds", pointer("type"))
    if envelope.type in RESERVED:
        raise ReservedType("only the ledger itself reports this", pointer("type"))
    if envelope.source.startswith(LEDGER_SOURCE):
        raise ReservedType("this source is the ledger's own", pointer("source"))
    try:
        fact = adapter.validator.validate_python(envelope.data)
    except ValidationError as wrong:
        raise MalformedData(*_first_fault(wrong, "data")) from None
    if isinstance(fact, PolicyAdopted) != (envelope.subject == SUBJECT):
        raise MalformedEnvelope(f"policies, and nothing else, are reported about {SUBJECT}", pointer("subject"))
    if isinstance(fact, FactRetracted) and fact.retracts.source.startswith(LEDGER_SOURCE):
        raise ReservedType("what the ledger itself recorded is not taken back", pointer("data", "retracts", "source"))
    return Report(envelope.type, envelope.subject, envelope.time, envelope.source, envelope.id, fact)


def written(report: Report) -> dict[str, Any]:
    """The CloudEvent that says what the report states: what `read` makes of it is the report again."""
    return {
        "specversion": "1.0",
        "id": report.id,
        "source": report.source,
        "type": report.kind,
        "subject": report.party,
        "time": text(report.happened_at),
        "data": report.fact.model_dump(mode="json", exclude_defaults=True),
    }


def refuse_future(report: Report, now: int) -> None:
    """Raise InTheFuture where the report tells of what has not happened, or was not stated, yet at `now`."""
    if report.happened_at > now + AHEAD_AT_MOST:
        raise InTheFuture("the time lies in the future; is the publisher's clock or zone wrong?", pointer("time"))
    stated = stated_at(report.fact)
    if stated is not None and stated > now + AHEAD_AT_MOST:
        where = ("stated_at",) if isinstance(report.fact, FactRetracted) else ("corrects", "stated_at")
        raise InTheFuture("it was stated in the future; is the publisher's clock or zone wrong?", pointer("data", *where))


def told(fault: ErrorDetails, *under: str) -> tuple[str, str]:
    """What is wrong and where, without a key that is no field's name: then the place is the object that holds it."""
    steps = (*under, *fault["loc"])
    where = place(*steps)
    if where == pointer(*steps):
        return fault["msg"], where
    unknown = fault["type"] == "extra_forbidden"
    return "a key in this object is not known" if unknown else fault["msg"] + ", under a key of this object", where


def _first_fault(wrong: ValidationError, *under: str) -> tuple[str, str]:
    """What is wrong and where, without a word of what the report said."""
    message, where = told(wrong.errors(include_url=False, include_input=False, include_context=False)[0], *under)
    more = wrong.error_count() - 1
    return message + (f" (more faults: {more})" if more else ""), where
