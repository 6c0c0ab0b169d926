"""Intake: every report has one outcome, whoever else records at the same time, however often it is sent."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers.intake import BATCH_AT_MOST, Incoming, Intake
from consumers.ports import Conflict, Log, Mark, Refused, Stored
from domain.entry import Entry, Receipt
from domain.fact import FACTS_PER_STREAM
from domain.instant import MINUTE
from domain.refusal import MalformedJson, Refusal
from domain.report import read as read_report
from domain.strictjson import read as read_json
from tests.crowd import crowd
from tests.ledgers import Hands, Ledger, Message, contact, kept, made, raw, said
from tests.places import Place
from tests.proof import prove, prove_recorded_once

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    with place.open() as ledger:
        yield ledger


def names(outcomes: Sequence[object]) -> list[str]:
    return [each.name if isinstance(each, Refusal) else type(each).__name__ for each in outcomes]


def firsts(receipts: Sequence[Receipt]) -> list[Receipt]:
    return [each._replace(repeated=False) for each in receipts]


# The same report again


def test_the_same_report_again_gets_the_first_receipt(ledger: Ledger) -> None:
    report = made("acme", "p")
    first, again = ledger.receipts(report), ledger.receipts(report)
    assert again == [first[0]._replace(repeated=True)]
    assert ledger.log.end() == first[0].position + 1


def test_the_same_report_twice_in_one_batch_is_one_entry(ledger: Ledger) -> None:
    report = made("acme", "p")
    first, again = ledger.receipts(report, report)
    assert (first.repeated, again) == (False, first._replace(repeated=True))
    assert ledger.log.end() == first.position + 1


def test_the_same_instant_in_another_zone_is_the_same_report(ledger: Ledger) -> None:
    report = made("acme", "p", "2026-01-01T12:00:00Z", due="2026-02-01T12:00:00Z")
    elsewhere = {**report, "time": "2026-01-01T13:00:00+01:00"}
    elsewhere["data"] = {**report["data"], "due_at": "2026-02-01T07:00:00-05:00"}
    first, again = ledger.receipts(report, elsewhere)
    assert again == first._replace(repeated=True)


def test_a_receipt_says_what_the_fact_did_when_it_was_recorded_and_never_changes(ledger: Ledger) -> None:
    report = kept("acme", "p", "2026-01-09")
    (first,) = ledger.receipts(report)
    assert (first.outcome, first.reason) == ("awaiting", "awaits_made")
    ledger.report(made("acme", "p"))
    assert firsts(ledger.receipts(report)) == [first]


def test_receipts_are_the_same_after_a_restart(place: Place) -> None:
    reports = crowd(1, 60)
    with place.open() as before:
        given = before.receipts(*reports)
    with place.open() as after:
        assert firsts(after.receipts(*reports)) == firsts(given)


# Refusals


def test_the_same_id_with_other_content_is_refused_and_kept_and_its_neighbours_are_recorded(
    place: Place, ledger: Ledger
) -> None:
    ledger.receipts(made("acme", "p", ident="1"))
    other = made("acme", "another", ident="1")
    outcomes = ledger.report(contact("acme", "a"), other, contact("acme", "b"))
    assert names(outcomes) == ["Receipt", "SameIdOtherContent", "Receipt"]
    assert [(each.reason, each.pointer, each.raw) for each in place.quarantined()] == [
        ("SameIdOtherContent", "/id", raw(other))
    ]
    assert [each.id for each in ledger.entries()[1:]] == ["1", "contact-acme-a", "contact-acme-b"]


@pytest.mark.parametrize("change", ["type", "subject", "time", "data"])
def test_other_content_is_another_kind_party_time_or_statement(ledger: Ledger, change: str) -> None:
    report = kept("acme", "p", "2026-01-09", ident="1")
    others = {
        "type": "promise.broken.v1",
        "subject": "another",
        "time": "2026-01-09T00:00:00.000001Z",
        "data": {"promise_id": "another"},
    }
    outcomes = ledger.report(report, {**report, change: others[change]})
    assert names(outcomes) == ["Receipt", "SameIdOtherContent"]


def test_within_a_batch_too_the_first_content_of_an_id_stands(ledger: Ledger) -> None:
    first, other = made("acme", "p", ident="1"), made("acme", "another", ident="1")
    assert names(ledger.report(first, other, first)) == ["Receipt", "SameIdOtherContent", "Receipt"]
    assert names(ledger.report(other, first)) == ["SameIdOtherContent", "Receipt"]
    assert len(ledger.entries()) == 2


def test_a_report_stays_in_its_own_stream_where_another_of_its_batch_has_its_name(ledger: Ledger) -> None:
    ledger.receipts(made("acme", "p"), made("acme", "q"))
    outcomes = ledger.report(kept("acme", "p", "2026-01-09", ident="1"), kept("acme", "q", "2026-01-09", ident="1"))
    assert names(outcomes) == ["Receipt", "SameIdOtherContent"]
    promised, _, recorded = ledger.entries()[-3:]
    assert recorded.stream == promised.stream
    assert (recorded.before, recorded.after.status) == (promised.after, "kept")


@pytest.mark.parametrize("other", [contact("acme", "a"), said("party.registered.v1", "acme", "2026-01-05", kind="customer")])
def test_no_report_comes_into_a_stream_of_another_family(ledger: Ledger, other: Message) -> None:
    ledger.receipts({**other, "id": "before"})
    outcomes = ledger.report(made("acme", "p", ident="1"), {**other, "source": "crm", "id": "1"})
    assert names(outcomes) == ["Receipt", "SameIdOtherContent"]
    assert names(ledger.report({**other, "id": "2"})) == ["Receipt"]


def test_a_refused_report_is_in_quarantine_once_and_its_times_are_counted(place: Place, ledger: Ledger) -> None:
    broken, fine = Incoming("test", raw=b'{"specversion": "1.0", "id": 1'), Incoming("test", raw=raw(made("acme", "p")))
    ledger.intake.record([broken, fine, broken])
    ledger.intake.record([broken])
    ledger.report(said("no.such.kind.v1", "acme", "2026-01-01"))
    first, second = place.quarantined()
    assert (first.reason, first.raw, first.times, first.origin) == ("MalformedJson", broken.raw, 3, "test")
    assert (second.reason, second.times) == ("UnknownType", 1)


def test_one_report_refused_for_two_reasons_is_kept_with_both(place: Place, ledger: Ledger) -> None:
    ahead = contact("acme", "a", "2026-06-01T12:06:00Z")
    ledger.report(ahead)
    ledger.report({**contact("acme", "a", "2026-06-01")})
    ledger.clock.at += 2 * MINUTE
    ledger.report(ahead)
    assert sorted(each.reason for each in place.quarantined()) == ["InTheFuture", "SameIdOtherContent"]


def test_what_was_refused_only_because_it_came_early_is_recorded_when_its_time_has_come(ledger: Ledger) -> None:
    early = contact("acme", "a", "2026-06-01T12:05:01Z")
    assert names(ledger.report(early)) == ["InTheFuture"]
    ledger.clock.at += MINUTE
    assert names(ledger.report(early)) == ["Receipt"]


HALF_A_PAIR = said("promise.made.v1", "acme", "2026-01-01", promise_id="\ud800", promisor="company")
TOO_LARGE = said("promise.made.v1", "acme", "2026-01-01", promise_id="p", promisor="company", weight_micro=10**30)


@pytest.mark.parametrize("message", [HALF_A_PAIR, TOO_LARGE, None, "text", [1, 2], 10**40, float("nan")])
def test_a_json_value_that_is_refused_is_kept_whatever_it_says(place: Place, ledger: Ledger, message: object) -> None:
    outcomes = ledger.intake.record([Incoming("import", message=message), Incoming("x", raw=raw(contact("acme", "a")))])
    assert isinstance(outcomes[0], Refusal)
    assert isinstance(outcomes[1], Receipt)
    assert len(place.quarantined()) == 1


def test_a_report_that_was_read_already_is_kept_so_that_it_can_be_read_again(place: Place, ledger: Ledger) -> None:
    ahead = [read_report(contact("acme", name, "2026-06-01T13:00:00Z")) for name in "ab"]
    assert names(ledger.intake.record([Incoming("x", report=each) for each in ahead])) == ["InTheFuture"] * 2
    assert [read_report(read_json(each.raw)) for each in place.quarantined()] == ahead


def test_what_is_kept_already_is_not_kept_again(place: Place, ledger: Ledger) -> None:
    broken = Incoming("test", raw=b"{")
    ledger.intake.record([broken])
    (outcome,) = ledger.intake.record([broken._replace(kept=True)])
    assert isinstance(outcome, MalformedJson)
    assert [each.times for each in place.quarantined()] == [1]


def test_a_full_stream_is_refused_by_name_and_its_neighbours_are_recorded(place: Place, ledger: Ledger) -> None:
    facts = [said("promise.accepted.v1", "acme", "2026-01-02", promise_id="p") for _ in range(FACTS_PER_STREAM)]
    ledger.receipts(*facts[:-1])
    outcomes = ledger.report(contact("acme", "a"), facts[-1], made("acme", "p"), contact("acme", "b"))
    assert names(outcomes) == ["Receipt", "Receipt", "StreamIsFull", "Receipt"]
    assert names(ledger.report(kept("acme", "p", "2026-01-03"), facts[0])) == ["StreamIsFull", "Receipt"]
    assert [each.reason for each in place.quarantined()] == ["StreamIsFull"] * 2


def test_a_batch_that_is_too_long_is_a_mistake_of_the_caller(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="at most 2000"):
        ledger.intake.record([Incoming("x", raw=b"{}")] * (BATCH_AT_MOST + 1))


def test_an_empty_batch_records_nothing_and_moves_its_mark(ledger: Ledger) -> None:
    assert ledger.intake.record([], Mark("file", None, "1")) == []
    assert (ledger.log.end(), ledger.log.mark("file")) == (1, "1")


# One batch, one transaction


def test_a_mark_moves_with_its_batch_and_only_from_where_it_was(place: Place, ledger: Ledger) -> None:
    ledger.intake.record([Incoming("x", raw=raw(contact("acme", "a")))], Mark("file", None, "10"))
    assert ledger.log.mark("file") == "10"
    for before in (None, "9"):
        with pytest.raises(Conflict):
            ledger.intake.record(
                [Incoming("x", raw=b"{"), Incoming("x", raw=raw(contact("acme", "b")))], Mark("file", before, "20")
            )
    assert (ledger.log.mark("file"), ledger.log.end(), place.quarantined()) == ("10", 2, [])
    ledger.intake.record([], Mark("file", "10", "20"))
    assert (ledger.log.mark("file"), ledger.log.mark("another")) == ("20", None)


class Beaten:
    """A log in which somebody else is always a little faster: before each append, the same facts are recorded by others."""

    def __init__(self, log: Log, others: Ledger, by: Message, times: int) -> None:
        self._log = log
        self._others = others
        self._by = by
        self.left = times

    def __getattr__(self, name: str) -> object:
        return getattr(self._log, name)

    def append(self, entries: Sequence[tuple[Entry, bytes]], refused: Sequence[Refused], mark: Mark | None) -> Sequence[Stored]:
        if self.left:
            self.left -= 1
            self._others.receipts({**self._by, "id": f"beaten-{self.left}"})
        return self._log.append(entries, refused, mark)


def beaten(ledger: Ledger, others: Ledger, times: int) -> Intake:
    by = said("promise.accepted.v1", "acme", "2026-01-02", promise_id="p")
    return Intake(Beaten(ledger.log, others, by, times), ledger.log.name, ledger.clock)  # type: ignore[arg-type]


def test_who_was_beaten_to_a_stream_weighs_again_and_records_behind(ledger: Ledger, place: Place) -> None:
    with place.open() as others:
        outcomes = beaten(ledger, others, 3).record([Incoming("x", raw=raw(made("acme", "p"))), Incoming("x", raw=b"{")])
    assert names(outcomes) == ["Receipt", "MalformedJson"]
    assert [(each.kind, each.version) for each in ledger.entries()[1:]] == [
        *(("promise.accepted.v1", version) for version in range(3)),
        ("promise.made.v1", 3),
    ]
    assert [each.times for each in place.quarantined()] == [1]


def test_who_is_beaten_again_and_again_gives_up_with_nothing_written(ledger: Ledger, place: Place) -> None:
    with place.open() as others, pytest.raises(Conflict):
        beaten(ledger, others, 10**6).record([Incoming("x", raw=raw(made("acme", "p"))), Incoming("x", raw=b"{")])
    assert {each.kind for each in ledger.entries()[1:]} == {"promise.accepted.v1"}
    assert place.quarantined() == []


def test_who_is_beaten_to_the_very_report_gets_the_receipt_of_the_other(ledger: Ledger, place: Place) -> None:
    report = made("acme", "p", ident="beaten-0")
    with place.open() as others:
        intake = Intake(Beaten(ledger.log, others, report, 1), ledger.log.name, ledger.clock)  # type: ignore[arg-type]
        (outcome,) = intake.record([Incoming("x", raw=raw(report))])
    assert isinstance(outcome, Receipt)
    assert (outcome.repeated, len(ledger.entries())) == (True, 2)


def test_positions_follow_the_time_of_recording_also_where_a_clock_is_behind(place: Place) -> None:
    with place.open() as ahead, place.open(Hands(ahead.clock.at - 60 * MINUTE)) as behind:
        first, second = ahead.receipts(made("acme", "p")), behind.receipts(kept("acme", "p", "2026-01-09"))
        assert firsts(behind.receipts(kept("acme", "p", "2026-01-09", ident=behind.entries()[2].id))) == second
        times = [each.recorded_at for each in ahead.entries()]
    assert times == sorted(times)
    assert second[0].position == first[0].position + 1


@settings(max_examples=12)
@given(seed=st.integers(0, 2**32), size=st.integers(1, 40))
def test_whatever_comes_the_record_is_dense_and_every_standing_follows_from_its_facts(
    tmp_path_factory: pytest.TempPathFactory, seed: int, size: int
) -> None:
    reports = crowd(seed, 25)
    with Ledger(tmp_path_factory.mktemp("ledger")) as ledger:
        for begun in range(0, len(reports), size):
            ledger.receipts(*reports[begun : begun + size])
        prove_recorded_once(prove(ledger.stored()), reports)


def test_threads_that_record_on_the_same_streams_lose_and_double_nothing(place: Place) -> None:
    reports = crowd(7, 120, parties=3)
    together = threading.Barrier(4, timeout=60)
    outcomes: dict[int, list[Receipt]] = {}

    def record(number: int) -> None:
        mine = reports[:: 1 if number % 2 else -1]
        with place.open() as ledger:
            together.wait()
            outcomes[number] = [each for at in range(0, len(mine), 37) for each in ledger.receipts(*mine[at : at + 37])]

    threads = [threading.Thread(target=record, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    with place.open() as ledger:
        record = prove(ledger.stored())
    prove_recorded_once(record, reports)
    forwards, backwards = firsts(outcomes[1]), firsts(outcomes[0])
    assert forwards == firsts(outcomes[3]) == backwards[::-1] == firsts(outcomes[2])[::-1]
    fresh = [each for number in outcomes for each in outcomes[number] if not each.repeated]
    assert sorted(each.position for each in fresh) == list(range(1, len(record)))


RECORD_AT_ONCE = """
import json, os, sys
from pathlib import Path
from random import Random
from tests.crowd import crowd
from tests.places import Place

start, held = os.pipe()
children = []
for number in range(4):
    child = os.fork()
    if not child:
        os.close(held)
        reports = crowd(11, 80, parties=3)
        Random(number).shuffle(reports)
        with Place(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None).open() as ledger:
            os.read(start, 1)  # returns in all of them at the moment when nobody holds the other end any more
            given = [each for at in range(0, len(reports), 23) for each in ledger.receipts(*reports[at : at + 23])]
        lines = [json.dumps([report["source"], report["id"], *receipt]) for report, receipt in zip(reports, given)]
        Path(sys.argv[1], f"{number}.receipts").write_text("\\n".join(lines))
        os._exit(0)
    children.append(child)
os.close(held)
assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
"""


def test_processes_that_record_on_the_same_streams_lose_and_double_nothing(place: Place) -> None:
    place.open().close()
    program = [sys.executable, "-c", RECORD_AT_ONCE, str(place.home), *([place.database] if place.database else [])]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    with place.open() as ledger:
        record = prove(ledger.stored())
    prove_recorded_once(record, crowd(11, 80, parties=3))
    receipts: dict[tuple[str, str], list[list[object]]] = {}
    for path in place.home.glob("*.receipts"):
        for source, ident, *receipt in map(json.loads, path.read_text().splitlines()):
            receipts.setdefault((source, ident), []).append(receipt)
    for name, all_given in receipts.items():
        assert len({json.dumps(receipt[:-1]) for receipt in all_given}) == 1, name
        assert sum(not receipt[-1] for receipt in all_given) == 1, name
