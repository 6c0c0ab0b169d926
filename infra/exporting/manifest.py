"""The manifest beside an exported file: what the file holds, and the hashes that it is checked by. It names nobody."""

from hashlib import file_digest
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from consumers.ports import BrokenRecord

Form = Literal["jsonl", "parquet"]
VERSION = 1
"""Raised when a form changes so that an older troth would read it wrongly."""

Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class NoExportHere(Exception):
    """There is no exported file of this name, or none that this version of troth can read; the message says what to do."""


class DamagedFile(BrokenRecord):
    """An exported file is not what was exported: nothing may be computed from it."""


class Blocks(BaseModel):
    """The hashes of the file's lines, so many a block: a changed byte is found to be in one of them."""

    model_config = ConfigDict(frozen=True)

    lines: Annotated[int, Field(ge=1)]
    """How many lines a block has; the last may have fewer."""
    sha256: tuple[Hash, ...]


class Contents(BaseModel):
    """What an exported file holds. It is in the metadata of a Parquet file too."""

    model_config = ConfigDict(frozen=True)

    ledger: str
    format: Form
    format_version: int
    entries: Annotated[int, Field(ge=0)]
    first_position: int | None = None
    last_position: int | None = None
    entries_sha256: Hash
    """sha256 over the leaf hashes of all entries, 32 bytes each, by position: the same in whatever form they are exported.

    An entry's leaf hash is sha256 of a zero byte and the bytes that are stored (RFC 9162)."""
    troth_version: str
    exported_at: str


class Manifest(Contents):
    """The same with what can only be said of the file from outside."""

    bytes: Annotated[int, Field(ge=0)]
    sha256: Hash
    """Of the whole file: `sha256sum` says the same."""
    blocks: Blocks | None = None
    """In JSONL only: Parquet has checksums of its own."""


def beside(path: Path) -> Path:
    """Where the manifest of an exported file is."""
    return path.with_name(path.name + ".manifest.json")


def read(path: Path) -> Manifest:
    """The manifest of an exported file. Raises NoExportHere where there is none, DamagedFile where it says nothing."""
    try:
        text = beside(path).read_bytes()
    except OSError as wrong:
        raise NoExportHere(
            f"{beside(path)} cannot be read ({wrong.strerror}): an export is the file and the manifest beside it"
        ) from None
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError:
        raise DamagedFile(f"{beside(path)} is no manifest of an export") from None
    if manifest.format_version > VERSION:
        raise NoExportHere(
            f"{path} was exported by troth {manifest.troth_version}, which this version cannot read: use that one"
        )
    return manifest


def is_whole(path: Path, manifest: Manifest) -> bool:
    """Whether the file is byte by byte what was exported. Raises NoExportHere where it cannot be read."""
    try:
        if path.stat().st_size != manifest.bytes:
            return False
        with path.open("rb") as opened:
            return file_digest(opened, "sha256").hexdigest() == manifest.sha256
    except OSError as wrong:
        raise NoExportHere(f"{path} cannot be read: {wrong.strerror}") from None
