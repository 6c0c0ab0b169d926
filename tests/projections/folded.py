"""Ledgers and views without files: reports recorded as intake records them, and folded as a projector folds them.

State is what tables hold: for each table by name, the values of each key; sums that come back to 0 are gone.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from operator import add
from typing import NamedTuple

from consumers.ports import BrokenRecord, Entries
from consumers.together import Together
from domain import entry as entries
from domain.entry import Entry
from domain.instant import parse
from domain.kinds import Standing, lapses
from domain.policy import Policy
from domain.recording import Recording
from domain.report import Report, read
from infra import wiring
from projections.fold import Key, Pending, Projection, Table, Values, pending_for
from tests.ledgers import NOW, Message

POLICY = wiring.shipped_policy()
State = dict[str, dict[Key, Values]]


def recorded(reports: Iterable[Message], *, until: int = NOW) -> list[Entry]:
    """The entries of these reports in this order, without repeats, and of the lapses that the clock then adds."""
    streams: dict[str, Recording] = {}
    record: list[Entry] = []

    def standings() -> dict[str, Standing]:
        return {name: each.standing for name, each in streams.items() if each.standing is not None}

    def put(report: Report) -> None:
        stream = entries.stream_of("test", report)
        made = streams.setdefault(stream, Recording(stream)).record(report, until)
        record.append(entries.decode(entries.encode(made)))

    for message in {(each["source"], each["id"]): each for each in reports}.values():
        put(read(message))
    parties = {each.stream: each.party for each in record}
    while due := [(s, at, fact) for s, it in sorted(standings().items()) for at, fact in lapses(it) if at <= until]:
        for stream, at, fact in due:
            put(Report(fact.KIND, parties[stream], at, "troth:clock", f"{fact.KIND}:{stream}:{at}", fact))
    return record


def happened_by(reports: Iterable[Message], until: int) -> list[Message]:
    """Those of the reports that had happened by then."""
    return [each for each in reports if parse(each["time"]) <= until]


def state(projection: Projection, record: Sequence[Entry], *, cuts: Iterable[int] = (), policy: Policy = POLICY) -> State:
    """What the projection's tables hold after these entries, written whenever the position is one of `cuts`."""
    held: State = {table.name: {} for table in projection.tables}
    for start, end in pairwise(sorted({0, *(cut % (len(record) + 1) for cut in cuts), len(record)})):
        pending = pending_for(projection)
        for position in range(start, end):
            fold(projection, pending, record[position], position, policy)
        write(held, pending)
    return held


class Taking(NamedTuple):
    """A projection that entries are given to."""

    projection: Projection
    policy: Policy
    pending: Pending


def fold(projection: Projection, pending: Pending, entry: Entry, position: int, policy: Policy) -> None:
    """Let one entry change what is pending, as the loops do."""
    fold_all(projection, pending, ((position, entry),), policy)


def fold_all(projection: Projection, pending: Pending, entries: Entries, policy: Policy) -> None:
    """Let entries that follow each other change what is pending, as the loops do."""
    together = Together(BrokenRecord)
    together.give([(Taking(projection, policy, pending), entries)])
    together.settle()


def write(held: State, pending: Pending) -> None:
    """Apply what is pending, as a store of views does."""
    for table, rows in pending.rows.items():
        for key, row in rows.items():
            if row is None:
                held[table].pop(key, None)
            else:
                held[table][key] = row
    for table, sums in pending.sums.items():
        for key, delta in sums.items():
            total = tuple(map(add, numbers(held[table].get(key, [0] * len(delta))), delta))
            if any(total):
                held[table][key] = total
            else:
                held[table].pop(key, None)


def in_digest(projection: Projection, held: State) -> State:
    """The state without what depends on arrival."""
    return {table.name: {key: _shown(table, row) for key, row in held[table.name].items()} for table in projection.tables}


def by_name(table: Table, row: Values) -> Mapping[str, object]:
    """A row's values by the names of their columns."""
    return dict(zip((column.name for column in table.values), row, strict=True))


def numbers(row: Iterable[object]) -> list[int]:
    """The sums of a row."""
    assert all(isinstance(each, int) for each in row)
    return [each for each in row if isinstance(each, int)]


def _shown(table: Table, row: Values) -> Values:
    return tuple(value for column, value in zip(table.values, row, strict=True) if column.in_digest)
