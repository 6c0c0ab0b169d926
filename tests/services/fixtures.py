"""The services as fixtures: one Kafka and one PostgreSQL a test run, a new database a test."""

import os
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import psycopg
import pytest

from tests.services import kafka
from tests.services.keeper import Service, shared
from tests.services.postgres import new_database

_numbers = count()


def _shared(service: Service, factory: pytest.TempPathFactory) -> str:
    """One of each for all workers of a run: with pytest-xdist their folders lie side by side, and one process started them."""
    in_worker = "PYTEST_XDIST_WORKER" in os.environ
    base = factory.getbasetemp()
    return shared(service, base.parent if in_worker else base, os.getppid() if in_worker else os.getpid())


@pytest.fixture(scope="session")
def kafka_bootstrap(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the run's Apache Kafka answers: one broker, shared by all tests, so that each uses a ledger's name of its own.

    `TROTH_TEST_KAFKA` names another, on which topics may be made.
    """
    if given := os.environ.get("TROTH_TEST_KAFKA"):
        return given
    kafka.ensure()
    return _shared("kafka", tmp_path_factory)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of the run's PostgreSQL; `TROTH_TEST_DATABASE` names another, on which databases may be made."""
    return os.environ.get("TROTH_TEST_DATABASE") or _shared("postgres", tmp_path_factory)


@pytest.fixture
def database(postgres_server: str) -> Iterator[str]:
    """The address of a new, empty database, dropped when the test ends."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    yield new_database(postgres_server, name)
    with closing(psycopg.connect(postgres_server, autocommit=True)) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@pytest.fixture
def ledger_name(tmp_path: Path) -> str:
    """A name for a ledger that no other test of any worker has: topics and groups are named by it."""
    return f"t{os.getpid()}-{next(_numbers)}"
