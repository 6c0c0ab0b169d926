"""Many rank at once in PostgreSQL: none scores what another has claimed, and what changes meanwhile is scored again."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from infra.asking.ranking import Ranking
from infra.postgres import ranked
from infra.tables import PARTIES
from tests.crowd import crowd
from tests.infra.test_ranking import parties, rank
from tests.ledgers import Ledger, contact, made
from tests.shelves import in_postgres, tamper

pytestmark = pytest.mark.service


@pytest.fixture
def ledger(database: str, tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path, shelf=in_postgres(database)) as ledger:
        yield ledger


_WAITS = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


def row(party: str, score: int) -> tuple[str | int | None, ...]:
    """A party's row with this score."""
    cells: dict[str, str | int | None] = {column.name: 0 for column in PARTIES.values}
    return (party, *(cells | {"kind": None, "grade": "x", "score_micro": score}).values())


def scores(ledger: Ledger) -> dict[object, object]:
    return {party: score for party, _, _, score, *_ in parties(ledger)}


def test_what_another_has_claimed_is_not_claimed_again_until_its_time_is_over(ledger: Ledger) -> None:
    ledger.receipts(*(contact(f"party-{number}", "c") for number in range(4)))
    ledger.projector.catch_up()
    with closing(ledger.another_views()) as other:
        mine, others = ledger.views.ranked.claim(0, 3), other.ranked.claim(0, 3)
        assert (len(mine), len(others)) == (3, 2)
        assert {*mine}.isdisjoint(others)
        assert ledger.views.ranked.claim(0, 3) == []
        tamper(ledger.views, "UPDATE stale SET claimed_until = clock_timestamp() - interval '1 second' WHERE party = 'party-1'")
        assert [party for party, _ in other.ranked.claim(0, 3)] == ["party-1"]


def test_a_party_about_which_an_entry_comes_while_it_is_scored_is_scored_again(ledger: Ledger) -> None:
    ledger.receipts(made("acme", "p"), made("bolt", "p"))
    ledger.projector.catch_up()
    slow = ledger.views.ranked.claim(0, 9)
    ledger.receipts(made("acme", "q"))
    ledger.projector.catch_up()
    with closing(ledger.another_views()) as other:
        fast = other.ranked.claim(0, 9)
        assert [party for party, _ in fast] == ["acme"]
        other.ranked.rank(fast, [row("acme", 2)])
        ledger.views.ranked.rank(slow, [row("acme", 1), row("bolt", 1)])
    assert scores(ledger) == {"acme": 2, "bolt": 1}
    assert ledger.views.ranked.claim(0, 9) == []


def test_who_is_being_marked_again_is_left_to_the_next_one(ledger: Ledger) -> None:
    ledger.receipts(made("acme", "p"))
    ledger.projector.catch_up()
    claimed = ledger.views.ranked.claim(0, 9)
    with closing(ledger.another_views()) as other, other.connections.lent() as connection, connection.transaction():
        ranked.mark_stale(connection, ["acme"])
        ledger.views.ranked.rank(claimed, [row("acme", 1)])  # does not wait for the other to commit
    assert scores(ledger) == {}
    assert [party for party, _ in ledger.views.ranked.claim(0, 9)] == ["acme"]


def test_who_asks_for_those_scored_long_ago_and_who_marks_them_never_wait_for_each_other(ledger: Ledger) -> None:
    ledger.receipts(made("acme", "p"), made("bolt", "p"))
    rank(ledger)
    tamper(ledger.views, "UPDATE parties SET scored_at = CASE party WHEN 'bolt' THEN 1 WHEN 'acme' THEN 2 ELSE 9 END")
    with closing(ledger.another_views()) as other, ThreadPoolExecutor(1) as threads:
        with other.connections.lent() as connection, connection.transaction():
            ranked.mark_stale(connection, ["acme"])
            claiming = threads.submit(ledger.views.ranked.claim, 3, 9)
            while not connection.execute(_WAITS).fetchall():
                assert not claiming.done()
            ranked.mark_stale(connection, ["bolt"])
        assert claiming.result(60) == []
        assert [party for party, _ in other.ranked.claim(3, 9)] == ["acme", "bolt"]


def test_after_a_swap_what_was_scored_from_before_it_is_scored_again(ledger: Ledger) -> None:
    ledger.receipts(made("acme", "p"), made("bolt", "p"))
    rank(ledger)
    ledger.receipts(made("acme", "q"))
    ledger.projector.catch_up()
    slow = ledger.views.ranked.claim(0, 9)
    ledger.projector.rebuild(["board"])
    ledger.projector.catch_up()
    with closing(ledger.another_views()) as other:
        assert {"acme", "bolt"} <= {party for party, _ in other.ranked.claim(0, 9)}
    before = scores(ledger)
    ledger.views.ranked.rank(slow, [row("acme", 1)])
    assert scores(ledger) == before


def test_many_rank_while_views_are_written_and_all_scores_are_right_in_the_end(ledger: Ledger, tmp_path: Path) -> None:
    reports, policy = crowd(7, 150, parties=30), ledger.projector.policy

    def rank_some(_: int) -> int:
        with closing(ledger.another_views()) as views:
            ranking, ranked, idle = Ranking(views.ranked, views.reader, ledger.log), 0, 0
            while idle < 20:
                scored = ranking.refresh(policy, ledger.clock())
                ranked, idle = ranked + scored, 0 if scored else idle + 1
            return ranked

    ledger.projector.begin_what_is_wanted()
    with ThreadPoolExecutor(3) as threads:
        ranking = [threads.submit(rank_some, number) for number in range(3)]
        for begun in range(0, len(reports), 20):
            ledger.receipts(*reports[begun : begun + 20])
            ledger.projector.catch_up()
        assert sum(each.result(60) for each in ranking) >= 30
    rank(ledger)
    with Ledger(tmp_path / "embedded") as embedded:
        embedded.receipts(*reports)
        rank(embedded)
        assert parties(ledger) == parties(embedded)
