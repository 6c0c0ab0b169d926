"""How entries become views: minus what the standing before contributed, plus what the standing after contributes.

A projection is a value: its tables, and what one standing contributes to them. There are two kinds of tables. In a table of
sums the contributions to one key add up; in a table of rows each key has the row that was contributed last. Either way the
state is the same for every order of arrival of the same reports, adds up across partitions, and is held by its tables alone.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import add, neg, sub
from typing import Any, Literal, NamedTuple

from msgspec import Raw, Struct

from domain.entry import Entry, standing_after, standing_before
from domain.kinds import KINDS, Standing
from domain.policy import Policy

Cell = str | int | None
Key = tuple[Cell, ...]
Values = tuple[Cell, ...]
Sums = list[int]

Change = tuple[str, Key, Values]
"""What a standing contributes to one key of one table: the table's name, the key, the values. At most one for each key."""


Span = tuple[str, str, Standing | None, Standing]
"""What entries of one stream lead from and to: stream and party, the standing before the first (or None) and after the last."""


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


class ByGist(NamedTuple):
    """How standings contribute where every nanosecond counts: what does not matter of them is left alone at once."""

    gists: Gists
    add: Callable[["Pending", Any, str, Policy, int], None]
    """Adds what a standing of this gist contributes, for a party and by a policy, or with the sign −1 takes it away."""


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
    by_gist: ByGist | None = None
    """In place of `of_standing`."""
    bundles: tuple[Bundle, ...] = ()

    @cached_property
    def idle_kinds(self) -> frozenset[str]:
        """Kinds of facts that come in no stream whose standing matters."""
        gists = self.by_gist.gists if self.by_gist is not None else {}
        families = {each.__struct_config__.tag for each, gist in gists.items() if gist is None}
        return frozenset(kind for kind, fact in KINDS.items() if getattr(fact, "FAMILY", None) in families)


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


class _Ends(Struct, gc=False):
    """The first and the last entry of one stream: their positions, and what they lead from and to."""

    party: str
    first: int
    before: Raw
    last: int
    after: Raw


class Gathered:
    """Entries that are to be folded, of each stream only what they lead from and to: all else cancels out.

    The standing before an entry is the one after the entry before it in its stream. So in the sum of what the entries of one
    stream take away and add, minus the first `before` and plus the last `after` are left.
    """

    def __init__(self) -> None:
        self._ends: dict[str, _Ends] = {}
        self.parties = set[str]()
        """Whom they are about."""

    def __len__(self) -> int:
        """How many streams they are of."""
        return len(self._ends)

    def add(self, entries: Iterable[tuple[int, Entry]], idle: Collection[str] = ()) -> None:
        """Gather entries that follow, each with its position, but for those of idle kinds."""
        ends, parties = self._ends, self.parties
        for position, entry in entries:
            if entry.kind in idle:
                parties.add(entry.party)
                continue
            known = ends.get(entry.stream)
            # Copied, since it would keep all of the entry's bytes.
            if known is None:
                party, before, after = entry.party, entry.raw_before.copy(), entry.raw_after.copy()
                ends[entry.stream] = _Ends(party, position, before, position, after)
                parties.add(party)
            else:
                known.last, known.after = position, entry.raw_after.copy()

    def spans(self) -> Iterator[Span]:
        """What each stream is led from and to. Raises UnreadableEntry."""
        for stream, ends in self._ends.items():
            yield stream, ends.party, standing_before(ends.before, ends.first), standing_after(ends.after, ends.last)


def contribute_entries(projection: Projection, pending: Pending, entries: Iterable[tuple[int, Entry]]) -> None:
    """Add what entries themselves add for ever."""
    if projection.of_entry is not None:
        for position, entry in entries:
            contribute(pending, projection.of_entry(entry, position), +1)


def fold_spans(projection: Projection, pending: Pending, spans: Iterable[Span], policy: Policy) -> None:
    """Let what the entries of streams lead from and to change the views."""
    if projection.by_gist is not None:
        _fold_by_gist(projection.by_gist, pending, spans, policy)
    elif projection.of_standing is not None:
        _fold_by_standing(projection.of_standing, pending, spans, policy)


def _fold_by_standing(
    of_standing: Callable[[Standing, Context], Sequence[Change]],
    pending: Pending,
    spans: Iterable[Span],
    policy: Policy,
) -> None:
    context = Context("", "", policy)
    for stream, party, was, now in spans:
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


def _fold_by_gist(by: ByGist, pending: Pending, spans: Iterable[Span], policy: Policy) -> None:
    gists, add_gist = by
    for _, party, before, after in spans:
        gist = gists[type(after)]  # a stream is of one family for life
        if gist is None:
            continue
        now = gist(after, policy)
        was = None if before is None else gist(before, policy)
        if was == now:
            continue
        if was is not None:
            add_gist(pending, was, party, policy, -1)
        if now is not None:
            add_gist(pending, now, party, policy, +1)


def _unlike(before: Sequence[Change], after: Sequence[Change]) -> tuple[Sequence[Change], Sequence[Change]]:
    """Both without what they begin with alike."""
    alike = 0
    for was, now in zip(before, after, strict=False):
        if was != now:
            break
        alike += 1
    return before[alike:], after[alike:]


def contribute_standing(projection: Projection, pending: Pending, standing: Standing, context: Context, sign: int) -> None:
    """Add what one standing contributes, or with the sign −1 take it away."""
    if projection.by_gist is not None:
        gist = projection.by_gist.gists[type(standing)]
        found = gist and gist(standing, context.policy)
        if found is not None:
            projection.by_gist.add(pending, found, context.party, context.policy, sign)
    elif projection.of_standing is not None:
        contribute(pending, projection.of_standing(standing, context), sign)


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
            cells[:] = map(add if sign > 0 else sub, cells, integers)
        else:
            of_table[key] = [*integers] if sign > 0 else [*map(neg, integers)]
