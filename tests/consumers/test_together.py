"""What several projections take at once: each gets what is new to it, and nothing twice, also where something breaks."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from consumers import together
from consumers.ports import BrokenRecord
from consumers.together import Together
from domain.entry import Entry
from projections.catalog import PROJECTIONS
from projections.fold import pending_for
from tests.crowd import crowd
from tests.ledgers import kept, made
from tests.projections.folded import POLICY, State, Taking, recorded, state, write

PROJECTIONS_OF_STANDINGS = [each for each in PROJECTIONS if each.of_entry is None]


def taking() -> list[Taking]:
    """All projections, with nothing pending."""
    return [Taking(each, POLICY, pending_for(each)) for each in PROJECTIONS]


def held(of: Taking) -> State:
    """What its tables come to."""
    tables: State = {table.name: {} for table in of.projection.tables}
    write(tables, of.pending)
    return tables


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    pages=st.lists(st.integers(1, 30), min_size=1),
    ahead=st.lists(st.integers(0, 40), min_size=len(PROJECTIONS), max_size=len(PROJECTIONS)),
    at_once=st.sampled_from([0, 1, 5, 20_000]),
)
def test_wherever_they_begin_each_comes_to_what_it_would_alone(
    seed: int, pages: list[int], ahead: list[int], at_once: int
) -> None:
    record = [*enumerate(recorded(crowd(seed, 15, parties=3)))]
    everybody, start = taking(), 0
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(together, "STREAMS_AT_MOST", at_once)
        giving = Together(BrokenRecord)
        for each, first in zip(everybody, ahead, strict=True):
            giving.give([(each, record[:first])])
        while start < len(record):
            end = start + pages[start % len(pages)]
            giving.give(
                (each, record[max(start, min(first, len(record))) : end]) for each, first in zip(everybody, ahead, strict=True)
            )
            start = end
        giving.settle()
    for each in everybody:
        assert held(each) == state(each.projection, [entry for _, entry in record]), each.projection.name
    assert giving.parties == {entry.party for _, entry in record}


@pytest.mark.parametrize("which", ["raw_before", "raw_after"])
@pytest.mark.parametrize("alone", [True, False])
def test_a_standing_that_cannot_be_read_is_named_by_its_position_and_what_was_given_with_it_is_gone(
    which: str, alone: bool
) -> None:
    first, second = recorded([made("acme", "p", due="2026-02-01"), kept("acme", "p", "2026-01-09")])
    broken: Entry = replace(second, **{which: Raw(b'{"family":"none"}')})
    takers = [each for each in taking() if each.projection in PROJECTIONS_OF_STANDINGS][: 1 if alone else None]
    giving = Together(lambda what: BrokenRecord(f"the test: {what}"))
    giving.give((each, [(0, first)]) for each in takers)
    giving.settle()
    before = [held(each) for each in takers]
    giving.give((each, [(7, broken)]) for each in takers)
    with pytest.raises(BrokenRecord, match="the test: the entry at position 7 cannot be read"):
        giving.settle()
    giving.settle()
    assert [held(each) for each in takers] == before
