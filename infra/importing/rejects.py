"""The file of rejected rows: one JSON object a line, with the row's line number, why it was rejected, and the row itself."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from consumers.ports import NotWritten
from infra.importing.reports import Reject


class RejectsFile:
    """Written anew by every run, and only where a row is rejected. Holds whatever the rows hold: it is for their owner.

    The folder is made where there is none: with a record in a database nobody else made it. Raises NotWritten where there
    is no room for it: the run after that writes it again, from its first row on.
    """

    def __init__(self, path: Path, imported: Path) -> None:
        if path.exists() and path.samefile(imported):
            raise ValueError("the file of rejects would overwrite the file that is imported")
        self.count = 0
        self._path = path
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        self._path.unlink(missing_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, wrong: BaseException | None, at: TracebackType | None) -> None:
        if self._file is not None:
            with self._writing():
                self._file.close()

    def add(self, reject: Reject) -> None:
        """Write the row down."""
        with self._writing():
            if self._file is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self._path.open("w", encoding="utf-8")
            self._file.write(json.dumps(reject._asdict(), ensure_ascii=False) + "\n")
        self.count += 1

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as wrong:
            raise NotWritten(f"the rejected rows could not be written to {self._path}: {wrong.strerror}") from wrong
