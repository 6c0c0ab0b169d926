"""The views, in either database: fenced, exact to the last row, and swapped without a reader noticing."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from consumers.feed import LogFeed
from consumers.ports import LOG, Built, Fenced, Move, Reached, Unreachable
from consumers.project import Projector
from domain.policy import SUBJECT
from infra.asking.ranking import Ranking
from infra.sqlite.views import in_memory
from projections.catalog import PROJECTIONS
from projections.fold import Change, Column, Pending, Projection, Table, contribute, pending_for
from tests.crowd import crowd
from tests.ledgers import Ledger, contact, kept, made
from tests.shelves import AnyViews, Shelf

SUMS = Table(
    "sums",
    "Sums by who and when.",
    (Column("who", "TEXT", "who"), Column("at", "INTEGER", "when")),
    (
        Column("count", "INTEGER", "how many"),
        Column("mass", "WIDE", "how much"),
        Column("seen", "INTEGER", "x", in_digest=False),
    ),
    sums=True,
)
ROWS = Table(
    "rows",
    "The last row of each.",
    (Column("who", "TEXT", "who"),),
    (Column("by", "TEXT", "by whom"), Column("position", "INTEGER", "where", in_digest=False)),
    sums=False,
    indexes=("by",),
)
TRIED = Projection("tried", 1, (SUMS, ROWS))
LARGE = 10**60


@pytest.fixture
def views(shelf: Shelf, tmp_path: Path) -> Iterator[AnyViews]:
    with closing(shelf(tmp_path)) as views:
        yield views


@pytest.fixture
def ledger(shelf: Shelf, tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path, shelf=shelf) as ledger:
        yield ledger


def pending(*changes: Change, sign: int = 1) -> Pending:
    gathered = pending_for(TRIED)
    contribute(gathered, changes, sign)
    return gathered


def summed(who: str = "acme", at: int = 1, *, count: int = 1, mass: int = LARGE, seen: int = 0) -> Change:
    return ("sums", (who, at), (count, mass, seen))


def row(who: str = "acme", by: str | None = "crm", position: int = 0) -> Change:
    return ("rows", (who,), (by, position))


def written(views: AnyViews, built: Built, changes: Pending, reached: int) -> Built:
    move = Move(built, TRIED, changes, {LOG: Reached(reached, reached, reached)})
    views.write([move], [])
    return built._replace(reached=move.reached)


def digest(views: AnyViews, built: Built) -> str:
    return views.digests([(built, TRIED)])[0]


def rows_of(views: AnyViews, table: str) -> list[tuple[object, ...]]:
    """What readers see of a table; integers of any size as text."""
    columns = {"sums": "who, at, count, CAST(mass AS TEXT), seen", "rows": 'who, "by", position'}[table]
    return [tuple(row) for row in views.reader.execute(f"SELECT {columns} FROM {table} ORDER BY who")]  # noqa: S608


def stale(views: AnyViews) -> set[str]:
    """The parties that wait to be scored."""
    return {party for (party,) in views.reader.execute("SELECT party FROM stale") if party != SUBJECT}


# Exact


def test_sums_of_any_size_add_up_exactly_and_zero_rows_vanish(views: AnyViews) -> None:
    built = views.build(TRIED, "", (LOG,), live=True)
    built = written(views, built, pending(summed(), summed("other", count=0, mass=0)), 1)
    assert rows_of(views, "sums") == [("acme", 1, 1, str(LARGE), 0)]
    built = written(views, built, pending(summed(mass=LARGE + 1, seen=3)), 2)
    assert rows_of(views, "sums") == [("acme", 1, 2, str(2 * LARGE + 1), 3)]
    built = written(views, built, pending(summed(count=2, mass=2 * LARGE + 1, seen=3), sign=-1), 3)
    assert rows_of(views, "sums") == []


def test_a_sum_of_zero_beside_another_that_is_not_stays(views: AnyViews) -> None:
    built = written(views, views.build(TRIED, "", (LOG,), live=True), pending(summed(count=1, mass=5)), 1)
    written(views, built, pending(summed(count=1, mass=7), sign=-1), 2)
    assert rows_of(views, "sums") == [("acme", 1, 0, "-2", 0)]


def test_a_row_is_replaced_by_the_last_one_and_vanishes_when_it_is_taken_away(views: AnyViews) -> None:
    built = written(views, views.build(TRIED, "", (LOG,), live=True), pending(row(by="a"), row(by="b"), row("other", None)), 1)
    assert rows_of(views, "rows") == [("acme", "b", 0), ("other", None, 0)]
    built = written(views, built, pending(row(by="b"), sign=-1), 2)
    assert rows_of(views, "rows") == [("other", None, 0)]
    written(views, built, pending(row("never there"), sign=-1), 3)
    assert rows_of(views, "rows") == [("other", None, 0)]


# Digests


def digest_of(views: AnyViews, *changes: Change) -> str:
    built = written(views, views.build(TRIED, "", (LOG,), live=False), pending(*changes), 1)
    found = digest(views, built)
    views.discard(built)
    return found


def test_the_digest_leaves_out_what_depends_on_arrival_and_nothing_else(views: AnyViews) -> None:
    told = summed(), row()
    assert digest_of(views, summed(seen=9), row(position=7)) == digest_of(views, *told)
    others = [summed(count=2), summed(mass=1), summed(at=2), summed("else"), row(by="x"), row(by=None), row("else")]
    different = [(each, told[1]) if each[0] == "sums" else (told[0], each) for each in others]
    digests = {digest_of(views, *each) for each in (told, *different, (told[0],), (told[1],), ())}
    assert len(digests) == len(different) + 4


def test_the_digest_tells_null_from_a_word_and_a_number_from_its_digits(views: AnyViews) -> None:
    digests = {digest_of(views, row(by=by)) for by in (None, "null", "", "1", "0")}
    assert len(digests) == 5


def test_the_digest_does_not_depend_on_the_order_of_writing(views: AnyViews) -> None:
    one, two = [views.build(TRIED, policy, (LOG,), live=False) for policy in "ab"]
    changes = [summed("a", mass=3), row("b"), summed("b", mass=-4), row("a"), summed("a", mass=9)]
    for at, change in enumerate(changes):
        one = written(views, one, pending(change), at + 1)
    for at, change in enumerate(reversed(changes)):
        two = written(views, two, pending(change), at + 1)
    assert digest(views, one) == digest(views, two)


def test_every_projections_digest_is_the_same_in_memory_and_where_views_are_kept(ledger: Ledger) -> None:
    ledger.receipts(*crowd(3, 40))
    kept_there = ledger.catch_up()
    with closing(in_memory()) as views:
        Projector(ledger.log, LogFeed(ledger.log), views, PROJECTIONS, ledger.clock).catch_up()
        by_name = {each.name: each for each in PROJECTIONS}
        assert {each.name: views.digests([(each, by_name[each.name])])[0] for each in views.built()} == kept_there


# Fencing


def test_a_zombies_write_is_refused_and_nothing_of_it_stays(ledger: Ledger) -> None:
    ledger.receipts(made("acme", "p"))
    ledger.catch_up()
    with closing(ledger.another_views()) as views:
        zombies_idea = views.built()
        ledger.receipts(kept("acme", "p", "2026-01-09"), contact("new", "c"))
        digests = ledger.catch_up()
        by_name = {each.name: each for each in PROJECTIONS}
        changes = [(each, by_name[each.name], pending_for(by_name[each.name])) for each in zombies_idea]
        for table, values in (("board_promises", (9, 9, 9, 9, 9, 9)), ("board_durations", (9,))):
            key = {
                "board_promises": ("company", "team", "x", "2026-01"),
                "board_durations": ("respond", "team", "x", "2026-01", 1),
            }
            board = next(pending_ for each, _, pending_ in changes if each.name == "board")
            contribute(board, [(table, key[table], values)], +1)
        with pytest.raises(Fenced):
            views.write([moved(*each, to=3) for each in changes], ["a party that only the zombie knows"])
        assert "a party that only the zombie knows" not in stale(views)
    assert ledger.digests() == digests
    assert {each.position for each in ledger.views.built()} == {4}


def test_if_one_of_several_projections_was_moved_none_is_written(ledger: Ledger) -> None:
    ledger.receipts(made("acme", "p"))
    ledger.catch_up()
    built, by_name = ledger.views.built(), {each.name: each for each in PROJECTIONS}
    mine = [(each, by_name[each.name], pending_for(by_name[each.name])) for each in built]
    ledger.views.write([moved(*mine[-1], to=3)], [])
    with pytest.raises(Fenced):
        ledger.views.write([moved(*each, to=4) for each in mine], [])
    assert sorted({each.position for each in ledger.views.built()}) == [2, 3]


def moved(built: Built, projection: Projection, changes: Pending, *, to: int) -> Move:
    return Move(built, projection, changes, {LOG: Reached(to, to, to)})


def test_a_second_projector_on_the_same_views_is_fenced_off_and_goes_on(shelf: Shelf, ledger: Ledger) -> None:
    ledger.catch_up()
    with Ledger(ledger.home, shelf=shelf) as other:
        other.receipts(made("acme", "p"))
        log = Overtaken(other, ledger.projector.catch_up)
        second = Projector(other.log, LogFeed(log), other.views, PROJECTIONS, other.clock)  # type: ignore[arg-type]
        assert second.step()  # nothing is written of it, and the next one goes on from where the views stand by then
        second.catch_up()
        assert other.catch_up() == ledger.digests()


class Overtaken:
    """A log whose reader is overtaken by another projector after the first page."""

    def __init__(self, ledger: Ledger, overtake: Callable[[], None]) -> None:
        self._ledger = ledger
        self._overtake = overtake

    def __getattr__(self, name: str) -> object:
        return getattr(self._ledger.log, name)

    def page(self, start: int, limit: int) -> object:
        page = self._ledger.log.page(start, limit)
        self._overtake()
        return page


def zombie(views: AnyViews, what: str) -> tuple[Callable[[], object], Built]:
    """What a projector does that has not heard of what became of the tables that it was building."""
    building = views.build(TRIED, "", (LOG,), live=False)
    acts = {
        "swap": lambda: views.go_live(building, TRIED, None),
        "discard": lambda: views.discard(building),
        "build": lambda: views.build(TRIED, "", (LOG,), live=True),
    }
    return acts[what], building


def test_tables_that_were_dropped_meanwhile_are_not_shown(views: AnyViews) -> None:
    live = written(views, views.build(TRIED, "", (LOG,), live=True), pending(row()), 1)
    swap, building = zombie(views, "swap")
    views.discard(building)
    with pytest.raises(Fenced):
        swap()
    assert views.built() == [live]
    assert rows_of(views, "rows") == [("acme", "crm", 0)]


def test_tables_that_are_behind_what_readers_see_are_not_shown(views: AnyViews) -> None:
    seen = views.build(TRIED, "", (LOG,), live=True)
    building = views.build(TRIED, "", (LOG,), live=False)
    written(views, seen, pending(row()), 1)
    with pytest.raises(Fenced):
        views.go_live(building, TRIED, seen)
    with pytest.raises(Fenced):
        views.digests([(seen, TRIED), (building, TRIED)])
    assert rows_of(views, "rows") == [("acme", "crm", 0)]
    views.go_live(written(views, building, pending(row(by="other")), 1), TRIED, seen)
    assert rows_of(views, "rows") == [("acme", "other", 0)]


def test_where_kafka_keeps_what_follows_may_differ_between_tables_that_are_compared(views: AnyViews) -> None:
    seen, building = [views.build(TRIED, "", (LOG,), live=live) for live in (True, False)]
    for each, offset in ((seen, 1), (building, 7)):
        views.write([Move(each, TRIED, pending(row()), {LOG: Reached(1, offset, 1)})], [])
    one, other = views.digests([(seen, TRIED), (building, TRIED)])
    assert one == other


def test_tables_that_were_dropped_meanwhile_are_not_compared(views: AnyViews) -> None:
    seen, building = [views.build(TRIED, "", (LOG,), live=live) for live in (True, False)]
    views.go_live(building, TRIED, seen)
    with pytest.raises(Fenced):
        views.digests([(seen, TRIED), (building, TRIED)])


def test_tables_are_not_shown_in_place_of_others_than_those_that_were_seen(views: AnyViews) -> None:
    seen = views.build(TRIED, "", (LOG,), live=True)
    one, two = [views.build(TRIED, policy, (LOG,), live=False) for policy in "ab"]
    views.go_live(one, TRIED, seen)
    with pytest.raises(Fenced):
        views.go_live(two, TRIED, seen)


def test_what_is_being_built_is_not_begun_twice(views: AnyViews) -> None:
    one, another = [views.build(TRIED, "", (LOG,), live=False) for _ in range(2)]
    assert one == another
    assert views.build(TRIED, "", (0, 1), live=False).generation != one.generation


def test_tables_that_readers_see_meanwhile_are_not_discarded(views: AnyViews) -> None:
    discard, building = zombie(views, "discard")
    views.go_live(building, TRIED, None)
    with pytest.raises(Fenced):
        discard()
    assert rows_of(views, "rows") == []


def test_readers_have_one_set_of_tables_of_a_projection(views: AnyViews) -> None:
    build, building = zombie(views, "build")
    views.go_live(building, TRIED, None)
    with pytest.raises(Fenced):
        build()
    assert [each.live for each in views.built()] == [True]


# Swapping


def test_what_readers_saw_before_a_swap_is_dropped_and_nothing_else(views: AnyViews) -> None:
    first = views.build(TRIED, "", (LOG,), live=True)
    others = [views.build(TRIED, str(number), (LOG,), live=False) for number in range(11)]
    views.go_live(others[0], TRIED, first)
    assert not there(views, f"rows__{first.generation}")
    assert all(there(views, f"rows__{each.generation}") for each in others)
    assert len(views.built()) == 11


def there(views: AnyViews, table: str) -> bool:
    """Whether there is such a table."""
    try:
        views.reader.execute(f"SELECT 1 FROM {table}")  # noqa: S608
    except (sqlite3.OperationalError, Unreachable):
        return False
    return True


def test_a_number_of_a_generation_is_never_given_twice(views: AnyViews) -> None:
    first = views.build(TRIED, "", (LOG,), live=False)
    views.discard(first)
    assert views.build(TRIED, "", (LOG,), live=False).generation > first.generation


def test_after_a_swap_every_party_is_to_be_ranked_again(ledger: Ledger) -> None:
    ledger.receipts(made("acme", "p"))
    ledger.catch_up()
    ranking = Ranking(ledger.views.ranked, ledger.views.reader, ledger.log)
    assert ranking.refresh(ledger.projector.policy, ledger.clock()) == 2
    assert ranking.refresh(ledger.projector.policy, ledger.clock()) == 0
    ledger.projector.rebuild(["agenda"])
    ledger.projector.step()
    assert "acme" in {party for party, _ in ledger.views.ranked.claim(0, 9)}


def test_what_is_half_built_is_seen_by_no_reader(views: AnyViews) -> None:
    written(views, views.build(TRIED, "", (LOG,), live=False), pending(row()), 1)
    assert not there(views, "rows")
