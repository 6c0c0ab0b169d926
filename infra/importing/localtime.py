"""Local time texts into instants: with a zone, and a rule for the hour that comes twice and the hour that never comes."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from domain import instant
from domain.fact import Value

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - all arithmetic here is on UTC without saying so, which is several times faster
_MICROSECOND = timedelta(microseconds=1)

_DIGITS = {"Y": r"(?P<Y>\d{4})"} | {letter: rf"(?P<{letter}>\d{{1,2}})" for letter in "mdHMS"}
_DIRECTIVE = re.compile(r"%(.)|([^%]+)", re.DOTALL)


class Moment(NamedTuple):
    """An instant: microseconds since 1970 UTC, and as RFC 3339 text."""

    at: int
    text: str

    def __str__(self) -> str:
        return self.text


class Fault(Exception):
    """Why a cell cannot be read: the rule by name and in words, never the cell's text. The column is added on the way."""

    def __init__(self, rule: str, message: str, column: str = "") -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.column = column


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        raise PydanticCustomError("unknown_zone", "is no IANA time zone such as Europe/Vienna") from None
    return name


class TimeFormat(Value):
    """How a text is read as a time."""

    format: Annotated[str, Field(min_length=1)]
    """strptime's directives, or `iso`, `unix` (seconds) or `unix_ms`."""
    zone: Annotated[str, AfterValidator(_zone)] | None = None
    """The IANA zone of texts that name no offset."""
    ambiguous: Literal["earlier", "later", "refuse"] = "refuse"
    """What a time means that came twice, when the clocks were set back."""
    nonexistent: Literal["forward", "refuse"] = "refuse"
    """What a time means that the clocks skipped: as much later, or nothing."""

    @model_validator(mode="after")
    def _has_a_zone(self) -> "TimeFormat":
        if self.zone is None and self.format not in ("iso", "unix", "unix_ms") and "%z" not in self.format:
            raise PydanticCustomError("no_zone", "needs a zone: its texts name no offset")
        return self


def reader(form: TimeFormat) -> Callable[[str], Moment]:
    """A function that reads a text as a moment. It raises Fault."""
    parse = _parser(form.format)
    zone = None if form.zone in (None, "UTC") else ZoneInfo(form.zone or "")

    def read(text: str) -> Moment:
        try:
            local = parse(text)
            if local.tzinfo is not None:
                local = local.astimezone(UTC).replace(tzinfo=None)
            elif zone is not None:
                local -= _offset(local, zone, form)
            elif form.zone is None:
                raise Fault("time_without_zone", "names no offset, and the map names no zone")
            return Moment((local - _EPOCH) // _MICROSECOND, local.isoformat() + "Z")
        except (ValueError, OverflowError):
            raise Fault("no_such_time", "is no time as the map says times are written") from None

    return read


def _parser(form: str) -> Callable[[str], datetime]:
    if form == "iso":
        return datetime.fromisoformat
    if form == "unix":
        return lambda text: instant.aware(round(float(text) * instant.SECOND))
    if form == "unix_ms":
        return lambda text: instant.aware(int(text) * 1_000)
    found = _DIRECTIVE.findall(form)
    letters = [letter for letter, _ in found if letter]
    in_order = "YmdHMS"[: len(letters)]
    if sorted(letters) != sorted(in_order) or len(letters) < len("Ymd"):
        return lambda text: datetime.strptime(text, form)  # noqa: DTZ007 - the zone is given afterwards
    pattern = "".join(_DIGITS[letter] if letter else re.escape(text) for letter, text in found)
    return _by_digits(re.compile(pattern, re.ASCII), in_order)


def _by_digits(pattern: re.Pattern[str], letters: str) -> Callable[[str], datetime]:
    """Reads what strptime would, where a format has digits alone, several times faster."""

    made: Callable[..., datetime] = datetime

    def parse(text: str) -> datetime:
        found = pattern.fullmatch(text)
        if found is None:
            raise ValueError("not as the format says")
        return made(*map(int, found.group(*letters)))

    return parse


def _offset(local: datetime, zone: ZoneInfo, form: TimeFormat) -> timedelta:
    """What the zone's clocks are ahead of UTC; by PEP 495, a time that comes twice has its earlier meaning at fold 0."""
    first, second = zone.utcoffset(local), zone.utcoffset(local.replace(fold=1))
    assert first is not None
    assert second is not None
    if first > second:
        if form.ambiguous == "refuse":
            raise Fault("time_came_twice", "came twice: the clocks were set back; the map does not say which is meant")
        return first if form.ambiguous == "earlier" else second
    if first < second and form.nonexistent == "refuse":
        raise Fault("time_never_came", "never came: the clocks were set forward; the map does not say what is meant")
    return first
