"""The board's cells: how promises end, how long answers take; they add up over all their keys."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.feedback import FeedbackStanding
from domain.incident import IncidentStanding
from domain.instant import SECOND
from domain.promise import PromiseStanding
from projections.board import DURATIONS, PROJECTION, PROMISES
from projections.histogram import bucket
from tests.crowd import crowd
from tests.ledgers import Message, kept, made, said
from tests.projections.folded import State, numbers, recorded, state

seeds = st.integers(0, 10**6)
DUE = "2026-02-10"


def held(*reports: Message) -> State:
    """The tables of the board after these reports."""
    return state(PROJECTION, recorded(reports))


def cells(held: State, dimension: str = "company", value: str = "all") -> dict[tuple[str, str], list[str]]:
    """How promises ended, by promisor and month, in one cell."""
    endings = [column.name.removesuffix("_count") for column in PROMISES.values]
    return {
        (str(promisor), str(month)): [name for name, count in zip(endings, numbers(row), strict=True) for _ in range(count)]
        for (promisor, its_dimension, its_value, month), row in held[PROMISES.name].items()
        if (its_dimension, its_value) == (dimension, value)
    }


def withdrawn(at: str, *, consent: bool) -> Message:
    """The promise is taken back."""
    return said("promise.withdrawn.v1", "acme", at, promise_id="p", consent=consent)


@pytest.mark.parametrize(
    ("then", "ending"),
    [
        ([kept("acme", "p", DUE)], ["in_time"]),
        ([kept("acme", "p", "2026-02-11")], ["late"]),
        ([], ["overdue"]),
        ([said("promise.broken.v1", "acme", "2026-02-01", promise_id="p")], ["broken"]),
        ([withdrawn("2026-02-09", consent=True)], ["released"]),
        ([withdrawn("2026-02-09", consent=False)], ["broken"]),
        ([withdrawn("2026-02-11", consent=True)], ["broken"]),
        ([kept("acme", "p", DUE), said("promise.disputed.v1", "acme", "2026-03-01", promise_id="p")], ["in_time", "disputed"]),
    ],
    ids=["in time", "late", "overdue", "broken", "let off", "not let off", "let off too late", "disputed"],
)
def test_a_promise_counts_by_its_ending_in_the_month_in_which_it_was_due(then: list[Message], ending: list[str]) -> None:
    assert cells(held(made("acme", "p", due=DUE), *then)) == {("company", "2026-02"): ending}


def test_an_open_promise_and_one_that_was_never_made_count_for_nothing() -> None:
    assert held(made("acme", "p", due="2027-01-01"), kept("acme", "other", "2026-01-01"))[PROMISES.name] == {}


def test_without_a_due_time_it_is_the_month_in_which_it_was_kept() -> None:
    assert cells(held(made("acme", "p"), kept("acme", "p", "2026-05-01"))) == {("company", "2026-05"): ["in_time"]}


def test_a_promise_counts_for_the_company_and_for_whoever_and_whatever_it_names() -> None:
    tables = held(made("acme", "p", due=DUE, team="field", person="bo", category="delivery"), kept("acme", "p", "2026-02-01"))
    for dimension, value in (("company", "all"), ("team", "field"), ("person", "bo"), ("category", "delivery")):
        assert cells(tables, dimension, value) == {("company", "2026-02"): ["in_time"]}
    assert len(tables[PROMISES.name]) == 4


def test_what_the_party_promised_is_counted_apart() -> None:
    theirs = said("promise.made.v1", "acme", "2026-01-01", promise_id="t", promisor="party", due_at=DUE)
    assert cells(held(theirs, kept("acme", "t", "2026-02-01"))) == {("party", "2026-02"): ["in_time"]}


def test_durations_leave_pauses_out_and_belong_to_the_month_in_which_they_began() -> None:
    def incident(what: str, at: str) -> Message:
        more = {"severity": "low", "team": "desk"} if what == "opened" else {}
        return said(f"incident.{what}.v1", "acme", at, incident_id="i", **more)

    tables = held(
        incident("opened", "2026-01-31T00:00:00Z"),
        incident("paused", "2026-01-31T01:00:00Z"),
        incident("responded", "2026-01-31T03:00:00Z"),
        incident("resumed", "2026-01-31T05:00:00Z"),
        incident("resolved", "2026-02-01T00:00:00Z"),
    )
    hours = {"respond": 1, "resolve": 20}
    expected = {
        (measure, *cell, "2026-01", bucket(took * 3600)): (1,)
        for measure, took in hours.items()
        for cell in (("company", "all"), ("team", "desk"))
    }
    assert tables[DURATIONS.name] == expected


def test_an_incident_that_is_reopened_has_no_resolution_until_it_has_one_again() -> None:
    opened = said("incident.opened.v1", "acme", "2026-01-01", incident_id="i", severity="low")
    resolved = said("incident.resolved.v1", "acme", "2026-01-02", incident_id="i")
    reopened = said("incident.reopened.v1", "acme", "2026-01-03", incident_id="i")
    assert len(held(opened, resolved)[DURATIONS.name]) == 1
    assert held(opened, resolved, reopened)[DURATIONS.name] == {}


@settings(max_examples=25)
@given(seeds)
def test_cells_add_up_to_what_the_standings_say(seed: int) -> None:
    record = recorded(crowd(seed, 40))
    tables, last = state(PROJECTION, record), {each.stream: each.after for each in record}.values()
    ended = [each for each in last if isinstance(each, PromiseStanding) and (each.lapsed or each.ended_at)]
    for dimension in ("company", "team", "category", "channel"):
        expected = sum(1 for each in ended if dimension == "company" or getattr(each, dimension) is not None)
        rows = [row for key, row in tables[PROMISES.name].items() if key[1] == dimension]
        assert sum(sum(numbers(row)[:5]) for row in rows) == expected
    took = Counter[int]()
    for each in last:
        if isinstance(each, IncidentStanding) and each.resolved_at is not None:
            took[bucket(max(0, each.resolved_at - each.opened_at - each.paused) // SECOND)] += 1
        if isinstance(each, FeedbackStanding) and each.answered_at is not None:
            took[bucket((each.answered_at - each.received_at) // SECOND)] += 1
    found = Counter[int]()
    for (measure, dimension, _, _, its_bucket), row in tables[DURATIONS.name].items():
        if dimension == "company" and measure != "respond":
            found[numbers([its_bucket])[0]] += numbers(row)[0]
    assert found == took
