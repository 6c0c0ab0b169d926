"""A stretch of exported entries folded at once: the fold telescopes.

The standing before an entry is the one after the entry before it in its stream. So in the sum of what entries take away and add
all but the ends cancels out: of every stream, minus the first `before`, plus the last `after`. A projection of standings needs
to see no other entries, and gets the same tables, key by key; which these are Arrow finds out, column by column. One that looks
at entries themselves (`of_entry`) has to see them all.

That positions and, stream by stream, versions follow each other without a gap or a double is checked there; that the file is
what was exported was checked by its hash before. The folding is spread over as many processes as there are processors.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import repeat
from operator import add
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
from pyarrow import compute, parquet

from consumers.shadow import Judged, Leap
from domain.entry import Entry, UnreadableEntry, decode
from domain.kinds import KINDS, Standing
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
from projections.fold import Context, Key, Pending, Projection, Span, Sums, Values, contribute, fold_spans, pending_for

GROUPS_OF_A_STRETCH = 20
"""Row groups that are folded at once: a million entries. Streams that go on in the next stretch are seen in both."""
PROCESSES = len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1
"""How many processes fold at once."""


_decode_after = msgspec.json.Decoder(Standing).decode


class _Work(NamedTuple):
    """What the processes of a stretch share. `streams` lie in the order of their last positions, `begun` are those among them
    that an earlier stretch began, in the order of their first positions here."""

    path: Path
    tasks: Sequence[Sequence[Group]]
    streams: Any
    begun: Any
    judged: Judged


class _Part(NamedTuple):
    """What a task changes: a Pending's, in a form that goes from process to process."""

    gathered: dict[str, dict[Key, Sums]]
    rows: dict[str, dict[Key, Values | None]]


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
            streams = streams_of(path, rows)
            known = followed(path, known, streams)
            yield Leap(behind, entry_counts(rows), _folded(_work_for(path, stretch, streams, judged)))


def _work_for(path: Path, stretch: Sequence[Group], streams: Any, judged: Judged) -> _Work:
    share = -(-len(stretch) // PROCESSES)
    tasks = [stretch[at : at + share] for at in range(0, len(stretch), share)]
    idle = compute.is_in(streams["kind"], value_set=pa.array(_idle(judged.projection), pa.string()))
    told = streams.filter(compute.invert(idle))
    begun = told.filter(compute.greater(told["version_first"], 0)).sort_by("position_first")
    return _Work(path, tasks, told.sort_by("position_last"), begun, judged)


def _idle(projection: Projection) -> list[str]:
    """Kinds of facts that come in no stream whose standing matters to the projection."""
    gists = projection.gists or {}
    families = {each.__struct_config__.tag for each, gist in gists.items() if gist is None}
    return [kind for kind, fact in KINDS.items() if getattr(fact, "FAMILY", None) in families]


def _folded(work: _Work) -> Pending:
    whole = pending_for(work.judged.projection)
    with _spread(work) as parts:
        for part in parts:
            _merge(whole, part)
    return whole


def _merge(whole: Pending, part: _Part) -> None:
    """Add what another part of the stretch, behind this one, changes."""
    for table, rows in part.rows.items():
        whole.rows[table].update(rows)
    for table, sums in part.gathered.items():
        of_table = whole.gathered[table]
        if not of_table:
            whole.gathered[table] = sums
            continue
        for key, cells in sums.items():
            there = of_table.get(key)
            of_table[key] = cells if there is None else [*map(add, there, cells)]


# Processes

_work: _Work | None = None
"""What this process folds: it came with the process, which was split off for it, and nothing of it was copied."""


@contextmanager
def _spread(work: _Work) -> Iterator[Iterator[_Part]]:
    """What each task changes, in their order."""
    if len(work.tasks) == 1:
        yield (_fold(work, number) for number in range(len(work.tasks)))
        return
    forking = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(len(work.tasks), forking, _begin, (work,)) as pool:
        yield pool.map(_fold_here, range(len(work.tasks)))


def _begin(work: _Work) -> None:
    global _work  # noqa: PLW0603  (a process folds one stretch, and then it ends)
    _work = work
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever interrupts means the one that waits for this one


def _fold_here(number: int) -> _Part:
    assert _work is not None
    return _fold(_work, number)


# Folding


def _fold(work: _Work, number: int) -> _Part:
    """What the ends of streams in the row groups of one task change."""
    projection, policy = work.judged
    pending = pending_for(projection)
    with parquet.ParquetFile(work.path) as file:
        for group in work.tasks[number]:
            try:
                begun = [*map(decode, _read(file, group, work.begun, "position_first", "state").values)]
                ended = _ends(_read(file, group, work.streams, "position_last", "after"))
            except (msgspec.DecodeError, UnicodeDecodeError, UnreadableEntry):
                where = f"positions {group.first:,} to {group.behind - 1:,}"
                raise DamagedFile(f"{work.path}: an entry among {where} cannot be read") from None
            _take_back(pending, begun, work.judged)
            fold_spans(projection, pending, ended, policy)
    return _Part(pending.gathered, pending.rows)


class _Read(NamedTuple):
    """What a column has at some rows, and the party and the stream of each."""

    parties: Sequence[str]
    streams: Sequence[str]
    values: Sequence[bytes]


def _read(file: Any, group: Group, streams: Any, position: str, column: str) -> _Read:
    """What a column has where streams have this position, of those whose position lies in the group."""
    first, behind = (compute.sum(compute.less(streams[position], at)).as_py() or 0 for at in (group.first, group.behind))
    if first == behind:
        return _Read((), (), ())
    here = streams.slice(first, behind - first)
    rows = compute.subtract(here[position], group.first).combine_chunks()
    values = file.read_row_group(group.number, [column], use_threads=False)[column].combine_chunks().take(rows)
    parties = here["party"].combine_chunks()
    return _Read(parties.dictionary_decode().to_pylist(), here["stream"].to_pylist(), values.to_pylist())


def _ends(read: _Read) -> Iterable[tuple[str, Span]]:
    """What streams amount to, as if nothing had been before. All of it is read before any of it is folded."""
    standings = [*map(_decode_after, read.values)]
    return zip(read.streams, zip(read.parties, repeat(None), standings, strict=False), strict=True)


def _take_back(pending: Pending, begun: Sequence[Entry], judged: Judged) -> None:
    """Take away what streams contributed before these entries: it was added in an earlier stretch."""
    of_standing, context = judged.projection.of_standing, Context("", "", judged.policy)
    for entry in begun:
        if of_standing is not None and entry.before is not None:
            context.party, context.stream = entry.party, entry.stream
            contribute(pending, of_standing(entry.before, context), -1)
