"""The record in SQLite: what only files do. What it promises like any other: tests/infra/test_record.py."""

import resource
from pathlib import Path

import pytest

from consumers.ports import NotWritten
from tests.ledgers import Ledger, contact


def test_a_full_disk_is_said_and_recording_goes_on_when_there_is_space(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.receipts(*(contact("acme", str(n)) for n in range(200)))
    largest = max(each.stat().st_size for each in ledger.home.iterdir())
    more = [contact("acme", f"more-{n}") for n in range(500)]
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    for space in (0, 20_000, 100_000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest + space, limit[1]))
        try:
            with pytest.raises(NotWritten, match=f"the record in {ledger.home} could not be written"):
                ledger.report(*more)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        assert ledger.log.end() == 201
    assert [each.position for each in ledger.receipts(*more)] == list(range(201, 701))
    ledger.close()
