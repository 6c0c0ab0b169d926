"""How entries become views: minus what the standing before contributed, plus what the standing after contributes.

A projection is a value: its tables, and what one standing contributes to them. There are two kinds of tables. In a table of
sums the contributions to one key add up; in a table of rows each key has the row that was contributed last. Either way the
state is the same for every order of arrival of the same reports, adds up across partitions, and is held by its tables alone.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import add, neg, sub
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from domain.entry import Entry
from domain.kinds import Standing
from domain.policy import Policy

Cell = str | int | None
Key = tuple[Cell, ...]
Values = tuple[Cell, ...]
Sums = list[int]

Change = tuple[str, Key, Values]
"""What a standing contributes to one key of one table: the table's name, the key, the values. At most one for each key."""


Span = Sequence[Any]
"""What entries of one stream lead from and to: the party, the standing before the first (or None) and after the last."""


class Column(NamedTuple):
    """A column: INTEGER holds 64 bits, WIDE any integer as decimal text. What depends on arrival is not in the digest."""

    name: str
    type: Literal["TEXT", "INTEGER", "WIDE"]
    meaning: str
    in_digest: bool = True


class Table(NamedTuple):
    """A documented table of a projection. Its name is for ever."""

    name: str
    meaning: str
    key: tuple[Column, ...]
    values: tuple[Column, ...]
    sums: bool
    indexes: tuple[str, ...] = ()
    """Column lists to index, such as `party, due_at`."""


class Context(Struct, gc=False):
    """What a contribution may depend on beside the standing itself; while folding, one that goes from entry to entry."""

    party: str
    stream: str
    policy: Policy


Gists = Mapping[type[Any], Callable[[Any, Policy], Any] | None]
"""For each kind of standing what matters of it: a value, or None where nothing does."""


class Bundle(NamedTuple):
    """Keys of a table of sums that get the same at once: it is added up under one key, and told apart when it is written."""

    name: str
    table: Table
    keys: Callable[[Key], Sequence[Key]]
    """The keys of the table that one key of the bundle stands for."""


@dataclass(frozen=True)
class Projection:
    """A named, versioned fold. A changed fold is a new version, built beside the old one and swapped in."""

    name: str
    version: int
    tables: tuple[Table, ...]
    of_standing: Callable[[Standing, Context], Sequence[Change]] | None = None
    of_entry: Callable[[Entry, int], Sequence[Change]] | None = None
    """Rows that an entry adds for ever, whatever becomes of its stream."""
    judges: bool = False
    """Whether the policy matters: then it is built anew when another policy comes into force."""
    gists: Gists | None = None
    """What matters of each kind of standing, where anything does: where that stays the same, nothing is folded."""
    of_gist: Callable[[Any, Context], Sequence[Change]] | None = None
    """With `gists`: what a standing of this gist contributes."""
    bundles: tuple[Bundle, ...] = ()


@dataclass
class Pending:
    """Changes not yet written: for each table of sums what to add to a key, for each table of rows what a key now has."""

    gathered: dict[str, dict[Key, Sums]] = field(default_factory=dict)
    """What to add, by table or bundle."""
    rows: dict[str, dict[Key, Values | None]] = field(default_factory=dict)
    bundles: tuple[Bundle, ...] = ()

    @property
    def sums(self) -> Mapping[str, dict[Key, Sums]]:
        """What to add to each key of each table."""
        for bundle in self.bundles:
            of_table, together = self.gathered[bundle.table.name], self.gathered[bundle.name]
            for key, values in together.items():
                for each in bundle.keys(key):
                    cells = of_table.get(each)
                    of_table[each] = [*values] if cells is None else [*map(add, cells, values)]
            together.clear()
        return self.gathered

    @property
    def size(self) -> int:
        """How many keys have changed."""
        return sum(map(len, self.gathered.values())) + sum(map(len, self.rows.values()))


def pending_for(projection: Projection) -> Pending:
    """Nothing changed yet."""
    gathered = [table.name for table in projection.tables if table.sums]
    return Pending(
        {name: {} for name in (*gathered, *(bundle.name for bundle in projection.bundles))},
        {table.name: {} for table in projection.tables if not table.sums},
        projection.bundles,
    )


def fold(projection: Projection, pending: Pending, entry: Entry, position: int, policy: Policy) -> None:
    """Let one entry change the views."""
    fold_all(projection, pending, ((position, entry),), policy)


def fold_all(projection: Projection, pending: Pending, entries: Sequence[tuple[int, Entry]], policy: Policy) -> None:
    """Let entries that follow each other change the views, each with its position: minus `before`, plus `after`.

    The standing before an entry is the one after the entry before it in its stream: of the entries of one stream all cancels
    out but minus the first `before`, plus the last `after`. What both say is left alone.
    """
    if projection.of_entry is not None:
        for position, entry in entries:
            contribute(pending, projection.of_entry(entry, position), +1)
    fold_spans(projection, pending, _spans(entries).items(), policy)


def fold_spans(projection: Projection, pending: Pending, spans: Iterable[tuple[str, Span]], policy: Policy) -> None:
    """Let what the entries of streams lead from and to change the views, each stream by its id."""
    if projection.gists is not None:
        _fold_by_gist(projection, pending, spans, policy)
    elif projection.of_standing is not None:
        _fold_by_standing(projection.of_standing, pending, spans, policy)


def _spans(entries: Iterable[tuple[int, Entry]]) -> Mapping[str, Span]:
    """For each stream what its entries lead from and to."""
    spans: dict[str, list[Any]] = {}
    for _, entry in entries:
        stream = entry.stream
        if stream in spans:
            spans[stream][2] = entry.after
        else:
            spans[stream] = [entry.party, entry.before, entry.after]
    return spans


def _fold_by_standing(
    of_standing: Callable[[Standing, Context], Sequence[Change]],
    pending: Pending,
    spans: Iterable[tuple[str, Span]],
    policy: Policy,
) -> None:
    context = Context("", "", policy)
    for stream, (party, was, now) in spans:
        context.party, context.stream = party, stream
        after = of_standing(now, context)
        if was is not None:
            before = of_standing(was, context)
            if before == after:
                continue
            if before:
                before, after = _unlike(before, after)
                contribute(pending, before, -1)
        if after:
            contribute(pending, after, +1)


def _fold_by_gist(projection: Projection, pending: Pending, spans: Iterable[tuple[str, Span]], policy: Policy) -> None:
    gists, of_gist = projection.gists, projection.of_gist
    assert gists is not None
    assert of_gist is not None
    context = Context("", "", policy)
    for stream, (party, before, after) in spans:
        gist = gists[type(after)]  # a stream is of one family for life
        if gist is None:
            continue
        now = gist(after, policy)
        was = None if before is None else gist(before, policy)
        if was == now:
            continue
        context.party, context.stream = party, stream
        if was is not None:
            contribute(pending, of_gist(was, context), -1)
        if now is not None:
            contribute(pending, of_gist(now, context), +1)


def _unlike(before: Sequence[Change], after: Sequence[Change]) -> tuple[Sequence[Change], Sequence[Change]]:
    """Both without what they begin with alike."""
    alike = 0
    for was, now in zip(before, after, strict=False):
        if was != now:
            break
        alike += 1
    return before[alike:], after[alike:]


def contribute(pending: Pending, changes: Iterable[Change], sign: int) -> None:
    """Add what is contributed, or with the sign −1 take it away."""
    gathered = pending.gathered
    for table, key, values in changes:
        of_table = gathered.get(table)
        if of_table is None:
            pending.rows[table][key] = values if sign > 0 else None
            continue
        integers: Any = values  # no `cast`, which is a call
        cells = of_table.get(key)
        if cells is not None:
            of_table[key] = [*map(add if sign > 0 else sub, cells, integers)]
        else:
            of_table[key] = [*integers] if sign > 0 else [*map(neg, integers)]
