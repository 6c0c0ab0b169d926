"""When a row states a fact: the tests of a map, made into functions once."""

from collections.abc import Callable, Mapping, Sequence

from infra.importing.cells import Value
from infra.importing.localtime import Moment
from infra.importing.mapping import Condition

Row = Sequence[Value]
NO_ROW: Row = ()
"""Stands before the first row of a key."""

Test = Callable[[Row, Row], bool]
"""Of a row and the row before it of the same key."""


def compiled(condition: Condition, index: Mapping[str, int]) -> Test:
    """The test as a function, where `index` says at which place a row has its values."""
    if condition.row_of_key == "first":
        return lambda now, before: not before
    if condition.column is None:
        raise ValueError("which row is the last of its key is for the caller to know")
    place = index[condition.column]
    if condition.changes:
        return lambda now, before: bool(before) and now[place] != before[place]
    if condition.at_or_before is not None:
        return _in_time(place, index[condition.at_or_before])
    if condition.after is not None:
        return _late(place, index[condition.after])
    these = frozenset(condition.equals or condition.not_equals or (None,))
    among = condition.equals is not None or condition.is_ == "missing"
    return _of_row_before(place, these, among) if condition.row == "previous" else _of_row(place, these, among)


def _of_row(place: int, these: frozenset[Value], among: bool) -> Test:
    if among:
        return lambda now, before: now[place] in these
    return lambda now, before: now[place] not in these


def _of_row_before(place: int, these: frozenset[Value], among: bool) -> Test:
    if among:
        return lambda now, before: (before[place] if before else None) in these
    return lambda now, before: (before[place] if before else None) not in these


def _in_time(place: int, other: int) -> Test:
    def test(now: Row, before: Row) -> bool:
        time, bound = now[place], now[other]
        return isinstance(time, Moment) and isinstance(bound, Moment) and time.at <= bound.at

    return test


def _late(place: int, other: int) -> Test:
    def test(now: Row, before: Row) -> bool:
        time, bound = now[place], now[other]
        return isinstance(time, Moment) and isinstance(bound, Moment) and time.at > bound.at

    return test
