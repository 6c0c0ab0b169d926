"""Entries as rows of Parquet: their bytes, and what most questions to them are about in columns of its own.

The columns beside `state` say what is in it; `after` is the standing that the entry led to, as JSON, so that it can be read
without the rest. Row groups are read and folded each by itself; pages have checksums.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import compute, parquet

from consumers.ports import LOG, Reached, Run, Stored
from consumers.shadow import Judged, Leap, Telescope
from domain.entry import Entry, UnreadableEntry, decode, decode_whole
from infra.exporting.manifest import Contents, DamagedFile, Manifest, is_whole
from infra.exporting.telescope import leaps
from infra.exporting.whole import Sink

ROWS_OF_A_GROUP = 50_000
"""Some 40 MB of entries: what writing and reading hold at a time."""
DICTIONARY_BYTES = 8 << 20
"""How long a row group's list of the values of one of these columns may become: all names of its streams are in it, so that
whoever reads them need not compare them one by one."""
CONTENTS = b"troth"
"""The key in the file's metadata under which it says what it holds."""
_INSTANT = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [
        pa.field("position", pa.int64(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("party", pa.string(), nullable=False),
        pa.field("stream", pa.string(), nullable=False),
        pa.field("version", pa.int32(), nullable=False),
        pa.field("happened_at", _INSTANT, nullable=False),
        pa.field("recorded_at", _INSTANT, nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("after", pa.binary(), nullable=False),
        pa.field("state", pa.binary(), nullable=False),
    ]
)
_DECODED = SCHEMA.names[1:-2]
_DICTIONARIES = ["kind", "party", "stream", "source"]


class ParquetWriter:
    """Writes entries into a sink, a row each."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._rows: list[Stored] = []
        self._writer = parquet.ParquetWriter(
            pa.PythonFile(sink, mode="w"),
            SCHEMA,
            compression="zstd",
            use_dictionary=_DICTIONARIES,
            dictionary_pagesize_limit=DICTIONARY_BYTES,
            write_statistics=["position", "version", "happened_at", "recorded_at"],
            write_page_checksum=True,
        )

    def add(self, page: Sequence[Stored]) -> None:
        """Write what follows. Raises OSError."""
        self._rows.extend(page)
        while len(self._rows) >= ROWS_OF_A_GROUP:
            self._write(self._rows[:ROWS_OF_A_GROUP])
            del self._rows[:ROWS_OF_A_GROUP]

    def end(self, contents: Contents) -> Manifest:
        """Write what is left and what ends the file; the manifest of what was written. Raises OSError."""
        if self._rows:
            self._write(self._rows)
        self._writer.add_key_value_metadata({CONTENTS: contents.model_dump_json().encode()})
        self._writer.close()
        return Manifest(**dict(contents), bytes=self._sink.bytes, sha256=self._sink.sha256)

    def abandon(self) -> None:
        """Give back what it holds."""
        self._writer.close()

    def _write(self, rows: Sequence[Stored]) -> None:
        entries = [decode_whole(each.state) for each in rows]
        columns: list[list[Any]] = [[each.position for each in rows]]
        columns += [[getattr(entry, name) for entry in entries] for name in _DECODED]
        columns += [[bytes(each.raw_after) for each in entries], [each.state for each in rows]]
        arrays = [pa.array(values, field.type) for values, field in zip(columns, SCHEMA, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA), row_group_size=ROWS_OF_A_GROUP)


class ParquetFeed:
    """The port Feed on an exported file; an offset is a row's. Raises DamagedFile, saying which positions it is about."""

    partitions: Sequence[int] = (LOG,)

    def __init__(self, path: Path, manifest: Manifest) -> None:
        if not is_whole(path, manifest):
            raise _damage(path)
        self.path = path
        self._file = parquet.ParquetFile(path)
        if self._file.metadata.num_rows != manifest.entries:
            raise DamagedFile(f"{path} has {self._file.metadata.num_rows:,} rows, and its manifest says {manifest.entries:,}")
        self.entries = manifest.entries
        self.more = manifest.entries > 0
        self._rows: Iterator[tuple[int, Entry]] = iter(())
        self._next = -1

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def broken(self, what: str) -> DamagedFile:
        """The file is not what was exported."""
        return DamagedFile(f"{self.path}: {what}")

    def done(self) -> None:
        """Nothing: nobody looks here for how far the views have come."""

    @property
    def telescope(self) -> Telescope:
        """What folds many entries at once."""
        return self

    def leaps(self, start: int, end: int, judged: Judged, *, below: Callable[[str], int]) -> Iterator[Leap]:
        """What the entries from `start` on up to `end` change, in stretches. Raises DamagedFile."""
        return leaps(self.path, start, end, judged, below=below)

    def take(self, reached: Mapping[int, Reached], limit: int) -> Sequence[Run]:
        """The rows that follow."""
        start = reached[LOG].position
        if start != self._next:
            self._rows = self._from(start)
        entries = list(islice(self._rows, limit))
        self._next = start + len(entries)
        self.more = self._next < self.entries
        return [Run(LOG, start, entries, self._next)] if entries else []

    def ends(self) -> Mapping[int, int]:
        """How many rows the file has."""
        return {LOG: self.entries}

    def of_party(self, party: str) -> list[Stored]:
        """All entries about a party, by position: all of the file is read for it."""
        found = []
        for number in range(self._file.metadata.num_row_groups):
            whose = self._file.read_row_group(number, ["party"])["party"]
            if compute.any(compute.equal(whose, party)).as_py():
                group = self._file.read_row_group(number, ["position", "party", "state"])
                found += _stored(group.filter(compute.equal(group["party"], party)))
        return found

    def _from(self, start: int) -> Iterator[tuple[int, Entry]]:
        first = 0
        for number in range(self._file.metadata.num_row_groups):
            rows = self._file.metadata.row_group(number).num_rows
            if start < first + rows:
                group = self._file.read_row_group(number, ["position", "state"])
                for due, (position, state) in enumerate(_stored(group), first):
                    if position != due:
                        raise DamagedFile(f"row {due:,} of {self.path} holds position {position:,}")
                    if position >= start:
                        yield position, _entry(self.path, position, state)
            first += rows


def _stored(rows: Any) -> list[Stored]:
    return [Stored(*row) for row in zip(rows["position"].to_pylist(), rows["state"].to_pylist(), strict=True)]


def _entry(path: Path, position: int, state: bytes) -> Entry:
    try:
        return decode(state)
    except UnreadableEntry:
        raise DamagedFile(f"the row of position {position:,} of {path} is no entry") from None


def _damage(path: Path) -> DamagedFile:
    """Where the file is not what was exported: the first row group that cannot be read."""
    whole = f"{path} is not what was exported"
    try:
        with parquet.ParquetFile(path, page_checksum_verification=True) as file:
            first = 0
            for number in range(file.metadata.num_row_groups):
                behind = first + file.metadata.row_group(number).num_rows
                try:
                    file.read_row_group(number)
                except (pa.ArrowException, OSError):
                    return DamagedFile(f"{whole}: positions {first:,} to {behind - 1:,} cannot be read")
                first = behind
    except (pa.ArrowException, OSError):
        return DamagedFile(f"{whole}: what its end says of it cannot be read")
    return DamagedFile(f"{whole}, though all of its rows can be read")
