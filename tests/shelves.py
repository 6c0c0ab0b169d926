"""Where views are kept while they are tested: a file, or a schema of a PostgreSQL database."""

from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest

from infra.postgres import views as postgres_views
from infra.postgres.views import PostgresViews
from infra.sqlite.views import SQLiteViews
from infra.sqlite.views import open_views as in_folder

AnyViews = SQLiteViews | PostgresViews
Shelf = Callable[[Path], AnyViews]
"""Opens the views that belong to a folder."""


def schema_of(home: Path) -> str:
    """The name of the schema that belongs to a folder."""
    return f"t-{sha256(str(home).encode()).hexdigest()[:20]}"


def tamper(views: AnyViews, statement: str) -> None:
    """Change the tables as troth would not."""
    if isinstance(views, SQLiteViews):
        views.connection.execute(statement)
    else:
        with views.connections.lent() as connection:
            connection.execute(statement.encode())


def in_postgres(url: str) -> Shelf:
    """Views in this database, each folder's in a schema of its own."""

    def opened(home: Path) -> AnyViews:
        with closing(psycopg.connect(url, autocommit=True)) as connection:
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema_of(home)}"'.encode())
        return postgres_views.open_views(url, schema_of(home))

    return opened


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.service)])
def shelf(request: pytest.FixtureRequest) -> Shelf:
    """Each of the two in turn."""
    return in_folder if request.param == "sqlite" else in_postgres(request.getfixturevalue("database"))
