"""What follows what in an exported file, seen by columns: positions, and the versions of every stream."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from pyarrow import compute

from infra.exporting.manifest import DamagedFile

DICTIONARIES = ["kind", "party", "stream"]
"""Columns that are read as numbers of the few values that they have."""
_KEYS = ["position", "kind", "party", "stream", "version"]
NO_STREAMS = pa.table({"stream": pa.array([], pa.string()), "last_version": pa.array([], pa.int32())})


class Group(NamedTuple):
    """A row group: its number, its first position, and the position behind its last."""

    number: int
    first: int
    behind: int


def groups_of(file: Any) -> list[Group]:
    """The row groups of a file: in one that holds all of the record, a row's number is its position."""
    groups, first = [], 0
    for number in range(file.metadata.num_row_groups):
        behind = first + file.metadata.row_group(number).num_rows
        groups.append(Group(number, first, behind))
        first = behind
    return groups


def keys(path: Path, file: Any, groups: Sequence[Group]) -> Any:
    """Position, kind, party, stream and version of all rows of some row groups. Raises DamagedFile where a position is missing.

    The file is opened with DICTIONARIES.
    """
    rows = file.read_row_groups([each.number for each in groups], columns=_KEYS).unify_dictionaries().combine_chunks()
    position = rows["position"].combine_chunks()
    steps = compute.min_max(compute.pairwise_diff(position)).as_py()
    if position[0].as_py() != groups[0].first or {*steps.values()} - {1, None}:
        raise DamagedFile(f"{path}: positions {groups[0].first:,} to {groups[-1].behind - 1:,} do not follow each other")
    return rows


def kept_below(rows: Any, below: Callable[[str], int]) -> Any:
    """The rows without those of a party from `below(party)` on."""
    whose = rows["party"].combine_chunks()
    bounds = pa.array([below(party) for party in whose.dictionary.to_pylist()], pa.int64())
    counted = compute.less(rows["position"], bounds.take(whose.indices))
    return rows if compute.all(counted).as_py() else rows.filter(counted)


def entry_counts(rows: Any) -> dict[str, int]:
    """How many rows there are of each party."""
    whose = rows["party"].combine_chunks()
    counted = whose.indices.value_counts()
    parties = whose.dictionary.take(counted.field("values")).to_pylist()
    return dict(zip(parties, counted.field("counts").to_pylist(), strict=True))


def streams_of(path: Path, rows: Any) -> Any:
    """A row for every stream: its name, its party, the kind of its last row here, version and position of its first and last.

    Raises DamagedFile where its versions do not follow each other.
    """
    named = rows["stream"].combine_chunks()
    order = compute.array_sort_indices(named.indices)  # stable: stream by stream, each by position
    stream, version, position = (each.take(order) for each in (named.indices, *_chunks(rows, "version", "position")))
    begins = compute.invert(_like_before(stream))
    follows = compute.equal(compute.pairwise_diff(version), 1)
    _hold(path, compute.or_(begins, compute.fill_null(follows, False)), position)
    ends = pa.concat_arrays([begins.slice(1), pa.array([True] * min(1, len(begins)))])
    first, last = order.filter(begins), order.filter(ends)
    at_first, at_last = (rows.select(["version", "position"]).take(each) for each in (first, last))
    party, kind = (each.take(last) for each in _chunks(rows, "party", "kind"))
    return pa.table(
        {
            "stream": named.dictionary.take(stream.filter(ends)),
            "party": party,
            "kind": kind,
            "version_first": at_first["version"],
            "version_last": at_last["version"],
            "position_first": at_first["position"],
            "position_last": at_last["position"],
        }
    )


def followed(path: Path, known: Any, streams: Any) -> Any:
    """All streams with their last versions, where these go on from those that were known. Raises DamagedFile.

    What is known begins as `NO_STREAMS`. It takes some 40 bytes a stream.
    """
    before = known["last_version"].take(compute.index_in(streams["stream"], value_set=known["stream"].combine_chunks()))
    due = compute.add(compute.fill_null(before, -1), 1)
    _hold(path, compute.equal(streams["version_first"], due), streams["position_first"])
    old = known
    if len(known):
        old = known.filter(compute.invert(compute.is_in(known["stream"], value_set=streams["stream"].combine_chunks())))
    new = pa.table({"stream": streams["stream"], "last_version": streams["version_last"]})
    return pa.concat_tables([old, new]).combine_chunks()


def _chunks(rows: Any, *names: str) -> list[Any]:
    return [rows[name].combine_chunks() for name in names]


def _like_before(values: Any) -> Any:
    """Of each value whether it is the one before it; the first has none before it."""
    return compute.fill_null(compute.equal(compute.pairwise_diff(values), 0), False)


def _hold(path: Path, holds: Any, positions: Any) -> None:
    if not compute.all(holds).as_py():
        at = positions.filter(compute.invert(holds))[0].as_py()
        raise DamagedFile(f"{path}: the versions of the stream of position {at:,} do not follow each other")
