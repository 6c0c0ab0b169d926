"""The record, in either database: dense positions, whole batches, and nothing believed that stands in a row."""

import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumers.intake import Incoming
from consumers.ports import BrokenRecord, Conflict, Mark, Refused
from domain.entry import Entry, Receipt, decode, encode
from domain.instant import SECOND
from domain.recording import Recording
from domain.report import read
from infra.asking import entries
from infra.asking.answers import NotFound
from tests.crowd import crowd
from tests.ledgers import NOW, Ledger, contact, kept, made, raw
from tests.places import Place


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    with place.open() as ledger:
        yield ledger


def first_of(stream: str, ident: str, recorded_at: int = NOW) -> tuple[Entry, bytes]:
    """The first entry of a stream of this name, and its bytes."""
    report = read({**contact("acme", stream), "id": ident})
    entry = Recording(stream).record(report, recorded_at)
    return entry, encode(entry)


# Positions


def test_positions_begin_at_0_and_have_no_gap(ledger: Ledger) -> None:
    assert [ledger.receipts(contact("acme", str(n)))[0].position for n in range(5)] == [1, 2, 3, 4, 5]
    assert [each.position for each in ledger.stored()] == [0, 1, 2, 3, 4, 5]
    assert ledger.log.end() == 6


@pytest.mark.parametrize("fault", ["stream", "name", "mark"])
def test_what_was_rolled_back_burns_no_number_and_leaves_nothing(place: Place, ledger: Ledger, fault: str) -> None:
    ledger.log.append([first_of("s0", "0")], [], None)
    bad = {"stream": first_of("s0", "new"), "name": first_of("new", "0"), "mark": first_of("new", "new")}[fault]
    mark = Mark("file", "not there", "10") if fault == "mark" else Mark("file", None, "10")
    refused = Refused("MalformedJson", "no JSON", "", b"{", "test")
    with pytest.raises(Conflict):
        ledger.log.append([first_of("s1", "1"), bad, first_of("s2", "2")], [refused], mark)
    assert (ledger.log.end(), ledger.log.mark("file")) == (2, None)
    assert place.quarantined() == []
    assert [each.position for each in ledger.log.append([first_of("s3", "3")], [], None)] == [2]


def test_the_last_positions_are_not_given_out_again_after_a_restart(place: Place) -> None:
    with place.open() as before:
        before.receipts(contact("acme", "a"))
    with place.open() as after:
        assert after.receipts(contact("acme", "b"))[0].position == 2


@pytest.mark.parametrize("missing", [0, 1, 3, 4])
def test_a_gap_is_noticed_wherever_reading_begins_before_it(place: Place, ledger: Ledger, missing: int) -> None:
    ledger.receipts(*(contact("acme", str(n)) for n in range(5)))
    place.alter("DELETE FROM stored_events WHERE position = ?", missing)
    with pytest.raises(BrokenRecord, match="an entry is missing"):
        ledger.log.page(0, 100)
    with pytest.raises(BrokenRecord):
        ledger.log.page(missing, 2)
    assert [each.position for each in ledger.log.page(missing + 1, 100)] == list(range(missing + 1, 6))


def test_a_record_that_ends_before_what_was_read_of_it_is_noticed(place: Place, ledger: Ledger) -> None:
    ledger.receipts(*(contact("acme", str(n)) for n in range(5)))
    ledger.catch_up()
    place.alter("DELETE FROM stored_events WHERE position >= 3")
    with pytest.raises(BrokenRecord, match="ends before position 6"):
        ledger.projector.step()
    assert ledger.log.page(3, 10) == []


def test_pages_of_any_size_make_up_the_record(ledger: Ledger) -> None:
    ledger.receipts(*(contact("acme", str(n)) for n in range(10)))
    for size in (1, 2, 3, 10, 11, 12):
        pages = [ledger.log.page(start, size) for start in range(0, 11, size)]
        assert [each for page in pages for each in page] == ledger.stored()
    assert ledger.log.page(11, 5) == []


# What a batch writes


def test_the_bytes_are_stored_as_they_were_hashed(ledger: Ledger) -> None:
    entry, state = first_of("s0", "0")
    (stored,) = ledger.log.append([(entry, state)], [], None)
    assert stored.state == state == ledger.log.page(1, 1)[0].state == ledger.log.streams(["s0"])["s0"][0]
    assert ledger.log.known([(entry.source, entry.id)]) == {(entry.source, entry.id): stored}


def test_an_entry_behind_the_time_of_the_last_one_takes_it_over(ledger: Ledger) -> None:
    (early, on_time) = (first_of("early", "1", NOW - SECOND), first_of("late", "2", NOW + SECOND))
    stored = ledger.log.append([early, on_time], [], None)
    assert [decode(each.state).recorded_at for each in stored] == [NOW, NOW + SECOND]
    assert msgspec.structs.replace(early[0], recorded_at=NOW) == decode(stored[0].state)
    assert [each.state for each in stored] == [each.state for each in ledger.log.page(1, 9)]


def test_names_and_streams_may_hold_what_sql_and_json_take_for_their_own(ledger: Ledger) -> None:
    odd = ["'; DROP TABLE stored_events; --", '"]', "\\u0041", "%_", "ä\U0001f600", "null", "1", " "]
    for each in odd:
        entry, state = first_of(each, each)
        (stored,) = ledger.log.append([(entry, state)], [], None)
        assert ledger.log.known([("crm", each), ("crm", "else")]) == {("crm", each): stored}
        assert ledger.log.streams([each, "else"]) == {each: [state]}
    assert len(ledger.log.of_party("acme")) == len(odd)


# What stands in a row


def test_nothing_is_imported_from_stored_rows(
    place: Place, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "planted_by_a_row.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    ledger.receipts(made("acme", "p"), contact("acme", "a"))
    place.alter("UPDATE stored_events SET topic = 'planted_by_a_row:Exit' WHERE position > 0")
    other = {**made("acme", "p"), "id": ledger.entries()[1].id}
    (receipt, refusal) = ledger.report(kept("acme", "p", "2026-01-09"), other)
    assert isinstance(receipt, Receipt)
    assert receipt.outcome == "counted"
    assert not isinstance(refusal, Receipt) or refusal.repeated
    assert ledger.catch_up()
    assert ledger.log.of_party("acme")
    assert "planted_by_a_row" not in sys.modules


def test_two_logs_on_one_record_see_each_other_at_once(place: Place) -> None:
    with place.open() as one, place.open() as two:
        report = made("acme", "p")
        (first,) = one.receipts(report)
        assert two.log.end() == first.position + 1
        assert two.receipts(report) == [first._replace(repeated=True)]


def test_a_log_knows_its_ledgers_name(ledger: Ledger) -> None:
    assert ledger.log.name == "test"


# Both databases


@pytest.mark.service
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])  # each in a ledger of its own
@given(seed=st.integers(0, 2**32), size=st.integers(1, 60))
def test_both_databases_hold_the_same_record_byte_for_byte_and_find_the_same_in_it(
    database: str, tmp_path_factory: pytest.TempPathFactory, seed: int, size: int
) -> None:
    reports, home = crowd(seed, 20, parties=4), tmp_path_factory.mktemp("ledger")
    broken = Incoming("test", raw=b"{")
    with Ledger(home, name=home.name) as one, Ledger(home, name=home.name, database=database) as other:
        for begun in range(0, len(reports), size):
            batch = [broken, *(Incoming("test", raw=raw(each)) for each in reports[begun : begun + size])]
            mark = Mark("file", one.log.mark("file"), str(begun))
            assert str(one.intake.record(batch, mark)) == str(other.intake.record(batch, mark))
        assert one.stored() == other.stored()
        streams = sorted({each.stream for each in one.entries()})[::2]
        for ask in (
            lambda log: log.known([(each["source"], each["id"]) for each in reports[::3]]),
            lambda log: log.streams(streams),
            lambda log: log.positions(streams),
            lambda log: log.of_party("party-1"),
            lambda log: log.at([0, 3, 2, 10**6]),
            lambda log: list(log.count_by_kind().items()),
            lambda log: log.mark("file"),
        ):
            assert ask(one.log) == ask(other.log)


NEVER = ["\0", "\ud800", "a\0b", "x" * 10_000]


def test_what_no_database_can_hold_is_not_found(ledger: Ledger) -> None:
    ledger.receipts(contact("acme", "a"))
    for each in NEVER:
        assert ledger.log.known([("crm", each), (each, "x"), ("crm", "contact-acme-a")]).keys() == {("crm", "contact-acme-a")}
        assert ledger.log.streams([each]) == {}
        assert ledger.log.positions([each]) == []
        assert ledger.log.of_party(each) == []


def test_nor_is_what_it_can_hold_of_a_name_that_goes_on_behind_a_nul(ledger: Ledger) -> None:
    ledger.receipts(contact("acme", "a"))
    (_, entry) = ledger.entries()
    for name in ((f"{entry.source}\0", entry.id), (entry.source, f"{entry.id}\0"), (f"{entry.source}\0x", f"{entry.id}\0x")):
        assert ledger.log.known([name]) == {}
        with pytest.raises(NotFound):
            entries.of_report(ledger.log, *name)
    assert ledger.log.streams([f"{entry.stream}\0x"]) == {}
    assert ledger.log.positions([f"{entry.stream}\0"]) == []
    assert ledger.log.of_party("acme\0") == []
