"""One row's columns into typed values: by a table, as a time, as a number, or as they are."""

import re
from collections.abc import Callable, Mapping, Sequence
from operator import getitem, itemgetter

from infra.importing import localtime
from infra.importing.localtime import Fault, Moment
from infra.importing.mapping import Column, Map
from infra.importing.templates import names

Value = str | int | Moment | None
"""What a column says in one row; None where it is missing."""

REMEMBERED = 1 << 16
"""How many texts of a column are worked out only once, before it starts afresh."""

_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)


class Meanings(dict[str | None, Value]):
    """What the texts of one column mean, each worked out when it first comes up. Asking raises Fault for what means nothing."""

    def __init__(self, of: Map, name: str, file_column: str) -> None:
        """Of the map's column `name`, where that is read from this column of the file."""
        super().__init__()
        column = of.columns.get(name, Column())
        self._file_column = file_column
        self._missing = frozenset(("", *of.file.missing, *column.missing))
        self._collapse = column.spaces == "collapse"
        self._means = _meaning(of, column)
        self._otherwise = column.otherwise if file_column == file_columns(of, name)[-1] else None

    def __missing__(self, text: str | None) -> Value:
        if len(self) >= REMEMBERED:
            self.clear()
        bare = "" if text is None else text.strip()
        if bare in self._missing:
            value: Value = self._otherwise
        else:
            try:
                value = self._means(" ".join(bare.split()) if self._collapse else bare)
            except Fault as fault:
                fault.column = self._file_column
                raise
        self[text] = value
        return value


class Values:
    """Reads the columns that a map uses from a row's cells, in the order of `names`."""

    def __init__(self, of: Map, columns: Sequence[str]) -> None:
        self.names = used_names(of)
        places = {name: place for place, name in reversed(list(enumerate(columns)))}
        asked = [[(Meanings(of, name, each), places[each]) for each in file_columns(of, name)] for name in self.names]
        self._meanings = [first for (first, _), *_ in asked]
        self._cells = _picked([place for (_, place), *_ in asked])
        self._then = [(index, each[1:]) for index, each in enumerate(asked) if len(each) > 1]

    def read(self, cells: Sequence[str | None]) -> list[Value]:
        """The columns' values. Raises Fault, with the column's name, for a text that cannot be read as the map says."""
        values = list(map(getitem, self._meanings, self._cells(cells)))
        for index, others in self._then:
            for meanings, place in others:
                if values[index] is not None:
                    break
                values[index] = meanings[cells[place]]
        return values


def _picked(places: Sequence[int]) -> Callable[[Sequence[str | None]], tuple[str | None, ...]]:
    """The cells at these places; what `itemgetter` gives for two places or more."""
    if len(places) == 1:
        return lambda cells: (cells[places[0]],)
    return itemgetter(*places)


def used_names(of: Map) -> list[str]:
    """Every column that the map's key, party and facts name, the map's own and the file's, each once."""
    found = dict.fromkeys(names(of.key or "") + names(of.party or ""))
    for fact in of.facts:
        found.update(dict.fromkeys([*names(fact.id), *names(fact.party or ""), fact.time, *names_in(fact.data)]))
        for test in fact.when:
            found.update(dict.fromkeys(name for name in (test.column, test.at_or_before, test.after) if name is not None))
    return list(found)


def names_in(data: object) -> list[str]:
    """The columns that the templates in some data name."""
    match data:
        case dict():
            return [name for inner in data.values() for name in names_in(inner)]
        case str():
            return names(data)
        case _:
            return []


def file_columns(of: Map, name: str) -> tuple[str, ...]:
    """The file's columns that a column of the map is read from; a name that the map does not know is the file's own."""
    column = of.columns.get(name)
    return (name,) if column is None or column.of is None else column.of


def is_time(of: Map, name: str) -> bool:
    """Whether the column of this name is read as a time."""
    return name in of.columns and of.columns[name].time is not None


def _meaning(of: Map, column: Column) -> Callable[[str], Value]:
    if column.table is not None:
        return _by_table(column.table, column.unlisted)
    if column.time is not None:
        return localtime.reader(of.times[column.time])
    return _number if column.number else lambda text: text


def _by_table(table: Mapping[str, str | int], unlisted: str | int | None) -> Callable[[str], Value]:
    def means(text: str) -> Value:
        found = table.get(text, unlisted)
        if found is None:
            raise Fault("not_in_table", "is not in the map's table, which does not say what else means")
        return found

    return means


def _number(text: str) -> Value:
    if _WHOLE.fullmatch(text) is None:
        raise Fault("no_whole_number", "is no whole number of at most 18 digits")
    return int(text)
