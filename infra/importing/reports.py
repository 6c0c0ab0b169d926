"""Rows into CloudEvents messages, by a map that was made into functions once.

Each row gives one result: the messages that it states, or why it is rejected; and, where the map has facts of the last
row of a key, one more result for each key when that row is known. Results come in the same order in every run over the
same file, so their number is how far an import has come. A rejected row leaves no trace: what the next row is compared
with is the row before.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from domain import instant
from domain.strictjson import pointer
from infra.importing.cells import Value, Values, file_columns, used_names
from infra.importing.conditions import NO_ROW
from infra.importing.loading import MapRefused
from infra.importing.localtime import Fault, Moment
from infra.importing.mapping import Map
from infra.importing.messages import Message, Stating, saying, stating
from infra.importing.rows import Row, Unread


class Mapped(NamedTuple):
    """What a row states: the line on which it begins, and its messages; or the bytes of the report that it is already."""

    line: int
    messages: list[Message]
    raw: bytes | None = None


class Reject(NamedTuple):
    """A row that states nothing because it cannot be read: where, by which rule, in words that quote no cell, and its text."""

    line: int
    reason: str
    message: str
    pointer: str
    row: str


class _Key:
    """What is remembered of a key: its first row, the last two, and how many rows in a row named the same time."""

    __slots__ = ("before", "earlier", "first", "row", "same")

    def __init__(self) -> None:
        self.first: Sequence[Value] = NO_ROW
        self.before: Sequence[Value] = NO_ROW
        self.earlier: Sequence[Value] = NO_ROW
        self.row: Row | None = None
        self.same: dict[int, tuple[int, int]] = {}


_ENDED = _Key()
"""Stands for every key that has ended: all that is remembered of them is that they were there."""


class Reporter:
    """A map, made into functions for a file with these columns. Raises MapRefused where the file has no such column."""

    def __init__(self, of: Map, columns: Sequence[str]) -> None:
        _refuse_unknown(of, columns)
        self._values = Values(of, columns)
        index = {name: place for place, name in enumerate(self._values.names)}
        own = {index[name]: column for name, column in of.columns.items()}
        self._of_first_row = [place for place, column in own.items() if column.row == "first"]
        self._in_row_order = [place for place, column in own.items() if column.same_time == "row_order"]
        self._name = None if of.key is None else saying(of.key, index)
        self._together = of.rows_of_a_key == "together"
        self._facts = [stating(of, each, index) for each in of.facts if not each.of_last_row]
        self._last_facts = [stating(of, each, index) for each in of.facts if each.of_last_row]
        self._encoding = of.file.encoding

    def reports(self, rows: Iterable[Row | Unread]) -> Iterator[Mapped | Reject]:
        """What the rows state, in their order."""
        keys: dict[Value, _Key] = {}
        latest: Value = None
        for row in rows:
            try:
                if isinstance(row, Unread):
                    raise Fault(row.rule, row.message, row.column)
                values = self._values.read(row.cells)
                if self._name is None:
                    messages = self._messages(self._facts, values, NO_ROW)
                else:
                    name = self._name(values)
                    if name not in keys or (self._together and name != latest):
                        yield from self._began(name, latest, keys)
                        latest = name
                    messages = self._next_of_key(row, values, keys[name])
            except Fault as fault:
                yield _reject(row, fault, self._encoding)
            else:
                yield Mapped(row.line, messages)
        for key in keys.values():
            yield from self._ended(key)

    def _began(self, name: Value, latest: Value, keys: dict[Value, _Key]) -> Iterator[Mapped | Reject]:
        """Another key began: where rows of a key are together, the one before has ended."""
        if name is None:
            raise Fault("missing_key", "a column is missing that its key is made from")
        if name in keys:
            raise Fault("key_came_back", "its key had rows before, and the map says that they are together")
        if self._together and latest is not None:
            yield from self._ended(keys[latest])
            keys[latest] = _ENDED
        keys[name] = _Key()

    def _next_of_key(self, row: Row, values: list[Value], key: _Key) -> list[Message]:
        """What the row states, compared with the row before; from then on it is the row before."""
        if key.first:
            for place in self._of_first_row:
                values[place] = key.first[place]
        same = self._put_in_order(values, key) if self._in_row_order else key.same
        messages = self._messages(self._facts, values, key.before)
        key.same = same
        key.first = key.first or values
        key.earlier, key.before = key.before, values
        if self._last_facts:
            key.row = row
        return messages

    def _put_in_order(self, values: list[Value], key: _Key) -> dict[int, tuple[int, int]]:
        """Put times that are the same as in the row before 1 µs apart; return what was named, and how often in a row."""
        same: dict[int, tuple[int, int]] = {}
        for place in self._in_row_order:
            value = values[place]
            if isinstance(value, Moment):
                named, times = key.same.get(place, (None, 0))
                times = times + 1 if named == value.at else 0
                same[place] = value.at, times
                if times:
                    values[place] = Moment(value.at + times, instant.text(value.at + times))
        return same

    def _ended(self, key: _Key) -> Iterator[Mapped | Reject]:
        """What the last row of a key states as the last, now that it is known to be it."""
        if key.row is None:
            return
        try:
            messages = self._messages(self._last_facts, key.before, key.earlier)
        except Fault as fault:
            yield _reject(key.row, fault, self._encoding)
        else:
            yield Mapped(key.row.line, messages)

    def _messages(self, facts: Sequence[Stating], now: Sequence[Value], before: Sequence[Value]) -> list[Message]:
        messages = []
        for tests, message in facts:
            for test in tests:
                if not test(now, before):
                    break
            else:
                messages.append(message(now))
        return messages


def passed_on(rows: Iterable[Row | Unread]) -> Iterator[Mapped | Reject]:
    """The reports that the rows are already, as they are: intake reads them."""
    for row in rows:
        if isinstance(row, Unread):
            yield _reject(row, Fault(row.rule, row.message, row.column), "utf-8")
        else:
            yield Mapped(row.line, [], row.raw)


def _reject(row: Row | Unread, fault: Fault, encoding: str) -> Reject:
    text = row.raw.decode(encoding, "backslashreplace").rstrip("\r\n")
    return Reject(row.line, fault.rule, fault.message, pointer(fault.column) if fault.column else "", text)


def _refuse_unknown(of: Map, columns: Sequence[str]) -> None:
    for name in used_names(of):
        for column in file_columns(of, name):
            if column not in columns:
                place = f"columns.{name}.of" if name in of.columns else "facts"
                raise MapRefused(place, f"the file has no column `{column}`; it has {', '.join(columns)}")
