"""The file of rejected rows: one JSON object a line, with the row's line number, why it was rejected, and the row itself."""

import json
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from infra.importing.reports import Reject


class RejectsFile:
    """Written anew by every run, and only where a row is rejected. Holds whatever the rows hold: it is for their owner."""

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
            self._file.close()

    def add(self, reject: Reject) -> None:
        """Write the row down."""
        if self._file is None:
            self._file = self._path.open("w", encoding="utf-8")
        self._file.write(json.dumps(reject._asdict(), ensure_ascii=False) + "\n")
        self.count += 1
