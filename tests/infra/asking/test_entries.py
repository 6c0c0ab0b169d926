"""The record itself."""

from contextlib import closing

import pytest

from domain.entry import leaf_hash
from infra import wiring
from infra.asking import entries
from infra.asking.answers import BadQuestion, NotFound
from infra.asking.entries import EntriesWanted
from tests.infra.story import Told
from tests.ledgers import contact


def test_the_pages_hold_the_record_without_a_gap_while_it_grows(told: Told) -> None:
    with closing(wiring.open_log(told.settings)) as log:
        end, found, after = log.end(), list[int](), None
        while True:
            answer = entries.listed(log, EntriesWanted(after=after, limit=20))
            found += [each.position for each in answer.entries]
            told.report(contact("acme", f"c{len(found)}", "2026-05-31")) if len(found) < 50 else None
            if (after := answer.next) is None:
                break
        assert found == list(range(log.end()))
        assert log.end() == end + 2 == answer.end


def test_an_entry_is_shown_with_its_fact_its_standings_and_the_hash_of_its_bytes(told: Told) -> None:
    with closing(wiring.open_log(told.settings)) as log:
        entry = entries.of_report(log, "crm", "early-kept")
        (stored,) = log.at([entry.position])
        assert entries.at_position(log, entry.position) == entry
    assert (entry.kind, entry.party, entry.outcome, entry.reason) == ("promise.kept.v1", "acme", "counted", None)
    assert entry.fact == {"promise_id": "early"}
    assert entry.before is not None
    assert (entry.before["status"], entry.after["status"]) == ("open", "kept")
    assert entry.hash == leaf_hash(stored.state)


def test_a_void_entry_says_why(told: Told) -> None:
    with closing(wiring.open_log(told.settings)) as log:
        entry = entries.of_report(log, "crm", "early-kept-again")
    assert (entry.outcome, entry.reason) == ("void", "already_kept")


def test_one_report_is_a_page_of_one_entry_and_is_named_by_source_and_id_together(told: Told) -> None:
    with closing(wiring.open_log(told.settings)) as log:
        answer = entries.listed(log, EntriesWanted(source="crm", id="acme"))
        assert ([each.kind for each in answer.entries], answer.next) == (["party.registered.v1"], None)
        with pytest.raises(BadQuestion):
            entries.listed(log, EntriesWanted(source="crm"))
        with pytest.raises(BadQuestion):
            entries.listed(log, EntriesWanted(id="acme"))


def test_what_is_not_on_the_record_is_not_found(told: Told) -> None:
    with closing(wiring.open_log(told.settings)) as log:
        with pytest.raises(NotFound):
            entries.at_position(log, log.end())
        with pytest.raises(NotFound):
            entries.of_report(log, "crm", "never sent")
        beyond = entries.listed(log, EntriesWanted(after=2**53))
        assert (beyond.entries, beyond.next) == ([], None)


def test_entries_are_counted_by_kind_the_most_frequent_first(told: Told) -> None:
    with closing(wiring.open_log(told.settings)) as log:
        counted = entries.count_by_kind(log).root
        assert sum(counted.values()) == log.end()
    assert list(counted)[:2] == ["promise.made.v1", "promise.kept.v1"]
    assert (counted["promise.made.v1"], counted["promise.lapsed.v1"], counted["policy.adopted.v1"]) == (25, 2, 1)
