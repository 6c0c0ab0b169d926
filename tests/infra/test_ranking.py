"""Ranking, in either database: every party is scored, at once after an entry and again after a day, and no mark is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.instant import DAY
from infra.asking.ranking import Ranking
from tests.crowd import crowd
from tests.ledgers import Ledger, contact, kept, made
from tests.shelves import Shelf


@pytest.fixture
def ledger(shelf: Shelf, tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path, shelf=shelf) as ledger:
        yield ledger


def rank(ledger: Ledger) -> int:
    """Score all that waits; how many that were."""
    ledger.projector.catch_up()
    ranking, ranked = Ranking(ledger.views.ranked, ledger.views.reader, ledger.log), 0
    while scored := ranking.refresh(ledger.projector.policy, ledger.clock()):
        ranked += scored
    return ranked


def parties(ledger: Ledger) -> list[tuple[object, ...]]:
    return [tuple(row) for row in ledger.views.reader.execute("SELECT * FROM parties ORDER BY party")]


def test_who_is_scored_does_not_depend_on_the_database(ledger: Ledger, tmp_path: Path) -> None:
    with Ledger(tmp_path / "embedded") as embedded:
        for each in (ledger, embedded):
            each.receipts(*crowd(2, 60, parties=130))
            rank(each)
        assert parties(ledger) == parties(embedded)
        assert {row[0] for row in parties(ledger)} == {each.party for each in ledger.entries()} - {"@ledger"}


def test_a_party_is_scored_at_once_after_an_entry_about_it_and_nobody_else_is(ledger: Ledger) -> None:
    ledger.receipts(made("acme", "p"), contact("bolt", "c"))
    assert rank(ledger) == 3
    before = dict(zip(("acme", "bolt"), parties(ledger), strict=True))
    ledger.clock.at += 1
    ledger.receipts(kept("acme", "p", "2026-02-01"))
    assert rank(ledger) == 1
    after = dict(zip(("acme", "bolt"), parties(ledger), strict=True))
    assert after["bolt"] == before["bolt"]
    assert after["acme"] != before["acme"]


def test_everybody_is_scored_again_after_a_day(ledger: Ledger) -> None:
    ledger.receipts(*(contact(f"party-{number}", "c") for number in range(250)))
    assert rank(ledger) == 251
    ledger.clock.at += DAY
    assert rank(ledger) == 0
    ledger.clock.at += 1
    assert rank(ledger) == 250
    assert {row[-1] for row in parties(ledger)} == {ledger.clock.at}
