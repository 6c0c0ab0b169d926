"""`troth doctor` on a ledger in PostgreSQL that is only half there, or that its user may not read."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from infra import wiring
from infra.settings import Settings

pytestmark = pytest.mark.service
Troth = Callable[..., tuple[int, str, str]]


@pytest.fixture
def settings(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Of an empty database, as they are in the environment."""
    monkeypatch.setenv("TROTH_DATABASE", database)
    return Settings(home=tmp_path)


class Reader(NamedTuple):
    """A user, and the address of the database for them."""

    name: str
    address: str


@pytest.fixture
def reader(database: str, ledger_name: str) -> Iterator[Reader]:
    """A user who may do nothing in the database yet."""
    with closing(psycopg.connect(database, autocommit=True)) as connection:
        connection.execute(f'CREATE ROLE "{ledger_name}"'.encode())
        yield Reader(ledger_name, make_conninfo(database, options=f"-c role={ledger_name}"))
        connection.execute(f'DROP OWNED BY "{ledger_name}"'.encode())
        connection.execute(f'DROP ROLE "{ledger_name}"'.encode())


def found(troth: Troth, home: Path, name: str, expected: int) -> tuple[bool, str, str]:
    """What the doctor says of one thing: whether it is well, what was found, what to do."""
    code, printed, wrong = troth(home, "doctor", "--json")
    assert (code, wrong) == (expected, ""), printed
    (check,) = [each for each in json.loads(printed)["checks"] if each["name"] == name]
    return check["ok"], check["found"], check["do"]


def test_a_record_whose_views_were_not_made_any_more_is_whole(troth: Troth, settings: Settings) -> None:
    with wiring.store(settings).making(wiring.now):
        pass  # killed here
    assert found(troth, settings.home, "views", 0) == (True, "not there yet", "`troth serve` or `troth run project` makes them")
    wiring.make(settings)
    assert found(troth, settings.home, "views", 0)[1] == "1 entries behind; nobody serves them now"


def test_a_schema_of_another_version_is_for_another_troth(troth: Troth, settings: Settings, database: str) -> None:
    wiring.make(settings)
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE main.views SET schema_version = 99")
    assert found(troth, settings.home, "schema of its views", 1) == (False, "99", "use the version of troth that wrote it")
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE main.ledger SET schema_version = 99")
    assert found(troth, settings.home, "schema of main", 1) == (False, "99", "use the version of troth that wrote it")


def test_what_its_user_may_not_read_is_no_other_version(
    troth: Troth, settings: Settings, database: str, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    wiring.make(settings)
    monkeypatch.setenv("TROTH_DATABASE", reader.address)
    for granted, name in (("USAGE ON SCHEMA main", "schema of main"), ("SELECT ON main.ledger", "schema of its views")):
        with psycopg.connect(database) as connection:
            connection.execute(f'GRANT {granted} TO "{reader.name}"'.encode())
        ok, why, do = found(troth, settings.home, name, 1)
        assert (ok, why, "version" in do, "this user may" in do) == (False, "InsufficientPrivilege", False, True)
