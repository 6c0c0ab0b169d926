"""Where a ledger may be kept, for tests of what holds in both places: a folder with SQLite in it, a PostgreSQL database."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from infra.postgres.quarantine import Quarantine as PostgresQuarantine
from infra.record import Kept, Quarantine
from infra.sqlite.connect import connect
from infra.sqlite.log import FILE
from infra.sqlite.quarantine import Quarantine as SQLiteQuarantine
from tests.ledgers import Hands, Ledger


class Place(NamedTuple):
    """A folder, and a database where the record is to be in PostgreSQL."""

    home: Path
    database: str | None

    def open(self, clock: Hands | None = None) -> Ledger:
        """The ledger that is kept there."""
        return Ledger(self.home, clock, database=self.database)

    def alter(self, statement: str, *parameters: object) -> list[Any]:
        """Do something to the ledger's tables as somebody who is not troth. Parameters are `?`."""
        if self.database is None:
            with closing(sqlite3.connect(self.home / FILE)) as connection, connection:
                return connection.execute(statement, parameters).fetchall()
        with psycopg.connect(self.database, options="-c search_path=test") as reached:
            done = reached.execute(statement.replace("?", "%s").encode(), parameters)
            return done.fetchall() if done.description else []

    def quarantine(self) -> Quarantine:
        """What the ledger there refused."""
        return quarantine_of(self.home, self.database, "test")

    def quarantined(self) -> list[Kept]:
        """All that it refused."""
        with closing(self.quarantine()) as quarantine:
            return quarantine.list(status=None)


def quarantine_of(home: Path, database: str | None, name: str) -> Quarantine:
    """What the ledger of this name refused."""
    return SQLiteQuarantine(connect(home / FILE)) if database is None else PostgresQuarantine(database, name)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.service)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Each of the two in turn, empty."""
    return Place(tmp_path, request.getfixturevalue("database") if request.param == "postgres" else None)
