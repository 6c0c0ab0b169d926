"""What is published is what is stored, with its place in front of it."""

import pytest

from consumers.ports import BrokenRecord
from domain.entry import decode
from infra.kafka.published import published, read, stored
from tests.ledgers import Ledger, made


@pytest.fixture
def states(tmp_path) -> list[bytes]:
    with Ledger(tmp_path) as ledger:
        ledger.receipts(made("acme", "a", due="2026-02-01"), made("globex", "b"))
        return [each.state for each in ledger.stored()]


def test_an_entry_is_read_as_it_was_stored_with_its_place(states: list[bytes]) -> None:
    for position, state in enumerate(states):
        value = published(position, position - 1 if position else None, state)
        found = read(value)
        assert (found.position, found.previous) == (position, position - 1 if position else None)
        as_stored = decode(state)
        assert [getattr(found, name) for name in as_stored.__struct_fields__] == [
            getattr(as_stored, name) for name in as_stored.__struct_fields__
        ]
        assert stored(value) == state


@pytest.mark.parametrize("value", [None, b"", b"{}", b"[]", b"\xff", b'{"position":1,"previous":null}', b'{"position":"1"'])
def test_what_is_no_entry_breaks_the_record(value: bytes | None) -> None:
    with pytest.raises(BrokenRecord):
        read(value)
