"""Rows of the views' tables, written many at once, always in the order of their keys: so no two writers wait for each other."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from infra.postgres.connect import Connection
from infra.tables import quoted
from projections.fold import Cell, Column, Key, Sums, Table, Values

AT_ONCE = 5_000
"""How many rows a statement writes."""

_ARRAYS = {"TEXT": "text[]", "INTEGER": "bigint[]", "WIDE": "numeric[]"}


def add(connection: Connection, table: Table, name: str, deltas: Mapping[Key, Sums]) -> None:
    """Add to sums, whoever else adds to them at the same time; a row goes when all of its sums are 0.

    Whoever adds holds the row until the transaction ends. One that another deletes meanwhile is made anew.
    """
    keys, values = _names(table.key), _names(table.values)
    columns = ", ".join((*keys, *values))
    plus = ", ".join(f"{each} = {name}.{each} + EXCLUDED.{each}" for each in values)
    zero = " AND ".join(f"{each} = 0" for each in values)
    adding = (
        f"WITH added AS (INSERT INTO {name} ({columns}) SELECT * FROM {_given((*table.key, *table.values))} "
        f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {plus} RETURNING {columns}) "
        f"SELECT {', '.join(keys)} FROM added WHERE {zero}"
    )
    changed = sorted(key for key, delta in deltas.items() if any(delta))
    for some in _some(changed):
        rows = [(*key, *deltas[key]) for key in some]
        gone = connection.execute(adding.encode(), _arrays((*table.key, *table.values), rows)).fetchall()
        _delete(connection, table, name, gone)


def put(connection: Connection, table: Table, name: str, rows: Mapping[Key, Values | None]) -> None:
    """Put rows in place of those with the same keys, and delete where there is None."""
    keys, values = _names(table.key), _names(table.values)
    new = ", ".join(f"{each} = EXCLUDED.{each}" for each in values)
    putting = (
        f"INSERT INTO {name} ({', '.join((*keys, *values))}) SELECT * FROM {_given((*table.key, *table.values))} "
        f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {new}"
    )
    for some in _some(sorted(rows)):
        _delete(connection, table, name, [key for key in some if rows[key] is None])
        kept = [(*key, *row) for key in some if (row := rows[key]) is not None]
        if kept:
            connection.execute(putting.encode(), _arrays((*table.key, *table.values), kept))


def _delete(connection: Connection, table: Table, name: str, keys: Sequence[Sequence[Cell]]) -> None:
    if keys:
        same = " AND ".join(f"{name}.{each} = given.{each}" for each in _names(table.key))
        connection.execute(f"DELETE FROM {name} USING {_given(table.key)} WHERE {same}".encode(), _arrays(table.key, keys))


def _names(columns: Iterable[Column]) -> list[str]:
    return [quoted(column.name) for column in columns]


def _given(columns: Sequence[Column]) -> str:
    """The rows of a statement's parameters, in their order."""
    return f"unnest({', '.join(f'%b::{_ARRAYS[each.type]}' for each in columns)}) AS given ({', '.join(_names(columns))})"


def _arrays(columns: Sequence[Column], rows: Iterable[Sequence[Cell]]) -> list[list[Cell]]:
    """The cells of each column. In Python a mark is True or False, and a sum may be of any size."""
    arrays: list[list[Cell]] = []
    for column, cells in zip(columns, zip(*rows, strict=True), strict=True):
        as_kept = {"TEXT": str, "INTEGER": int, "WIDE": str}[column.type]
        arrays.append([None if each is None else as_kept(each) for each in cells])
    return arrays


def _some(keys: Sequence[Key]) -> Iterator[Sequence[Key]]:
    for begun in range(0, len(keys), AT_ONCE):
        yield keys[begun : begun + AT_ONCE]
