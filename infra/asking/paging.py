"""Pages of a list. Each says where the next begins by the sort key of its last row, so what comes in between shifts nothing.

Rows with equal keys are told apart by something unique, so that none is left out and none comes twice.
"""

import base64
from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from pydantic import Field

from infra.asking.answers import BadQuestion, Question
from infra.asking.moment import Moment

Order = Literal["ascending", "descending"]
Condition = tuple[str, tuple[Any, ...]]
"""A condition in SQL, and its parameters."""
LAST = 2**63 - 1
"""Sorts behind every instant."""
FIRST = -LAST
"""Sorts before every instant."""


class Paged(Question):
    """Which page of a list, and how long."""

    cursor: str | None = None
    """`next` of the page before; none for the first page."""
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    """At most how many."""


class Sort(NamedTuple):
    """An order of rows: the name that its cursors carry, the key and what makes it unique (SQL), which way, of which types."""

    name: str
    key: str
    unique: str
    descending: bool
    types: tuple[type, type]


def page(
    moment: Moment, columns: str, source: str, *, conditions: Sequence[Condition], sort: Sort, asked: Paged
) -> tuple[list[dict[str, Any]], str | None]:
    """The rows of one page, by the names of their columns, and where the next page begins. Raises BadQuestion."""
    name = f"{sort.name}:{'descending' if sort.descending else 'ascending'}"
    after = from_cursor(asked.cursor, 3)
    if after is not None:
        if after[0] != name or tuple(map(type, after[1:])) != sort.types:
            raise BadQuestion("cursor", "this cursor is another question's: start again without one")
        beyond = f"({sort.key}, {sort.unique}) {'<' if sort.descending else '>'} (?, ?)"
        conditions = [*conditions, (beyond, after[1:])]
    which, parameters = where(conditions)
    way = "DESC" if sort.descending else "ASC"
    found = moment.views.execute(
        f"SELECT {columns}, {sort.key} AS _key, {sort.unique} AS _unique FROM {source}{which} "
        f"ORDER BY {sort.key} {way}, {sort.unique} {way} LIMIT ?",
        (*parameters, asked.limit + 1),
    )
    names = [column[0] for column in found.description[:-2]]
    rows = found.fetchall()
    following = to_cursor(name, *rows[asked.limit - 1][-2:]) if len(rows) > asked.limit else None
    return [dict(zip(names, row, strict=False)) for row in rows[: asked.limit]], following


def count(moment: Moment, source: str, conditions: Sequence[Condition]) -> int:
    """How many rows meet the conditions."""
    which, parameters = where(conditions)
    return int(moment.views.execute(f"SELECT COUNT(*) FROM {source}{which}", parameters).fetchone()[0])


def counts(moment: Moment, of: dict[str, str], source: str, conditions: Sequence[Condition]) -> dict[str, int]:
    """How many of the rows that meet the conditions are of each kind; each kind is by name a condition without parameters."""
    columns = ", ".join(f"COUNT(*) FILTER (WHERE {kind})" for kind in of.values())
    which, parameters = where(conditions)
    row = moment.views.execute(f"SELECT {columns} FROM {source}{which}", parameters).fetchone()
    return dict(zip(of, row, strict=True))


def equal(**columns: Any) -> list[Condition]:
    """The conditions that these columns have these values; what is None is not asked."""
    return [(f"{column} = ?", (value,)) for column, value in columns.items() if value is not None]


def to_cursor(*last: str | int | None) -> str:
    """Where the next page begins: the sort key of the last row."""
    return base64.urlsafe_b64encode(msgspec.json.encode(last)).decode().rstrip("=")


def from_cursor(cursor: str | None, length: int) -> tuple[str | int | None, ...] | None:
    """The sort key that a cursor holds. Raises BadQuestion where it is none of ours."""
    if cursor is None:
        return None
    try:
        held = msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=list[str | int | None])
    except (ValueError, msgspec.MsgspecError):
        raise BadQuestion("cursor", "this is no cursor of ours: start again without one") from None
    if len(held) != length or any(isinstance(each, int) and not FIRST <= each <= LAST for each in held):
        raise BadQuestion("cursor", "this cursor is another question's: start again without one")
    return tuple(held)


def where(conditions: Sequence[Condition]) -> tuple[str, tuple[Any, ...]]:
    """The WHERE that asks for all of these conditions, and its parameters."""
    if not conditions:
        return "", ()
    asked = " AND ".join(f"({condition})" for condition, _ in conditions)
    return f" WHERE {asked}", tuple(each for _, parameters in conditions for each in parameters)
