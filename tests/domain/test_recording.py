"""Recording: each entry has the standing that all facts say, whichever way that was found, and begins where the last ended."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import recording
from domain.entry import Entry, decode, encode, known_from, outcome
from domain.kinds import standing
from domain.recording import Recording
from domain.report import Report
from domain.stream import Known
from tests.histories import FAMILIES, KEYS, histories
from tests.telling import incident, kept, known, made, opened

every_family = pytest.mark.parametrize("family", FAMILIES)
law = settings(deadline=None, max_examples=120)


def told(history: Sequence[Known], *, in_order: bool) -> list[Report]:
    """The facts of a history as reports."""
    arriving = sorted(history, key=lambda each: each.happened_at) if in_order else history
    return [Report(each.fact.KIND, "acme", each.happened_at, each.source, each.id, each.fact) for each in arriving]


def stored(entries: Sequence[Entry]) -> list[Entry]:
    """Entries as they come from the record."""
    return [decode(encode(each)) for each in entries]


@every_family
@law
@given(st.data(), st.booleans(), st.integers(1, 4))
def test_every_entry_says_what_all_facts_until_then_amount_to(
    family: str, data: st.DataObject, in_order: bool, at_once: int
) -> None:
    entries: list[Entry] = []
    stream = Recording("s")
    for number, report in enumerate(told(data.draw(histories(family)), in_order=in_order)):
        if number % at_once == 0:
            stream = Recording("s", stored(entries))
        entries.append(stream.record(report, 7))
        facts = [known_from(each) for each in stored(entries)]
        assert entries[-1].after == stream.standing == standing(family, KEYS[family], facts)
        assert encode(entries[-1].after) == bytes(entries[-1].raw_after)
    assert [each.before for each in entries] == [None, *(each.after for each in entries[:-1])][: len(entries)]
    assert [each.version for each in entries] == [*range(len(entries))]


@every_family
@law
@given(st.data(), st.booleans())
def test_what_would_not_count_need_not_be_recorded(family: str, data: st.DataObject, in_order: bool) -> None:
    stream, entries = Recording("s"), list[Entry]()
    for report in told(data.draw(histories(family)), in_order=in_order):
        otherwise = Recording("s", stored(entries)).record(report, 7)
        entry = stream.record_if_counting(report, 7)
        assert entry == (otherwise if outcome(otherwise)[0] == "counted" else None)
        entries += [entry] if entry is not None else []
    assert stream.standing == (entries[-1].after if entries else None)


def test_what_comes_in_order_needs_no_fact_that_came_before(monkeypatch: pytest.MonkeyPatch) -> None:
    for facts in ([made("1970-01-01"), kept("1970-01-02")], [opened("1970-01-01"), incident("resolved", "1970-01-02")]):
        first, second = told(known(*facts), in_order=False)
        begun = stored([Recording("s").record(first, 7)])
        with monkeypatch.context() as patched:
            patched.setattr(recording, "known_from", lambda _: pytest.fail("a fact was decoded"))
            assert Recording("s", begun).record(second, 7).after.status in ("kept", "resolved")  # type: ignore[union-attr]
