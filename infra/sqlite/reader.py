"""Reading views in SQLite."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from infra.sqlite.connect import reading
from projections.fold import Cell


class SQLiteReader:
    """The Protocol Reader on one SQLite connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, parameters: Sequence[Cell] = ()) -> sqlite3.Cursor:
        """What a statement finds."""
        return self._connection.execute(statement, parameters)

    def stream(self, statement: str) -> Iterator[Any]:
        """The rows that a statement finds, as SQLite finds them."""
        return self._connection.execute(statement)

    def one_state(self) -> AbstractContextManager[None]:
        """All that is read inside is read from one state of the views."""
        return reading(self._connection)

    def close(self) -> None:
        """Give the file back."""
        self._connection.close()
