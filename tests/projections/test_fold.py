"""The fold: minus before, plus after. The same state for every order of arrival and every cut into batches."""

from itertools import pairwise
from random import Random
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers.ports import LOG, Move, Reached
from domain.instant import text
from domain.kinds import Standing
from infra.sqlite.views import in_memory
from projections.catalog import PROJECTIONS
from projections.company import TOTALS
from projections.fold import Context, Projection, contribute, contribute_standing, pending_for
from tests.crowd import crowd
from tests.ledgers import NOW, Message, kept, made, said
from tests.projections.folded import POLICY, State, fold, fold_all, in_digest, numbers, recorded, state, write

seeds = st.integers(0, 10**6)
cuts = st.lists(st.integers(0, 10**6), max_size=5)
every_projection = pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda each: each.name)


def shuffled(reports: list[Message], seed: int) -> list[Message]:
    """The same reports in another order."""
    return Random(seed).sample(reports, len(reports))


@every_projection
@settings(max_examples=25)
@given(seeds, seeds, cuts)
def test_any_order_and_any_batches_give_the_same_state(projection: Projection, seed: int, order: int, cuts: list[int]) -> None:
    reports = crowd(seed, 15, parties=3)
    one = state(projection, recorded(reports))
    other = state(projection, recorded(shuffled(reports, order)), cuts=cuts)
    assert in_digest(projection, one) == in_digest(projection, other)


@every_projection
@settings(max_examples=15)
@given(seeds)
def test_the_state_is_what_the_last_standing_of_each_stream_contributes(projection: Projection, seed: int) -> None:
    record = recorded(crowd(seed, 20, parties=3))
    pending = pending_for(projection)
    for position, entry in enumerate(record):
        if projection.of_entry is not None:
            contribute(pending, projection.of_entry(entry, position), +1)
    for entry in {each.stream: each for each in record}.values():
        contribute_standing(projection, pending, entry.after, Context(entry.party, entry.stream, POLICY), +1)
    expected = {table.name: {} for table in projection.tables}
    write(expected, pending)
    assert state(projection, record) == expected


@every_projection
@settings(max_examples=25)
@given(seeds, cuts)
def test_many_at_once_are_as_one_after_the_other(projection: Projection, seed: int, cuts: list[int]) -> None:
    record = [*enumerate(recorded(crowd(seed, 15, parties=3)))]
    held: State = {table.name: {} for table in projection.tables}
    for start, end in pairwise(sorted({0, *(cut % len(record) for cut in cuts), len(record)})):
        pending = pending_for(projection)
        fold_all(projection, pending, record[start:end], POLICY)
        write(held, pending)
    assert held == state(projection, [entry for _, entry in record])


@every_projection
@settings(max_examples=10)
@given(seeds)
def test_partitions_add_up_to_the_whole(projection: Projection, seed: int) -> None:
    record = recorded(crowd(seed, 20, parties=4))
    parts = [pending_for(projection), pending_for(projection)]
    for position, entry in enumerate(record):
        fold(projection, parts[entry.party < "party-2"], entry, position, POLICY)
    merged = {table.name: {} for table in projection.tables}
    for part in parts:
        write(merged, part)
    assert merged == state(projection, record)


@settings(max_examples=5)
@given(seeds, seeds, cuts)
def test_the_digests_in_sqlite_are_the_same_too(seed: int, order: int, cuts: list[int]) -> None:
    reports = crowd(seed, 15, parties=3)

    def digests(reports: list[Message], cuts: list[int]) -> dict[str, str]:
        views, record = in_memory(), recorded(reports)
        built = {each.name: views.build(each, "", (LOG,), live=True) for each in PROJECTIONS}
        reached = 0
        for cut in [*sorted(cut % len(record) for cut in cuts), len(record)]:
            now = {LOG: Reached(reached)}
            folding = [(built[each.name]._replace(reached=now), each, pending_for(each)) for each in PROJECTIONS]
            for position in range(reached, cut):
                for _, projection, pending in folding:
                    fold(projection, pending, record[position], position, POLICY)
            reached = max(reached, cut)
            views.write([Move(*each, {LOG: Reached(reached)}) for each in folding], ())
        found = {each.name: views.digests([(built[each.name], each)])[0] for each in PROJECTIONS}
        views.close()
        return found

    assert digests(reports, []) == digests(shuffled(reports, order), cuts)


@settings(max_examples=10)
@given(seeds)
def test_when_everything_is_taken_back_no_residue_is_left(seed: int) -> None:
    reports = [each for each in crowd(seed, 15, parties=3, repeated=0) if each["type"] != "fact.retracted.v1"]
    reports = [each for each in reports if "corrects" not in each["data"]]
    record = recorded([*reports, *map(retraction, reports)])
    for projection in PROJECTIONS:
        for table, rows in state(projection, record).items():
            if table == TOTALS.name:
                assert all(numbers(row)[1:] == [0] * (len(row) - 1) for row in rows.values())
            elif table not in ("timeline", "names", "unsettled"):
                assert rows == {}, table


def retraction(of: Message) -> Message:
    """The report that takes another back."""
    family = of["type"].split(".")[0]
    names = {"source": of["source"], "id": of["id"]}
    key = of["data"].get(f"{family}_id", "party")
    stated = text(NOW)
    return said("fact.retracted.v1", of["subject"], stated, retracts=names, of_family=family, of_key=key, stated_at=stated)


@every_projection
@settings(max_examples=10)
@given(seeds)
def test_every_row_fits_its_documented_table(projection: Projection, seed: int) -> None:
    of_type = {"TEXT": str, "INTEGER": int, "WIDE": int}
    for table in projection.tables:
        columns = (*table.key, *table.values)
        assert all(column.meaning for column in columns)
        assert len({column.name for column in columns}) == len(columns)
        assert all(column.type != "TEXT" for column in table.values if table.sums)
    held = state(projection, recorded(crowd(seed, 20)))
    for table in projection.tables:
        for key, row in held[table.name].items():
            for column, cell in zip((*table.key, *table.values), (*key, *row), strict=True):
                assert cell is None or isinstance(cell, of_type[column.type])
                assert column.type != "INTEGER" or cell is None or -(2**63) <= int(cell) < 2**63


def test_what_a_standing_before_and_after_contributes_alike_is_left_alone() -> None:
    record = recorded([made("acme", "p", due="2026-02-01"), said("promise.accepted.v1", "acme", "2026-01-02", promise_id="p")])
    for projection in PROJECTIONS:
        pending = pending_for(projection)
        fold(projection, pending, record[1], 1, POLICY)
        assert not any(pending.sums.values())
        assert set(filter(pending.rows.get, pending.rows)) <= {"promises", "timeline"}


@every_projection
def test_where_a_gist_decides_every_kind_of_standing_was_decided_about(projection: Projection) -> None:
    assert projection.by_gist is None or {*projection.by_gist.gists} == {*get_args(Standing)}


def test_what_is_pending_is_counted_by_keys() -> None:
    board = next(each for each in PROJECTIONS if each.name == "board")
    pending = pending_for(board)
    for position, entry in enumerate(recorded([made("acme", "p", due="2026-02-01"), kept("acme", "p", "2026-01-09")])):
        fold(board, pending, entry, position, POLICY)
    assert pending.size == 1
