"""A stretch of exported entries folded at once: the fold telescopes.

The standing before an entry is the one after the entry before it in its stream. So in the sum of what entries take away and add
all but the ends cancels out: of every stream, minus the first `before`, plus the last `after`. A projection of standings needs
to see no other entries, and gets the same tables, key by key; which these are Arrow finds out, column by column. One that looks
at entries themselves (`of_entry`) has to see them all.

That positions and, stream by stream, versions follow each other without a gap or a double is checked there; that the file is
what was exported was checked by its hash before. The folding is spread over as many processes as there are processors.
"""

import marshal
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import groupby, repeat
from operator import add
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from pyarrow import compute, parquet

from consumers.shadow import Judged, Leap
from domain.entry import UnreadableEntry, decode, standing_after
from domain.kinds import Standing
from infra.exporting.columns import (
    DICTIONARIES,
    NO_STREAMS,
    Group,
    entry_counts,
    followed,
    groups_of,
    kept_below,
    keys,
    streams_of,
)
from infra.exporting.manifest import DamagedFile
from projections.fold import (
    Context,
    Key,
    Pending,
    Span,
    Sums,
    Values,
    contribute_standing,
    fold_spans,
    pending_for,
)

GROUPS_OF_A_STRETCH = 20
"""Row groups that are folded at once: a million entries. Streams that go on in the next stretch are seen in both."""
PROCESSES = len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1
"""How many processes fold at once."""


class _Work(NamedTuple):
    """What the processes of a stretch share. `streams` lie in the order of their last positions, `begun` are those among them
    that an earlier stretch began, in the order of their first positions here."""

    path: Path
    tasks: Sequence[Sequence[Group]]
    streams: Any
    begun: Any
    judged: Judged


_Part = tuple[dict[str, dict[Key, Sums]], dict[str, dict[Key, Values | None]]]
"""What a task changes, in a form that goes from process to process: a Pending's `gathered` and `rows`."""


def leaps(path: Path, start: int, end: int, judged: Judged, *, below: Callable[[str], int]) -> Iterator[Leap]:
    """What the entries from `start` on up to `end` change, in stretches, those of a party left out from `below(party)` on.

    Raises DamagedFile where positions or versions do not follow each other, or a standing cannot be read.
    """
    with parquet.ParquetFile(path, read_dictionary=DICTIONARIES) as file:
        groups, known = [each for each in groups_of(file) if each.first < end], NO_STREAMS
        for at in range(0, len(groups), GROUPS_OF_A_STRETCH):
            stretch = groups[at : at + GROUPS_OF_A_STRETCH]
            rows = keys(path, file, stretch)
            first, behind = stretch[0].first, min(end, stretch[-1].behind)
            if first < start:
                known = followed(path, known, streams_of(path, rows.slice(0, start - first)))
            if behind <= start:
                continue
            rows = kept_below(rows.slice(max(0, start - first), behind - max(first, start)), below)
            if not len(rows):
                yield Leap(behind, {}, pending_for(judged.projection))
                continue
            streams = streams_of(path, rows)
            known = followed(path, known, streams)
            yield Leap(behind, entry_counts(rows), _folded(_work_for(path, stretch, streams, judged)))


def _work_for(path: Path, stretch: Sequence[Group], streams: Any, judged: Judged) -> _Work:
    idle = compute.is_in(streams["kind"], value_set=pa.array(sorted(judged.projection.idle_kinds), pa.string()))
    told = streams.filter(compute.invert(idle)).sort_by("position_last")
    begun = told.filter(compute.greater(told["version_first"], 0)).sort_by("position_first")
    return _Work(path, _shared_out(stretch, told["position_last"]), told, begun, judged)


def _shared_out(stretch: Sequence[Group], ends: Any) -> Sequence[Sequence[Group]]:
    """The row groups of as many tasks as there are processors, with about as many of the positions in each."""
    share = -(-len(ends) // PROCESSES) or 1
    task_of = {each: min(_below(ends, each.first) // share, PROCESSES - 1) for each in stretch}
    return [[*groups] for _, groups in groupby(stretch, task_of.__getitem__)]


def _below(positions: Any, position: int) -> int:
    """How many positions are lower."""
    return compute.sum(compute.less(positions, position)).as_py() or 0


def _folded(work: _Work) -> Pending:
    with _spread(work) as others:
        whole = _fold(work, 0)
        for other in others:
            _merge(whole, other)
    return whole


def _merge(whole: Pending, part: _Part) -> None:
    """Add what another part of the stretch, behind this one, changes."""
    gathered, rows = part
    for table, changed in rows.items():
        whole.rows[table].update(changed)
    for table, sums in gathered.items():
        of_table = whole.gathered[table]
        for key, cells in sums.items():
            there = of_table.get(key)
            of_table[key] = cells if there is None else [*map(add, there, cells)]


# Processes

_work: _Work | None = None
"""What this process folds: it came with the process, which was split off for it, and nothing of it was copied."""


@contextmanager
def _spread(work: _Work) -> Iterator[Iterator[_Part]]:
    """What each task but the first changes, in their order: they are done elsewhere meanwhile."""
    others = len(work.tasks) - 1
    if not others:
        yield iter(())
        return
    forking = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(others, forking, _begin, (work,)) as pool:
        yield map(marshal.loads, pool.map(_fold_here, range(1, 1 + others)))


def _begin(work: _Work) -> None:
    global _work  # noqa: PLW0603  (a process folds one stretch, and then it ends)
    _work = work
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever interrupts means the one that waits for this one


def _fold_here(number: int) -> bytes:
    assert _work is not None
    pending = _fold(_work, number)
    return marshal.dumps((pending.gathered, pending.rows))  # a third of what pickling takes


# Folding


def _fold(work: _Work, number: int) -> Pending:
    """What the ends of streams in the row groups of one task change."""
    projection, policy = work.judged
    pending = pending_for(projection)
    with parquet.ParquetFile(work.path) as file:
        for group in work.tasks[number]:
            try:
                begun = _begins(_read(file, group, work.begun, "position_first", "state"))
                ended = _ends(_read(file, group, work.streams, "position_last", "after"))
            except UnreadableEntry:
                where = f"positions {group.first:,} to {group.behind - 1:,}"
                raise DamagedFile(f"{work.path}: an entry among {where} cannot be read") from None
            _take_back(pending, begun, work.judged)
            fold_spans(projection, pending, ended, policy)
    return pending


class _Read(NamedTuple):
    """What a column has at some rows, and the party and the stream of each."""

    parties: Sequence[str]
    streams: Sequence[str]
    values: Sequence[bytes]


def _read(file: Any, group: Group, streams: Any, position: str, column: str) -> _Read:
    """What a column has where streams have this position, of those whose position lies in the group."""
    first, behind = (_below(streams[position], at) for at in (group.first, group.behind))
    if first == behind:
        return _Read((), (), ())
    here = streams.slice(first, behind - first)
    rows = compute.subtract(here[position], group.first).combine_chunks()
    values = file.read_row_group(group.number, [column], use_threads=False)[column].combine_chunks().take(rows)
    parties = here["party"].combine_chunks()
    return _Read(parties.dictionary_decode().to_pylist(), here["stream"].to_pylist(), values.to_pylist())


def _begins(read: _Read) -> Sequence[tuple[str, str, Standing | None]]:
    """Stream and party, and what the stream amounted to before."""
    standings = [decode(state).before for state in read.values]
    return [*zip(read.streams, read.parties, standings, strict=True)]


def _ends(read: _Read) -> Iterable[Span]:
    """What streams amount to, as if nothing had been before. All of it is read before any of it is folded."""
    standings = [*map(standing_after, read.values)]
    return zip(read.streams, read.parties, repeat(None, len(standings)), standings, strict=True)


def _take_back(pending: Pending, begun: Sequence[tuple[str, str, Standing | None]], judged: Judged) -> None:
    """Take away what streams contributed before: it was added in an earlier stretch."""
    for stream, party, before in begun:
        if before is not None:
            contribute_standing(judged.projection, pending, before, Context(party, stream, judged.policy), -1)
