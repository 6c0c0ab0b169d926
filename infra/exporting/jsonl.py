"""Entries as lines of JSON, each as on Kafka (`infra.kafka.published`), so that the bytes that were hashed can be had again."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path

import msgspec

from consumers.ports import LOG, BrokenRecord, Reached, Run, Stored
from domain.entry import Entry
from infra.exporting.manifest import Blocks, Contents, DamagedFile, Manifest, is_whole
from infra.exporting.whole import Sink
from infra.kafka.published import Published, published, read, stored

LINES_OF_A_BLOCK = 1_000


class JsonlWriter:
    """Writes entries into a sink, a line each."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._lines = 0
        self._block = sha256()
        self._hashes: list[str] = []

    def add(self, page: Sequence[Stored]) -> None:
        """Write what follows. Raises OSError."""
        for position, state in page:
            line = published(position, position - 1 if position else None, state) + b"\n"
            self._sink.write(line)
            self._block.update(line)
            self._lines += 1
            if self._lines % LINES_OF_A_BLOCK == 0:
                self._end_block()

    def end(self, contents: Contents) -> Manifest:
        """The manifest of what was written."""
        if self._lines % LINES_OF_A_BLOCK:
            self._end_block()
        blocks = Blocks(lines=LINES_OF_A_BLOCK, sha256=tuple(self._hashes))
        return Manifest(**dict(contents), bytes=self._sink.bytes, sha256=self._sink.sha256, blocks=blocks)

    def abandon(self) -> None:
        """Nothing: the sink has all there is."""

    def _end_block(self) -> None:
        self._hashes.append(self._block.hexdigest())
        self._block = sha256()


class JsonlFeed:
    """The port Feed on an exported file; an offset is that of a byte. Raises DamagedFile, saying which line it is."""

    partitions: Sequence[int] = (LOG,)

    def __init__(self, path: Path, manifest: Manifest) -> None:
        if not is_whole(path, manifest):
            raise _damage(path, manifest)
        self._file = path.open("rb")
        self._path = path
        self._manifest = manifest
        self.more = manifest.entries > 0

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def broken(self, what: str) -> DamagedFile:
        """The file is not what was exported."""
        return DamagedFile(f"{self._path}: {what}")

    def done(self) -> None:
        """Nothing: nobody looks here for how far the views have come."""

    @property
    def telescope(self) -> None:
        """Lines cannot be folded without looking at each."""

    def take(self, reached: Mapping[int, Reached], limit: int) -> Sequence[Run]:
        """The lines that follow."""
        start, offset, _ = reached[LOG]
        self._seek(start, offset)
        lines = list(islice(self._file, limit))
        entries: list[tuple[int, Entry]] = []
        for position, line in enumerate(lines, start):
            entries.append((position, _entry(self._path, position, line)))
            offset += len(line)
        self.more = offset < self._manifest.bytes
        return [Run(LOG, start, entries, offset)] if entries else []

    def _seek(self, position: int, offset: int) -> None:
        """Go to the line of a position: at the offset, or else, where that is another's, line by line from the beginning."""
        self._file.seek(offset)
        if self._file.readline().startswith(b'{"position":%d,' % position):
            self._file.seek(offset)
            return
        self._file.seek(0)
        for _ in islice(self._file, position):
            pass

    def ends(self) -> Mapping[int, int]:
        """How many bytes the file has."""
        return {LOG: self._manifest.bytes}

    def of_party(self, party: str) -> list[Stored]:
        """All entries about a party, by position: all of the file is read for it."""
        found, named = [], msgspec.json.encode(party)
        self._file.seek(0)
        for position, line in enumerate(self._file):
            if named in line and _entry(self._path, position, line).party == party:
                found.append(Stored(position, stored(line[:-1])))
        return found


def _entry(path: Path, position: int, line: bytes) -> Published:
    """The entry in a line, where it is the one with this position. Raises DamagedFile."""
    where = f"line {position + 1:,} of {path}"
    try:
        entry = read(line)
    except BrokenRecord:
        raise DamagedFile(f"{where} is no entry") from None
    if (entry.position, entry.previous) != (position, position - 1 if position else None):
        raise DamagedFile(f"{where} holds position {entry.position:,} behind {entry.previous}, where {position:,} is due")
    return entry


def _damage(path: Path, manifest: Manifest) -> DamagedFile:
    """Where the file is not what was exported: the first line that cannot be right, or the first lines that were others."""
    blocks = manifest.blocks or Blocks(lines=LINES_OF_A_BLOCK, sha256=())
    begun, position = 0, -1
    with path.open("rb") as lines:
        for expected in blocks.sha256:
            block = sha256()
            for position, line in enumerate(islice(lines, blocks.lines), begun):
                try:
                    _entry(path, position, line)
                except DamagedFile as damage:
                    return damage
                block.update(line)
            if block.hexdigest() != expected and position + 1 - begun == min(blocks.lines, manifest.entries - begun):
                return DamagedFile(f"a byte in lines {begun + 1:,} to {position + 1:,} of {path} is not what was exported")
            begun += blocks.lines
    return DamagedFile(
        f"{path} is not what was exported: behind line {position + 1:,} of {manifest.entries:,} it ends or goes on"
    )
