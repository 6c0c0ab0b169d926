"""The views in PostgreSQL: many write to the same rows at once and none waits for ever; readers see one state of them."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from pathlib import Path
from random import Random

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers import project
from consumers.ports import LOG, Fenced, Move, Reached, Unfit, Unreachable
from consumers.project import Projector
from infra.postgres import log as postgres_log
from infra.postgres import views as postgres_views
from infra.postgres.connect import connect
from infra.postgres.reader import translated
from infra.postgres.views import PostgresViews, open_views
from infra.record import NoLedgerHere, UnknownSchema
from infra.sqlite.log import SQLiteLog
from infra.sqlite.views import in_memory
from infra.tables import all_built
from projections.catalog import PROJECTIONS
from projections.fold import Change, Column, Projection, Table
from tests.consumers.test_partitions import Partitioned
from tests.crowd import crowd
from tests.infra.test_views import LARGE, TRIED, digest, pending, row, rows_of, summed, there, written
from tests.ledgers import Ledger
from tests.shelves import in_postgres, schema_of

pytestmark = pytest.mark.service


Sql = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def another(database: str, tmp_path: Path) -> Callable[[], PostgresViews]:
    """Opens the test's views."""

    def opened() -> PostgresViews:
        views = in_postgres(database)(tmp_path)
        assert isinstance(views, PostgresViews)
        return views

    return opened


@pytest.fixture
def views(another: Callable[[], PostgresViews]) -> Iterator[PostgresViews]:
    with closing(another()) as opened:
        yield opened


@pytest.fixture
def sql(database: str, tmp_path: Path) -> Iterator[Sql]:
    """A connection of somebody else's."""
    with closing(connect(database, schema_of(tmp_path))) as connection:
        yield connection


# Adding


def test_in_whatever_order_and_pieces_sums_are_written_the_digest_is_that_of_sqlite(views: PostgresViews) -> None:
    changes = st.lists(
        st.tuples(
            st.sampled_from(["acme", "Acme", "ü", "\U0001f600", "\uffff", "a b", "{}", '"', "\\N", "NULL", "%s?"]),
            st.integers(-3, 3),
            st.integers(-2, 2),
            st.integers(-(10**45), 10**45) | st.just(0),
        ),
        max_size=12,
    )

    numbers = count()

    @settings(max_examples=40)
    @given(changes, st.randoms(use_true_random=False))
    def law(changes: list[tuple[str, int, int, int]], chance: Random) -> None:
        said = [summed(who, at, count=count, mass=mass) for who, at, count, mass in changes]
        said += [row(who, by=who if at else None) for who, at, _, _ in {each[0]: each for each in changes}.values()]
        with closing(in_memory()) as expected:
            built = expected.build(TRIED, "", (LOG,), live=False)
            in_sqlite = digest(expected, written(expected, built, pending(*said), 1))
        shuffled, at = chance.sample(said, len(said)), 0
        built = views.build(TRIED, f"{next(numbers)}", (LOG,), live=False)
        while shuffled:
            at, cut = at + 1, chance.randrange(1, len(shuffled) + 1)
            built, shuffled = written(views, built, pending(*shuffled[:cut]), at), shuffled[cut:]
        assert digest(views, built) == in_sqlite
        views.discard(built)

    law()


def test_many_add_to_the_same_rows_at_once_and_take_away_again(
    views: PostgresViews, another: Callable[[], PostgresViews]
) -> None:
    writers, rounds = 6, 10
    built, ready = views.build(TRIED, "", range(writers), live=True), threading.Barrier(writers, timeout=60)

    def write(writer: int) -> list[Change]:
        """Add to some of the same few rows in an order of one's own and take it away again, over and over; add once more."""
        chance, now, at = Random(writer), built, 0
        with closing(another()) as mine:
            ready.wait()
            for sign in [*(1, -1) * rounds, 1]:
                if sign > 0:
                    added = [summed(f"key-{key}", mass=chance.randrange(10**40)) for key in chance.sample(range(4), 3)]
                reached = {**now.reached, writer: Reached(at := at + 1, at, at)}
                parties = [f"party-{number}" for number in chance.sample(range(20), 10)]
                mine.write([Move(now, TRIED, pending(*added, sign=sign), reached)], parties)
                now = now._replace(reached=reached)
        return added

    with ThreadPoolExecutor(writers) as threads:
        left = [each for added in threads.map(write, range(writers)) for each in added]
    found = {(who, at): [count, int(str(mass)), seen] for who, at, count, mass, seen in rows_of(views, "sums")}
    assert found == pending(*left).sums["sums"]
    assert {each.taken for each in views.built()[0].reached.values()} == {2 * rounds + 1}


def test_a_row_that_comes_and_goes_under_many_hands_is_gone_in_the_end(
    views: PostgresViews, another: Callable[[], PostgresViews]
) -> None:
    writers = 4
    built, ready = views.build(TRIED, "", range(writers), live=True), threading.Barrier(writers, timeout=60)

    def write(writer: int) -> None:
        now = built
        with closing(another()) as mine:
            ready.wait()
            for at in range(1, 61):
                reached = {**now.reached, writer: Reached(at, at, at)}
                mine.write([Move(now, TRIED, pending(summed(), sign=1 if at % 2 else -1), reached)], [])
                now = now._replace(reached=reached)

    with ThreadPoolExecutor(writers) as threads:
        list(threads.map(write, range(writers)))
    assert rows_of(views, "sums") == []


def test_of_two_that_fold_the_same_partition_at_once_one_is_fenced_off(
    views: PostgresViews, another: Callable[[], PostgresViews]
) -> None:
    built, ready = views.build(TRIED, "", (0, 1), live=True), threading.Barrier(2, timeout=60)

    def write(_: int) -> int:
        now, written = built, 0
        with closing(another()) as mine:
            for at in range(1, 31):
                reached = {**now.reached, 1: Reached(at, at, at)}
                ready.wait()
                try:
                    mine.write([Move(now, TRIED, pending(summed()), reached)], [])
                    written += 1
                except Fenced:
                    pass
                now = now._replace(reached=reached)
        return written

    with ThreadPoolExecutor(2) as threads:
        assert sum(threads.map(write, range(2))) == 30
    assert rows_of(views, "sums") == [("acme", 1, 30, str(30 * LARGE), 0)]


def test_projectors_that_run_at_once_on_partitions_of_one_record_come_to_the_digests_of_sqlite(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    partitions, members, shelf = 6, 3, in_postgres(database)
    monkeypatch.setattr(project, "PAGE", 10)
    monkeypatch.setattr(project, "PENDING_AT_MOST", 100)
    with Ledger(tmp_path, shelf=shelf) as ledger, Ledger(tmp_path / "one") as one:
        for each in (ledger, one):
            each.receipts(*crowd(11, 80, parties=40))
        begun = ledger.projector.policy.hash, range(partitions)

        def project_some(member: int) -> None:
            with closing(SQLiteLog(tmp_path, ledger.clock)) as log, closing(shelf(tmp_path)) as views:
                feed = Partitioned(log, partitions, {*range(member, partitions, members)})
                projector, idle = Projector(log, feed, views, PROJECTIONS, ledger.clock), 0
                while idle < 3:
                    idle = 0 if projector.step() else idle + 1

        with ThreadPoolExecutor(members) as threads:
            list(threads.map(project_some, range(members)))
            built = [ledger.views.build(each, begun[0] if each.judges else "", begun[1], live=False) for each in PROJECTIONS]
            list(threads.map(project_some, range(members)))
        assert ledger.digests() == one.catch_up()
        assert {each.generation for each in ledger.views.built()} == {each.generation for each in built}
        assert all(each.live and each.position == one.log.end() for each in ledger.views.built())


# Reading


def test_a_reader_sees_one_state_however_much_is_written_and_swapped(
    views: PostgresViews, another: Callable[[], PostgresViews]
) -> None:
    built = written(views, views.build(TRIED, "", (LOG,), live=True), pending(row(by="before"), summed()), 1)
    building = written(views, views.build(TRIED, "", (LOG,), live=False), pending(row(by="after")), 2)
    with closing(another()) as reading, closing(another()) as others, ThreadPoolExecutor(1) as threads:
        with reading.reader.one_state():
            assert [each.position for each in all_built(reading.reader) if each.live] == [1]
            written(views, built, pending(row(by="written meanwhile")), 2)
            swapping = threads.submit(views.go_live, building, TRIED, None)
            with pytest.raises(TimeoutError):
                swapping.result(0.6)
            assert rows_of(reading, "rows") == [("acme", "before", 0)]
            assert rows_of(reading, "sums") == [("acme", 1, 1, str(LARGE), 0)]
            with others.reader.one_state():  # it comes by while the swap waits
                assert rows_of(others, "rows") == [("acme", "written meanwhile", 0)]
        swapping.result(10)
        with reading.reader.one_state():
            assert rows_of(reading, "rows") == [("acme", "after", 0)]
            assert rows_of(reading, "sums") == []
            assert [each.position for each in all_built(reading.reader)] == [2]


def test_a_swap_that_readers_never_let_through_is_left_for_another_time(
    views: PostgresViews, another: Callable[[], PostgresViews], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_views, "SWAP_SECONDS", 0.1)
    first, second = [views.build(TRIED, "", (LOG,), live=live) for live in (True, False)]
    with closing(another()) as reading:
        with reading.reader.one_state(), pytest.raises(Fenced, match="readers have held on to what they see"):
            views.go_live(second, TRIED, first)
        assert [each.live for each in views.built()] == [True, False]
        views.go_live(second, TRIED, first)


def test_a_reader_that_begins_within_a_swap_sees_all_of_it(views: PostgresViews, another: Callable[[], PostgresViews]) -> None:
    first = written(views, views.build(TRIED, "", (LOG,), live=True), pending(row(by="0")), 1)
    ended, seen = threading.Event(), list[tuple[int, int]]()

    def read() -> None:
        with closing(another()) as reading:
            while not ended.is_set():
                with reading.reader.one_state():
                    (live,) = [each.generation for each in all_built(reading.reader) if each.live]
                    ((_, by, _),) = rows_of(reading, "rows")
                    seen.append((live, int(str(by))))

    with ThreadPoolExecutor(2) as threads:
        readers = [threads.submit(read) for _ in range(2)]
        shown = {first.generation: 0}
        for number in range(1, 8):
            building = written(views, views.build(TRIED, "", (LOG,), live=False), pending(row(by=str(number))), 1)
            shown[building.generation] = number
            views.go_live(building, TRIED, None)
        ended.set()
        for each in readers:
            each.result(10)
    assert all(shown[generation] == by for generation, by in seen)
    assert len({generation for generation, _ in seen}) > 2


def test_a_reader_goes_on_after_the_server_has_ended_its_connections(views: PostgresViews, sql: Sql) -> None:
    written(views, views.build(TRIED, "", (LOG,), live=True), pending(row()), 1)
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    ended = f"SELECT pg_terminate_backend(pid, 5000) {others}"
    for _ in range(2):
        assert rows_of(views, "rows") == [("acme", "crm", 0)]
        sql.execute(ended)
    with pytest.raises(Unreachable, match="is away: AdminShutdown"), views.reader.one_state():  # noqa: PT012  (in between)
        sql.execute(ended)
        rows_of(views, "rows")
    with views.reader.one_state():
        assert rows_of(views, "rows") == [("acme", "crm", 0)]


def test_no_error_says_what_stands_in_rows(views: PostgresViews) -> None:
    written(views, views.build(TRIED, "", (LOG,), live=True), pending(row("secret-party", by="secret-word")), 1)
    for statement in ('SELECT CAST("by" AS BIGINT) FROM rows', "SELECT who FROM rows WHERE who = 1 AND at = ?"):
        with pytest.raises((psycopg.Error, Unreachable)) as wrong:
            views.reader.execute(statement, ["secret"][: statement.count("?")])
        assert "secret" not in str(wrong.value)
        assert wrong.value.__cause__ is None


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("a = ? AND b LIKE 'x?%' ESCAPE '!'", "a = %s AND b LIKE 'x?%%' ESCAPE '!'"),
        ("SELECT \"a?b\" % 2, 'it''s 100 %' WHERE c = ?", "SELECT \"a?b\" %% 2, 'it''s 100 %%' WHERE c = %s"),
    ],
)
def test_statements_are_translated_outside_of_quotes(statement: str, expected: str) -> None:
    assert translated(statement).decode() == expected


def test_text_with_nul_is_found_nowhere(views: PostgresViews) -> None:
    written(views, views.build(TRIED, "", (LOG,), live=True), pending(row("a")), 1)
    assert views.reader.execute("SELECT who FROM rows WHERE who = ?", ("a\0",)).fetchall() == []


# Swapping


def test_who_was_granted_to_read_a_view_stays_so_after_a_swap(views: PostgresViews, sql: Sql) -> None:
    first = views.build(TRIED, "", (LOG,), live=True)
    sql.execute("GRANT SELECT ON sums TO public")
    views.go_live(views.build(TRIED, "", (LOG,), live=False), TRIED, first)
    assert sql.execute("SELECT has_table_privilege('public', 'sums', 'SELECT')").fetchone() == (True,)


def test_a_new_version_may_have_other_columns_and_other_tables(views: PostgresViews) -> None:
    first = views.build(TRIED, "", (LOG,), live=True)
    other = Table("sums", "others", (Column("who", "INTEGER", "who"),), (Column("mass", "TEXT", "x"),), sums=False)
    changed = Projection("tried", 2, (other,))
    views.go_live(views.build(changed, "", (LOG,), live=False), changed, first)
    assert [column[0] for column in views.reader.execute("SELECT * FROM sums").description] == ["who", "mass"]
    assert not there(views, "rows")


def test_what_others_made_of_a_view_that_is_to_have_other_columns_is_said_with_what_to_do(
    views: PostgresViews, sql: Sql
) -> None:
    first = views.build(TRIED, "", (LOG,), live=True)
    sql.execute('CREATE VIEW "of sums" AS SELECT who FROM sums')
    sql.execute('CREATE MATERIALIZED VIEW "of sums, kept" AS SELECT who FROM sums')
    sql.execute('CREATE VIEW of_others AS SELECT * FROM "of sums"')
    views.go_live(views.build(TRIED, "", (LOG,), live=False), TRIED, first)  # with the same columns nothing is in the way
    other = Table("sums", "others", (Column("who", "INTEGER", "who"),), (Column("mass", "TEXT", "x"),), sums=False)
    changed = Projection("tried", 2, (other,))
    building = views.build(changed, "", (LOG,), live=False)
    with pytest.raises(Unfit, match='what was made of it: materialized view "of sums, kept", view "of sums"; drop that'):
        views.go_live(building, changed, None)
    assert [each.version for each in views.built() if each.live] == [1]
    sql.execute('DROP MATERIALIZED VIEW "of sums, kept"')
    sql.execute('DROP VIEW "of sums" CASCADE')
    views.go_live(building, changed, None)
    assert [each.version for each in views.built()] == [2]


def test_a_swap_waits_now_and_then_so_long_that_a_vacuum_gives_way(
    views: PostgresViews, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_views, "PAUSE_SECONDS", 0)
    first, second = [views.build(TRIED, "", (LOG,), live=live) for live in (True, False)]
    long = "SELECT FROM pg_locks WHERE clock_timestamp() - waitstart > current_setting('deadlock_timeout')::interval"
    with ThreadPoolExecutor(1) as threads:
        with sql.transaction():
            sql.execute(f"LOCK TABLE sums__{first.generation} IN SHARE UPDATE EXCLUSIVE MODE".encode())  # as a vacuum does
            swapping = threads.submit(views.go_live, second, TRIED, first)
            while not sql.execute(long).fetchall():
                assert not swapping.done()
        swapping.result(10)


def test_views_that_are_struck_off_the_list_are_built_anew(views: PostgresViews, sql: Sql) -> None:
    first = written(views, views.build(TRIED, "", (LOG,), live=True), pending(row()), 1)
    sql.execute("DELETE FROM projections")
    views.build(TRIED, "", (LOG,), live=True)
    assert rows_of(views, "rows") == []
    assert not there(views, f"rows__{first.generation}")
    with pytest.raises(Fenced):
        written(views, first, pending(row()), 2)


# Opening


def test_views_are_made_once_whoever_comes_first(database: str, ledger_name: str) -> None:
    with pytest.raises(NoLedgerHere, match="there is no ledger"):
        open_views(database, ledger_name)
    postgres_log.create(database, ledger_name, 0)
    with ThreadPoolExecutor(4) as threads:
        for views in threads.map(lambda _: open_views(database, ledger_name), range(4)):
            assert views.built() == []
            views.close()


def test_views_of_another_schema_version_are_refused(database: str, tmp_path: Path, views: PostgresViews, sql: Sql) -> None:
    sql.execute("UPDATE views SET schema_version = 99")
    with pytest.raises(UnknownSchema, match="schema version 99"):
        open_views(database, schema_of(tmp_path))
