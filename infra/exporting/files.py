"""Exported files, whichever form they have."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from consumers.ports import Feed, OfParty, Stored
from consumers.shadow import Telescope
from infra.exporting import manifest as manifests
from infra.exporting.jsonl import JsonlFeed, JsonlWriter
from infra.exporting.manifest import Contents, Form, Manifest
from infra.exporting.whole import Sink


class MissingExtra(Exception):
    """What is asked for needs a package that is not installed; the message says which."""


class Writer(Protocol):
    """Writes entries in one form."""

    def add(self, page: Sequence[Stored]) -> None:
        """Write what follows. Raises OSError."""

    def end(self, contents: Contents) -> Manifest:
        """Write what ends the file; the manifest of what was written. Raises OSError."""

    def abandon(self) -> None:
        """Give back what it holds."""


class FileFeed(Feed, OfParty, Protocol):
    """The port Feed on an exported file. It is checked when it is opened; all of it is read to find a party."""

    @property
    def telescope(self) -> Telescope | None:
        """What folds many entries at once, where the file has them by columns."""

    def close(self) -> None:
        """Give the file back."""


def form_of(path: Path) -> Form:
    """The form that a file's name tells of."""
    return "parquet" if path.suffix == ".parquet" else "jsonl"


@contextmanager
def writer(form: Form, sink: Sink) -> Iterator[Writer]:
    """Writes entries into a sink. Raises MissingExtra."""
    writing: Writer = JsonlWriter(sink) if form == "jsonl" else _parquet().ParquetWriter(sink)
    try:
        yield writing
    except BaseException:
        sink.abandon()
        writing.abandon()
        raise


def open_feed(path: Path) -> tuple[FileFeed, Manifest]:
    """An exported file, checked, with its manifest. Raises NoExportHere, DamagedFile, MissingExtra."""
    manifest = manifests.read(path)
    if manifest.format == "jsonl":
        return JsonlFeed(path, manifest), manifest
    return _parquet().ParquetFeed(path, manifest), manifest


def _parquet() -> Any:
    """The door of pyarrow, which is not installed with troth itself. Raises MissingExtra."""
    try:
        return import_module("infra.exporting.parquet")
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] != "pyarrow":
            raise
        raise MissingExtra("Parquet needs pyarrow, which is not installed: pip install 'troth[parquet]'") from None
