"""What can be wrong with a server and with a ledger in it is found."""

from pathlib import Path

import psycopg
import pytest

from infra import wiring
from infra.postgres import checkup
from infra.postgres.log import SCHEMA
from infra.record import Positions
from tests.ledgers import NOW, contact
from tests.places import Place

pytestmark = pytest.mark.service


def test_a_fit_server_is_found_fit(database: str) -> None:
    found = checkup.server(database, "test", wiring.now)
    assert isinstance(found, checkup.Server)
    assert (found.new_enough, found.encoding, found.unsafe) == (True, "UTF8", ())
    assert found.version[:2] >= "14"


def test_its_clock_is_compared_with_ours(database: str) -> None:
    for ahead in (0, 3_600_000_000, -3_600_000_000):
        found = checkup.server(database, "test", lambda ahead=ahead: wiring.now() + ahead)
        assert isinstance(found, checkup.Server)
        assert abs(found.clock_ahead_micro + ahead) < 1_000_000


def test_another_encoding_is_found(database: str) -> None:
    where = psycopg.conninfo.conninfo_to_dict(database)
    name = f"{where['dbname']}_latin"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0".encode())
        try:
            found = checkup.server(psycopg.conninfo.make_conninfo(database, dbname=name), "test", wiring.now)
        finally:
            connection.execute(f"DROP DATABASE {name}".encode())
    assert isinstance(found, checkup.Server)
    assert found.encoding == "LATIN1"


def test_a_whole_record_is_found_whole_and_a_gap_and_what_cannot_be_read_are_found(database: str, tmp_path: Path) -> None:
    place = Place(tmp_path, database)
    assert checkup.schema_version(database, "test") is None
    assert checkup.positions(database, "test") == "UndefinedTable"
    with place.open() as ledger:
        ledger.receipts(*(contact("acme", str(n)) for n in range(5)))
    assert checkup.schema_version(database, "test") == SCHEMA
    assert checkup.positions(database, "test") == Positions(6, newest_recorded_at=NOW)
    place.alter("DELETE FROM stored_events WHERE position = 2")
    place.alter("UPDATE stored_events SET state = 'x' WHERE position = 4")
    assert checkup.positions(database, "test") == Positions(5, first_gap=2, first_unreadable=4, newest_recorded_at=NOW)


def test_a_server_that_does_not_answer_is_said(tmp_path: Path) -> None:
    nowhere = f"postgresql:///postgres?host={tmp_path}"
    for found in (
        checkup.server(nowhere, "test", wiring.now),
        checkup.schema_version(nowhere, "test"),
        checkup.positions(nowhere, "test"),
    ):
        assert isinstance(found, str)
        assert str(tmp_path) in found
