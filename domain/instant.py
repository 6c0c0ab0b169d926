"""A moment in time: an integer of microseconds since 1970-01-01T00:00:00Z inside, RFC 3339 text outside."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)


class MalformedInstant(ValueError):
    """Text that is no RFC 3339 instant; `name` says which way."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def parse(text: str) -> int:
    """Microseconds since 1970 UTC of an RFC 3339 text; digits past the sixth of a second are cut off.

    Raises MalformedInstant where the text is no such instant, or names no zone.
    """
    found = _RFC_3339.fullmatch(text)
    if found is None:
        raise MalformedInstant("malformed_time", "must be an RFC 3339 instant such as 2026-01-31T09:30:00Z")
    if found[2] is None:
        raise MalformedInstant("time_without_zone", "has no zone: end it with Z or an offset such as +01:00")
    try:
        moment = datetime.fromisoformat(text.upper())
        return of(moment if found[2] in {"Z", "z"} else moment.astimezone(UTC))
    except (ValueError, OverflowError):
        raise MalformedInstant("no_such_time", "names a day or an hour that does not exist") from None


def of(moment: datetime) -> int:
    """Microseconds since 1970 UTC of an aware datetime."""
    return (moment - _EPOCH) // _MICROSECOND


def aware(instant: int) -> datetime:
    """The instant as a datetime in UTC."""
    return _EPOCH + timedelta(microseconds=instant)


def text(instant: int) -> str:
    """The instant as RFC 3339 in UTC, with fractions of a second only where there are any."""
    return aware(instant).isoformat().replace("+00:00", "Z")


def month(instant: int) -> str:
    """The calendar month in UTC, as `2026-01`."""
    return aware(instant).isoformat()[:7]


def month_of(instant: int) -> int:
    """The calendar month in UTC, as months since January 1970."""
    return _month_of_day(instant // DAY)


@lru_cache(maxsize=10_000)
def month_end(month: int) -> int:
    """The instant at which a month is over, given as months since January 1970 (UTC)."""
    year, index = divmod(month + 1, 12)
    return of(_EPOCH.replace(year=1970 + year, month=index + 1))


@lru_cache(maxsize=20_000)
def _month_of_day(day: int) -> int:
    on = aware(day * DAY)
    return (on.year - 1970) * 12 + on.month - 1


def _validate(value: object) -> int:
    if not isinstance(value, str):
        raise PydanticCustomError("malformed_time", "must be text: an RFC 3339 instant such as 2026-01-31T09:30:00Z")
    try:
        return parse(value)
    except MalformedInstant as wrong:
        raise PydanticCustomError(wrong.name, "{message}", {"message": str(wrong)}) from None


Instant = Annotated[
    int,
    BeforeValidator(_validate),
    PlainSerializer(text, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
