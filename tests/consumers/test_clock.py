"""The ledger's clock: what lapses is recorded once, however late, however often it looks, whoever looks beside it."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers import clock
from consumers.clock import SOURCE
from domain.entry import Entry
from domain.fact import FACTS_PER_STREAM
from domain.instant import DAY, HOUR, MINUTE, text
from domain.kinds import RESERVED
from domain.refusal import Refusal
from tests.ledgers import NOW, Ledger, Message, kept, made, said

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path) as ledger:
        yield ledger


def lapses(ledger: Ledger) -> list[Entry]:
    return [each for each in ledger.entries() if each.kind in RESERVED]


def due(number: int, at: int = NOW - HOUR) -> Message:
    return made("acme", f"p{number}", "2026-01-01", due=text(at))


# When it is time


def test_a_lapse_is_recorded_when_its_time_has_come_and_not_a_moment_before(ledger: Ledger) -> None:
    ledger.receipts(due(1, NOW + HOUR))
    ledger.settle()
    ledger.clock.at = NOW + HOUR - 1
    ledger.settle()
    assert lapses(ledger) == []
    ledger.clock.at = NOW + HOUR
    ledger.settle()
    (lapse,) = lapses(ledger)
    assert (lapse.happened_at, lapse.recorded_at, lapse.source) == (NOW + HOUR, NOW + HOUR, SOURCE)
    assert lapse.after.lapsed  # type: ignore[union-attr]


def test_before_the_first_projector_has_come_it_knows_of_nothing(ledger: Ledger) -> None:
    ledger.receipts(due(1))
    early = ledger.lapses
    assert (early.tick(), early.next_at()) == (0, None)
    ledger.projector.catch_up()
    assert early.tick() == 1


def test_it_knows_when_the_next_lapse_is_due(ledger: Ledger) -> None:
    ledger.catch_up()
    assert ledger.lapses.next_at() is None
    ledger.receipts(due(1, NOW + DAY), due(2, NOW + HOUR), due(3, NOW + 2 * DAY), made("acme", "without a time"))
    ledger.catch_up()
    assert ledger.lapses.next_at() == NOW + HOUR


@pytest.mark.parametrize(
    ("asked", "plan"),
    [
        ("SELECT MIN(at) FROM agenda", "SEARCH agenda__{} USING COVERING INDEX"),
        (
            "SELECT stream, kind, at, party, fact FROM agenda WHERE at <= 1 ORDER BY at, stream, kind LIMIT 9",
            "SEARCH agenda__{} USING INDEX",
        ),
    ],
)
def test_it_asks_an_index_and_neither_scans_nor_sorts(ledger: Ledger, asked: str, plan: str) -> None:
    ledger.catch_up()
    said: list[str] = []
    ledger.views.connection.set_trace_callback(said.append)
    ledger.lapses.next_at()
    ledger.lapses.tick()
    ledger.views.connection.set_trace_callback(None)
    assert asked.split(" WHERE ", maxsplit=1)[0] in {each.split(" WHERE ", maxsplit=1)[0] for each in said}
    (generation,) = (each.generation for each in ledger.views.built() if each.name == "agenda")
    steps = [row[3] for row in ledger.views.connection.execute(f"EXPLAIN QUERY PLAN {asked}")]
    assert len(steps) == 1
    assert steps[0].startswith(plan.format(generation))


def test_after_days_of_downtime_everything_that_lapsed_is_recorded_once_in_the_order_of_lapsing(ledger: Ledger) -> None:
    chance = Random(1)
    ledger.receipts(*(due(number, NOW + chance.randrange(9 * 24) * HOUR) for number in range(50)))
    ledger.catch_up()
    ledger.clock.at += 10 * DAY
    ledger.settle()
    recorded = lapses(ledger)
    assert len({each.stream for each in recorded}) == len(recorded) == 50
    assert [each.happened_at for each in recorded] == sorted(each.happened_at for each in recorded)


def test_more_lapses_than_fit_into_one_batch_are_recorded_batch_by_batch(ledger: Ledger) -> None:
    ledger.receipts(*(due(number) for number in range(1_200)))
    ledger.catch_up()
    assert ledger.lapses.tick() == clock.AT_ONCE == 1_000
    ledger.settle()
    assert len({each.stream for each in lapses(ledger)}) == len(lapses(ledger)) == 1_200


def test_a_second_look_before_the_views_have_caught_up_records_nothing_again(ledger: Ledger) -> None:
    ledger.receipts(due(1))
    ledger.catch_up()
    assert ledger.lapses.tick() == 1
    end = ledger.log.end()
    for _ in range(3):
        assert ledger.lapses.tick() == 0
    assert ledger.log.end() == end


def test_an_incident_lapses_by_both_its_targets_and_feedback_by_its_own(ledger: Ledger) -> None:
    by = text(NOW - HOUR)
    ledger.receipts(
        said("incident.opened.v1", "acme", "2026-01-01", incident_id="i", severity="low", respond_by=by, resolve_by=by),
        said("feedback.received.v1", "acme", "2026-01-01", feedback_id="f", instrument="nps", answer_by=by),
    )
    ledger.settle()
    assert Counter(each.kind for each in lapses(ledger)) == {
        "incident.response_lapsed.v1": 1,
        "incident.resolution_lapsed.v1": 1,
        "feedback.lapsed.v1": 1,
    }
    assert ledger.lapses.next_at() is None


# What is paused


def incident(what: str, at: int, **more: Any) -> Message:
    return said(f"incident.{what}.v1", "acme", text(at), incident_id="i", **more)


def targets(at: int) -> dict[str, str]:
    return {"respond_by": text(at), "resolve_by": text(at)}


def test_a_paused_incident_lapses_only_once_it_has_resumed_and_its_pause_is_made_up_for(ledger: Ledger) -> None:
    opened = incident("opened", NOW - DAY, severity="low", **targets(NOW + HOUR))
    ledger.receipts(opened, incident("paused", NOW - HOUR))
    ledger.settle()
    assert ledger.lapses.next_at() is None
    ledger.clock.at = NOW + 5 * HOUR
    ledger.settle()
    assert lapses(ledger) == []
    ledger.receipts(incident("resumed", NOW + 4 * HOUR))
    ledger.settle()
    assert ledger.lapses.next_at() == NOW + 6 * HOUR
    ledger.clock.at = NOW + 6 * HOUR
    ledger.settle()
    assert {each.kind: each.happened_at for each in lapses(ledger)} == {
        "incident.response_lapsed.v1": NOW + 6 * HOUR,
        "incident.resolution_lapsed.v1": NOW + 6 * HOUR,
    }


def test_a_target_missed_before_the_pause_lapses_during_it(ledger: Ledger) -> None:
    opened = incident("opened", NOW - DAY, severity="low", **targets(NOW - 2 * HOUR))
    ledger.receipts(opened, incident("paused", NOW - HOUR))
    ledger.settle()
    assert [each.happened_at for each in lapses(ledger)] == [NOW - 2 * HOUR] * 2


def test_a_pause_that_becomes_known_late_makes_the_lapse_void_and_the_right_one_is_recorded_later(ledger: Ledger) -> None:
    ledger.receipts(incident("opened", NOW - DAY, severity="low", resolve_by=text(NOW - HOUR)))
    ledger.settle()
    (wrong,) = lapses(ledger)
    ledger.receipts(incident("paused", NOW - 5 * HOUR), incident("resumed", NOW - 2 * HOUR))
    ledger.settle()
    standing = ledger.entries()[-1].after
    assert (wrong.happened_at, [each.reason for each in standing.void]) == (NOW - HOUR, ["not_overdue_yet"])
    assert not standing.resolution_lapsed  # type: ignore[union-attr]
    ledger.clock.at = NOW + 2 * HOUR
    ledger.settle()
    assert [each.happened_at for each in lapses(ledger)] == [NOW - HOUR, NOW + 2 * HOUR]
    assert ledger.entries()[-1].after.resolution_lapsed  # type: ignore[union-attr]
    assert ledger.lapses.next_at() is None


def test_a_pause_that_is_taken_back_makes_the_lapse_count_that_it_had_made_void(ledger: Ledger) -> None:
    paused = incident("paused", NOW - 5 * HOUR)
    ledger.receipts(incident("opened", NOW - DAY, severity="low", resolve_by=text(NOW - HOUR)))
    ledger.settle()
    ledger.receipts(paused)
    ledger.settle()
    names = {"source": paused["source"], "id": paused["id"]}
    about = {"retracts": names, "of_family": "incident", "of_key": "i", "stated_at": text(NOW)}
    ledger.receipts(said("fact.retracted.v1", "acme", text(NOW), **about))
    ledger.settle()
    assert len(lapses(ledger)) == 1
    assert ledger.entries()[-1].after.resolution_lapsed  # type: ignore[union-attr]


# What happened meanwhile


def test_what_was_kept_meanwhile_does_not_lapse(ledger: Ledger) -> None:
    ledger.receipts(due(1), due(2), due(3))
    ledger.catch_up()
    # The views have not heard of it, and what is kept late has not lapsed either where nobody had recorded that by then.
    ledger.receipts(kept("acme", "p1", text(NOW - 2 * HOUR)), kept("acme", "p3", text(NOW - MINUTE)))
    assert ledger.lapses.tick() == 1
    assert [each.stream for each in lapses(ledger)] == [ledger.entries()[2].stream]
    ledger.settle()
    assert ledger.lapses.next_at() is None


def test_a_new_due_time_lapses_by_itself(ledger: Ledger) -> None:
    ledger.receipts(due(1, NOW - 5 * HOUR))
    ledger.settle()
    moved = {"new_due_at": text(NOW - HOUR), "consent": True}
    ledger.receipts(said("promise.renegotiated.v1", "acme", text(NOW - 6 * HOUR), promise_id="p1", **moved))
    ledger.settle()
    assert [each.happened_at for each in lapses(ledger)] == [NOW - 5 * HOUR, NOW - HOUR]
    assert [each.reason for each in lapses(ledger)[1].after.void] == ["due_was_moved"]


def test_a_promise_made_too_late_lapses_again_when_only_its_due_time_is_put_right(ledger: Ledger) -> None:
    """It is overdue from when it was made, both times: the two lapses happen at one moment and are not the same."""
    first = made("acme", "p", text(NOW - 5 * HOUR), due=text(NOW - 9 * HOUR))
    ledger.receipts(first)
    ledger.settle()
    right = {**first["data"], "due_at": text(NOW - 8 * HOUR)}
    corrects = {"source": first["source"], "id": first["id"], "stated_at": text(NOW - HOUR)}
    ledger.receipts(said("promise.made.v1", "acme", first["time"], **right, corrects=corrects))
    ledger.settle()
    recorded = lapses(ledger)
    assert [each.happened_at for each in recorded] == [NOW - 5 * HOUR] * 2
    assert recorded[-1].after.lapsed  # type: ignore[union-attr]
    assert ledger.lapses.next_at() is None


def test_a_promise_in_a_full_stream_lapses_too(ledger: Ledger) -> None:
    facts = [said("promise.accepted.v1", "acme", "2026-01-02", promise_id="p0") for _ in range(FACTS_PER_STREAM - 1)]
    ledger.receipts(due(0), *facts)
    ledger.settle()
    assert [each.version for each in lapses(ledger)] == [FACTS_PER_STREAM]
    assert ledger.lapses.next_at() is None


# What is said from outside


def retraction(entry: Entry, *, source: str | None = None, ident: str | None = None) -> Message:
    names = {"source": source or entry.source, "id": ident or entry.id}
    about = {"retracts": names, "of_family": "promise", "of_key": "p1", "stated_at": text(NOW)}
    return said("fact.retracted.v1", entry.party, text(NOW), **about)


def test_what_the_clock_recorded_cannot_be_taken_back_from_outside(ledger: Ledger) -> None:
    ledger.receipts(due(1))
    ledger.settle()
    (lapse,) = lapses(ledger)
    (refusal,) = ledger.report(retraction(lapse))
    assert isinstance(refusal, Refusal)
    assert (refusal.name, refusal.pointer) == ("ReservedType", "/data/retracts/source")


def test_what_the_clock_recorded_cannot_be_reported_from_outside(ledger: Ledger) -> None:
    lapse = said("promise.lapsed.v1", "acme", text(NOW), promise_id="p1", due_at=text(NOW - HOUR))
    posing = kept("acme", "p1", text(NOW), source=SOURCE)
    outcomes = ledger.report(due(1), lapse, posing)
    assert [each.name if isinstance(each, Refusal) else "recorded" for each in outcomes] == [
        "recorded", "ReservedType", "ReservedType",
    ]  # fmt: skip


def test_neither_a_correction_of_a_lapse_nor_a_retraction_of_that_correction_changes_anything(ledger: Ledger) -> None:
    ledger.receipts(due(1))
    ledger.settle()
    (lapse,) = lapses(ledger)
    corrects = {"source": lapse.source, "id": lapse.id, "stated_at": text(NOW)}
    correction = kept("acme", "p1", text(NOW - 2 * HOUR), corrects=corrects)
    (first,) = ledger.receipts(correction)
    assert (first.outcome, first.reason) == ("void", "corrects_another_kind")
    ledger.receipts(retraction(lapse, source="crm", ident=correction["id"]))
    ledger.settle()
    assert len(lapses(ledger)) == 1
    assert ledger.entries()[-1].after.lapsed  # type: ignore[union-attr]


def wavering(chance: Random, count: int) -> Iterator[Message]:
    """Reports about few promises, incidents and threads, which move, keep, end, correct and take back what is due."""
    told: list[Message] = []

    def at() -> str:
        return text(NOW - chance.randrange(1, 12) * HOUR)

    for _ in range(count):
        family = chance.choice(("promise", "promise", "incident", "feedback"))
        whose = {f"{family}_id": chance.choice("ab")}
        openings: dict[str, dict[str, Any]] = {
            "promise": {"promisor": "company", "due_at": at()},
            "incident": {"severity": "low", "respond_by": at(), "resolve_by": at()},
            "feedback": {"instrument": "nps", "answer_by": at()},
        }
        verbs = {
            "promise": ("kept", "broken", "disputed", "renegotiated", "made", "made"),
            "incident": ("opened", "opened", "responded", "paused", "resumed", "resolved", "closed", "reopened"),
            "feedback": ("received", "received", "answered"),
        }
        verb = chance.choice(verbs[family])
        data: dict[str, Any] = {**whose, **(openings[family] if verb in ("made", "opened", "received") else {})}
        if verb == "renegotiated":
            data |= {"new_due_at": at(), "consent": True}
        same = [
            each for each in told if each["type"] == f"{family}.{verb}.v1" and each["data"][f"{family}_id"] in whose.values()
        ]
        earlier = chance.choice(same) if same and chance.random() < 0.5 else None
        stated = {"stated_at": at()}
        if earlier is not None and chance.random() < 0.4:
            names = {"source": earlier["source"], "id": earlier["id"]}
            yield said(
                "fact.retracted.v1", "acme", at(), retracts=names, of_family=family, of_key=next(iter(whose.values())), **stated
            )
            continue
        if earlier is not None:
            data["corrects"] = {"source": earlier["source"], "id": earlier["id"], **stated}
        told.append(said(f"{family}.{verb}.v1", "acme", at(), **data))
        yield told[-1]


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 30), each_time=st.integers(1, 6))
def test_however_what_is_due_wavers_the_clock_comes_to_rest_and_records_no_lapse_twice(
    tmp_path_factory: pytest.TempPathFactory, seed: int, count: int, each_time: int
) -> None:
    reports = list(wavering(Random(seed), count))
    with Ledger(tmp_path_factory.mktemp("ledger")) as ledger:
        for begun in range(0, count, each_time):
            ledger.receipts(*reports[begun : begun + each_time])
            ledger.catch_up()
            ticks = 0
            while ledger.lapses.tick():
                ticks += 1
                assert ticks <= 4
                ledger.catch_up()
            at = ledger.lapses.next_at()
            assert at is None or at > ledger.clock()
        said_ = [(each.stream, each.kind, bytes(each.fact), each.happened_at) for each in lapses(ledger)]
        assert len(set(said_)) == len(said_)


# Two clocks

TICK_AT_ONCE = """
import os, sys
from pathlib import Path
from tests.ledgers import Ledger

start, held = os.pipe()
children = []
for _ in range(4):
    child = os.fork()
    if not child:
        os.close(held)
        with Ledger(Path(sys.argv[1])) as ledger:
            os.read(start, 1)  # returns in all of them at the moment when nobody holds the other end any more
            ticked = ledger.lapses.tick()
        os.write(1, f"{ticked}\\n".encode())
        os._exit(0)
    children.append(child)
os.close(held)
assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
"""


def test_clocks_of_several_processes_that_look_at_once_record_each_lapse_once(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.receipts(*(due(number) for number in range(400)))
        ledger.catch_up()
    done = subprocess.run(
        [sys.executable, "-c", TICK_AT_ONCE, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sum(map(int, done.stdout.split())) == 400
    with Ledger(tmp_path) as ledger:
        ledger.settle()
        assert len({each.stream for each in lapses(ledger)}) == len(lapses(ledger)) == 400
