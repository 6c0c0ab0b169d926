"""A file that is there whole or not at all: written under another name, brought onto the disk, and renamed."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from infra.exporting.manifest import Manifest, beside
from infra.failpoint import failpoint


class NotExported(Exception):
    """Nothing was exported: the message says why."""


class Sink:
    """What an export is written into: it counts and hashes the bytes on their way. Raises OSError."""

    def __init__(self, handle: int) -> None:
        self._file = os.fdopen(handle, "wb")
        self._hash = sha256()
        self._abandoned = False
        self.bytes = 0

    @property
    def sha256(self) -> str:
        """Of what was written so far, in hex."""
        return self._hash.hexdigest()

    @property
    def closed(self) -> bool:
        """Whether nothing more can be written."""
        return self._file.closed

    def write(self, data: bytes) -> int:
        """Write all of it."""
        if not self._abandoned:
            self._file.write(data)
            self._hash.update(data)
            self.bytes += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing: what counts is that all of it is on the disk in the end."""

    def tell(self) -> int:
        """How many bytes were written."""
        return self.bytes

    def settle(self) -> None:
        """Bring what was written onto the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def abandon(self) -> None:
        """What is still to come is for nobody."""
        self._abandoned = True

    def close(self) -> None:
        """Give the file back."""
        try:
            self._file.close()
        except OSError:
            if not self._abandoned:
                raise


@contextmanager
def whole(path: Path, *, force: bool) -> Iterator[Sink]:
    """What is written inside becomes the file, once the block has ended and `keep` has given it its manifest.

    Raises NotExported where it is there already (unless `force`) or cannot be written; then nothing of it is left.
    """
    if not force and path.exists():
        raise NotExported(f"{path} is there already: --force overwrites it, or choose another name")
    part = path.with_name(f".{path.name}.part")
    try:
        sink = Sink(_claimed(part))
        try:
            yield sink
        except BaseException:
            sink.abandon()
            part.unlink()
            raise
        finally:
            sink.close()
    except BlockingIOError:
        raise NotExported(f"another process exports to {path}: wait for it, or choose another name") from None
    except OSError as wrong:
        raise NotExported(f"{path} could not be written: {wrong.strerror or wrong}; nothing of it is left") from wrong


def keep(sink: Sink, path: Path, manifest: Manifest) -> None:
    """Let the file be there, with its manifest. Raises OSError."""
    sink.settle()
    told = path.with_name(f".{path.name}.manifest.part")
    with told.open("wb") as file:
        file.write(manifest.model_dump_json(indent=1, exclude_none=True).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    # A manifest without its file is no export, and in nobody's way: whoever is killed from here on leaves none, or the new one.
    path.unlink(missing_ok=True)
    told.replace(beside(path))
    failpoint("ending_export")
    path.with_name(f".{path.name}.part").replace(path)
    _settle(path.parent)


def _claimed(part: Path) -> int:
    """The handle of the new, empty file, which nobody else writes. Raises BlockingIOError where somebody does."""
    # Readable for its owner only: it will hold all that was recorded about anybody.
    handle = os.open(part, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(handle).st_ino != part.stat().st_ino:
            raise BlockingIOError  # whoever had it has just given it its name
        os.truncate(handle, 0)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _settle(folder: Path) -> None:
    """Bring the names in a folder onto the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
