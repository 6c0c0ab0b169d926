"""What follows what in an exported file, seen by columns: positions, and the versions of every stream."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from pyarrow import compute

from infra.exporting.manifest import DamagedFile

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
    """Position, party, stream and version of all rows of some row groups. Raises DamagedFile where a position is missing."""
    rows = file.read_row_groups([each.number for each in groups], columns=_KEYS).combine_chunks()
    position = rows["position"].combine_chunks()
    steps = compute.min_max(compute.pairwise_diff(position)).as_py()
    if position[0].as_py() != groups[0].first or {*steps.values()} - {1, None}:
        raise DamagedFile(f"{path}: positions {groups[0].first:,} to {groups[-1].behind - 1:,} do not follow each other")
    return rows


def kept_below(rows: Any, below: Callable[[str], int]) -> Any:
    """The rows without those of a party from `below(party)` on."""
    whose = rows["party"].combine_chunks().dictionary_encode()
    bounds = pa.array([below(party) for party in whose.dictionary.to_pylist()], pa.int64())
    counted = compute.less(rows["position"], bounds.take(whose.indices))
    return rows if compute.all(counted).as_py() else rows.filter(counted)


def entry_counts(rows: Any) -> dict[str, int]:
    """How many rows there are of each party."""
    counted = rows["party"].combine_chunks().value_counts()
    return dict(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True))


def streams_of(path: Path, rows: Any) -> Any:
    """A row for every stream: stream, party, the kind of its last row here, and version and position of its first and last.

    Raises DamagedFile where its versions do not follow each other.
    """
    stream, party, kind = (rows[name].combine_chunks().dictionary_encode() for name in ("stream", "party", "kind"))
    version, position = (rows[name].combine_chunks() for name in ("version", "position"))
    columns = [stream.indices, party.indices, kind.indices, version, position]
    coded = pa.table(columns, names=["stream", "party", "kind", "version", "position"])
    wanted = [("party", "first"), ("kind", "last"), ("version", "min"), ("version", "max"), ("version", "count")]
    wanted += [(name, end) for name in ("version", "position") for end in ("first", "last")]
    found = coded.group_by("stream", use_threads=False).aggregate(wanted)
    several = compute.multiply(stream.indices.cast(pa.int64()), 1 << 32)
    doubled = len(rows) - compute.count_distinct(compute.add(several, version)).as_py()
    span = compute.subtract(found["version_last"], found["version_first"])
    dense = compute.equal(compute.add(span, 1), found["version_count"])
    in_order = compute.and_(
        compute.equal(found["version_first"], found["version_min"]), compute.equal(found["version_last"], found["version_max"])
    )
    _hold(path, compute.and_(dense, in_order), found["position_last"])
    if doubled:
        raise DamagedFile(f"{path}: a version of a stream is there twice, up to position {position[-1].as_py():,}")
    told = {name: found[name] for name in ("version_first", "version_last", "position_first", "position_last")}
    named = (("stream", stream, "stream"), ("party", party, "party_first"), ("kind", kind, "kind_last"))
    return pa.table(
        {name: of.dictionary.take(found[code].combine_chunks()) for name, of, code in named} | told  # a code is an index
    )


def followed(path: Path, known: Any, streams: Any) -> Any:
    """All streams with their last versions, where these go on from those that were known. Raises DamagedFile.

    What is known begins as `NO_STREAMS`. It takes some 40 bytes a stream.
    """
    before = known["last_version"].take(compute.index_in(streams["stream"], value_set=known["stream"].combine_chunks()))
    due = compute.add(compute.fill_null(before, -1), 1)
    _hold(path, compute.equal(streams["version_first"], due), streams["position_first"])
    old = known.filter(compute.invert(compute.is_in(known["stream"], value_set=streams["stream"].combine_chunks())))
    new = pa.table({"stream": streams["stream"], "last_version": streams["version_last"]})
    return pa.concat_tables([old, new]).combine_chunks()


def _hold(path: Path, holds: Any, positions: Any) -> None:
    if not compute.all(holds).as_py():
        at = positions.filter(compute.invert(holds))[0].as_py()
        raise DamagedFile(f"{path}: the versions of the stream of position {at:,} do not follow each other")
