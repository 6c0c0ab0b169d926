"""The tables of the views, as both databases have them: how they are declared, who reads them, what is built, its digest.

Statements that read are written once, for both databases, with `?` for each parameter. What a dialect does otherwise is left
out of them: text is compared byte by byte, only ASCII letters have a lower case, sums are integers.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from typing import Any, Literal, Protocol

import msgspec

from consumers.ports import Built, Fenced, Reached, Views
from projections.fold import Cell, Column, Projection, Table

PARTIES = Table(
    "parties",
    "Every party with its trust, layer and what is overdue, to sort and to filter by. Kept by the ranking; it has no digest.",
    (Column("party", "TEXT", "the party"),),
    (
        Column("kind", "TEXT", "what it was registered as"),
        Column("grade", "TEXT", "the policy's word for the trust in us"),
        Column("score_micro", "INTEGER", "trust in us"),
        Column("lower_micro", "INTEGER", "its lower bound"),
        Column("upper_micro", "INTEGER", "its upper bound"),
        Column("mass_micro", "INTEGER", "the mass of evidence"),
        Column("in_them_lower_micro", "INTEGER", "the lower bound of our trust in them"),
        Column("layer", "INTEGER", "how deep the relationship goes: 0 orientation to 3 stable"),
        Column("overdue_count", "INTEGER", "promises to it that lapsed and are not kept"),
        Column("open_incident_count", "INTEGER", "incidents that are not resolved"),
        Column("last_at", "INTEGER", "when the latest of its entries happened, microseconds since 1970 UTC"),
        Column("scored_at", "INTEGER", "to which instant it was scored, microseconds since 1970 UTC"),
    ),
    sums=False,
    indexes=("lower_micro, party", "layer, party", "overdue_count, party", "scored_at"),
)
_encode = msgspec.json.Encoder().encode

Types = Mapping[Literal["TEXT", "INTEGER", "WIDE"], str]
"""What a database calls the type of a column. Its text is ordered byte by byte."""


class Rows(Protocol):
    """What a statement found, each row a tuple."""

    @property
    def description(self) -> Any:
        """Of each column a sequence that begins with its name."""

    def fetchone(self) -> Any:
        """The next row, or None."""

    def fetchall(self) -> list[Any]:
        """All rows that are left."""

    def __iter__(self) -> Iterator[Any]: ...


class Reader(Protocol):
    """Reads views. One thread at a time."""

    def execute(self, statement: str, parameters: Sequence[Cell] = ()) -> Rows:
        """What a statement finds. Raises Unreachable, or what SQLite raises, where the database does not answer."""

    def stream(self, statement: str) -> Iterator[Any]:
        """The rows that a statement finds, one after the other: never all of them are held. Within `one_state` only."""

    def one_state(self) -> AbstractContextManager[None]:
        """All that is read inside is read from one state of the views, whatever is written or swapped meanwhile."""

    def close(self) -> None:
        """Give the file or the connection back."""


Claimed = tuple[str, int]
"""A party that is to be scored, and the number of the mark that says so: another entry makes another mark."""
Scored = tuple[Cell, ...]
"""A row of `PARTIES`."""


class Ranked(Protocol):
    """Where the table `parties` is kept, and which parties are to be scored."""

    def claim(self, before: int, limit: int) -> Sequence[Claimed]:
        """Parties that wait to be scored; where none does, those that were scored before this instant wait from now on."""

    def rank(self, claimed: Sequence[Claimed], scored: Sequence[Scored]) -> None:
        """Keep the scores of those that have not been marked again since they were claimed: only they wait no longer."""


class KeptViews(Views, Protocol):
    """The port Views, with what stands beside the views."""

    @property
    def reader(self) -> Reader:
        """Reads what was written."""

    @property
    def ranked(self) -> Ranked:
        """Keeps the table `parties` beside the views."""

    def close(self) -> None:
        """Give the file or the connection back."""


def all_built(reader: Reader) -> list[Built]:
    """All that is built or being built, by name."""
    rows = reader.execute(
        "SELECT name, version, policy_hash, p.generation, live, partition, position, next_offset, entry_count "
        "FROM projections p JOIN reached r ON r.generation = p.generation ORDER BY name, p.generation, partition"
    ).fetchall()
    return [
        Built(name, version, policy_hash, generation, bool(live), {row[5]: Reached(*row[6:]) for row in partitions})
        for (name, version, policy_hash, generation, live), partitions in groupby(rows, key=itemgetter(0, 1, 2, 3, 4))
    ]


def digest(reader: Reader, built: Built, projection: Projection) -> str:
    """sha256, in hex, over the rows of a projection's tables, in the order of their keys. Within `one_state` only.

    The same bytes are hashed whatever the database: a JSON array a row, integers of any size as decimal text.
    """
    hashed = sha256()
    for table in projection.tables:
        columns = [column for column in (*table.key, *table.values) if column.in_digest]
        hashed.update(f"{table.name}({', '.join(column.name for column in columns)})\n".encode())
        cells = ", ".join(f"CAST({quoted(c.name)} AS TEXT)" if c.type == "WIDE" else quoted(c.name) for c in columns)
        order = ", ".join(quoted(column.name) for column in table.key)
        for row in reader.stream(f"SELECT {cells} FROM {generation_of(table, built.generation)} ORDER BY {order}"):
            hashed.update(_encode(row))
    return hashed.hexdigest()


def digests(reader: Reader, built: Sequence[tuple[Built, Projection]]) -> list[str]:
    """The digest of each, all of them from one state of the views.

    Raises Fenced where they have not come equally far in it, or are gone.
    """
    with reader.one_state():
        now = {each.generation: each for each in all_built(reader)}
        found = [positions(now[each.generation]) for each, _ in built if each.generation in now]
        if len(found) != len(built) or any(each != found[0] for each in found):
            raise Fenced("what was to be compared has come unequally far, or is gone")
        return [digest(reader, each, projection) for each, projection in built]


def positions(built: Built) -> dict[int, int]:
    """How far each partition has been folded. Where Kafka keeps it is a hint, and may differ with who read it."""
    return {partition: reached.position for partition, reached in built.reached.items()}


def generation_of(table: Table, generation: int) -> str:
    """The name of a generation of a table. Readers use the SQL view of the table's own name, which shows the live one."""
    return f"{table.name}__{generation}"


def declared(table: Table, name: str, types: Types, ending: str = "") -> list[str]:
    """The statements that make a table of this name, and its indexes."""
    key = ", ".join(quoted(column.name) for column in table.key)
    columns = ", ".join(f"{quoted(column.name)} {types[column.type]}" for column in (*table.key, *table.values))
    statements = [f"CREATE TABLE {name} ({columns}, PRIMARY KEY ({key})){ending}"]
    for number, indexed in enumerate(table.indexes):
        statements.append(f"CREATE INDEX {name}_{number} ON {name} ({indexed})")
    return statements


def quoted(name: str) -> str:
    """A column's name, which may be a word of SQL."""
    return f'"{name}"'
