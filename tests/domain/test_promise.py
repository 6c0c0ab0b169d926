"""Promises: what each fact leads to, and every reason why one does not count."""

import pytest

from domain import promise
from domain.promise import PromiseLapsed, on_time, overdue_from
from tests.telling import (
    accepted,
    broken,
    disputed,
    kept,
    lapsed,
    made,
    on,
    renegotiated,
    retracted,
    tell,
    void,
    withdrawn,
)

# How promises end


def test_a_promise_that_was_made_is_open() -> None:
    standing = tell(made(due="2026-01-10", team="support", weight_micro=2_000_000))
    assert (standing.status, standing.made_at, standing.due_at) == ("open", on("2026-01-01"), on("2026-01-10"))
    assert (standing.team, standing.weight_micro, standing.ended_at) == ("support", 2_000_000, None)


def test_a_promise_kept_before_it_was_due_is_kept_on_time() -> None:
    standing = tell(made(due="2026-01-10"), kept("2026-01-09"))
    assert standing.status == "kept"
    assert standing.ended_at == on("2026-01-09")
    assert on_time(standing)


def test_a_promise_kept_at_the_very_moment_it_was_due_is_kept_on_time() -> None:
    assert on_time(tell(made(due="2026-01-10"), kept("2026-01-10")))


def test_a_promise_without_a_due_time_is_kept_on_time_whenever_it_is_kept() -> None:
    assert on_time(tell(made(), kept("2029-01-01")))


def test_a_promise_kept_a_moment_after_it_was_due_is_late() -> None:
    assert not on_time(tell(made(due="2026-01-10"), kept("2026-01-10T00:00:00.000001Z")))


def test_a_kept_that_comes_before_its_made_counts_once_the_made_is_there() -> None:
    assert void(kept("2026-01-09")) == {0: "awaits_made"}
    assert tell(kept("2026-01-09"), made(due="2026-01-10")).status == "kept"


def test_a_broken_promise_may_still_be_kept() -> None:
    standing = tell(made(due="2026-01-10"), broken("2026-01-05"), kept("2026-01-09"))
    assert standing.status == "kept"
    assert standing.void == ()
    assert on_time(standing)


def test_a_withdrawal_says_whether_the_promisee_agreed() -> None:
    assert tell(made(), withdrawn("2026-01-02", consent=True)).consent
    assert not tell(made(), withdrawn("2026-01-02", consent=False)).consent


def test_a_new_due_time_holds_when_it_was_agreed_before_the_promise_was_due() -> None:
    standing = tell(made(due="2026-01-10"), renegotiated("2026-01-09", new_due="2026-01-20"), kept("2026-01-15"))
    assert standing.due_at == on("2026-01-20")
    assert standing.renegotiations == 1
    assert on_time(standing)


def test_a_due_time_may_be_agreed_where_none_was_promised() -> None:
    assert tell(made(), renegotiated("2026-02-01", new_due="2026-02-10")).due_at == on("2026-02-10")


def test_the_later_of_accepting_and_disputing_stands() -> None:
    both = made(), accepted("2026-01-02"), disputed("2026-01-03")
    standing = tell(*both)
    assert (standing.accepted, standing.disputed) == (False, True)
    standing = tell(*both, accepted("2026-01-04"))
    assert (standing.accepted, standing.disputed) == (True, False)


def test_a_withdrawn_promise_may_still_be_disputed() -> None:
    assert tell(made(), withdrawn("2026-01-02"), disputed("2026-01-03")).disputed


# Lapses


def test_the_clock_records_a_lapse_when_the_promise_is_due() -> None:
    [(at, fact)] = promise.lapses(tell(made(due="2026-01-10")))
    assert at == on("2026-01-10")
    assert fact == PromiseLapsed(promise_id="p", due_at="2026-01-10T00:00:00Z")  # type: ignore[arg-type]
    assert type(fact).model_validate_json(fact.model_dump_json()) == fact


def test_a_promise_made_after_its_due_time_lapses_when_it_is_made() -> None:
    standing = tell(made("2026-02-01", due="2026-01-10"))
    assert [at for at, _ in promise.lapses(standing)] == [on("2026-02-01")]
    assert overdue_from(standing) == on("2026-02-01")
    assert tell(made("2026-02-01", due="2026-01-10"), lapsed("2026-01-10", at="2026-02-01")).lapsed


@pytest.mark.parametrize(
    "story",
    [
        [made()],
        [made(due="2026-01-10"), kept("2026-01-09")],
        [made(due="2026-01-10"), broken("2026-01-09")],
        [made(due="2026-01-10"), withdrawn("2026-01-09")],
        [made(due="2026-01-10"), lapsed("2026-01-10")],
        [kept("2026-01-09")],
    ],
    ids=["no due time", "kept", "broken", "withdrawn", "lapsed before", "awaiting"],
)
def test_nothing_lapses_where_there_is_nothing_to_wait_for(story: list) -> None:
    assert promise.lapses(tell(*story)) == []


def test_a_lapse_stays_with_a_promise_that_was_kept_late() -> None:
    standing = tell(made(due="2026-01-10"), lapsed("2026-01-10"), kept("2026-01-11"))
    assert (standing.status, standing.lapsed, standing.void) == ("kept", True, ())


# What does not count


def test_a_second_made_is_recorded_and_void() -> None:
    assert void(made(), made("2026-01-02")) == {1: "already_made"}


def test_what_happened_before_the_promise_was_made_is_void() -> None:
    assert void(made("2026-01-05"), kept("2026-01-04")) == {1: "before_made"}


def test_everything_awaits_the_promise_while_it_is_not_known() -> None:
    assert void(kept("2026-01-04"), broken("2026-01-05")) == {0: "awaits_made", 1: "awaits_made"}


def test_everything_awaits_the_promise_when_its_making_was_retracted() -> None:
    assert void(made(), kept("2026-01-04"), retracted(0, "2026-01-05")) == {0: "retracted", 1: "awaits_made"}


@pytest.mark.parametrize(
    "then",
    [
        kept("2026-01-09"),
        broken("2026-01-09"),
        renegotiated("2026-01-09", new_due="2026-02-01"),
        withdrawn("2026-01-09"),
        lapsed("2026-01-10"),
    ],
    ids=lambda told: told.fact.KIND,
)
def test_what_follows_the_keeping_is_recorded_and_void(then) -> None:
    assert void(made(due="2026-01-10"), kept("2026-01-05"), then) == {2: "already_kept"}


@pytest.mark.parametrize(
    "then",
    [broken("2026-01-09"), renegotiated("2026-01-09", new_due="2026-02-01"), withdrawn("2026-01-09")],
    ids=lambda told: told.fact.KIND,
)
def test_what_follows_the_breaking_is_recorded_and_void(then) -> None:
    assert void(made(due="2026-01-10"), broken("2026-01-05"), then) == {2: "already_broken"}


@pytest.mark.parametrize(
    "then",
    [
        kept("2026-01-09"),
        broken("2026-01-09"),
        renegotiated("2026-01-09", new_due="2026-02-01"),
        withdrawn("2026-01-09"),
        lapsed("2026-01-10"),
    ],
    ids=lambda told: told.fact.KIND,
)
def test_what_follows_the_withdrawal_is_recorded_and_void(then) -> None:
    assert void(made(due="2026-01-10"), withdrawn("2026-01-05"), then) == {2: "already_withdrawn"}


def test_a_second_lapse_at_the_same_due_time_is_void() -> None:
    assert void(made(due="2026-01-10"), lapsed("2026-01-10"), lapsed("2026-01-10")) == {2: "already_lapsed"}


def test_a_new_due_time_without_consent_is_void() -> None:
    asked = renegotiated("2026-01-09", new_due="2026-02-01", consent=False)
    assert void(made(due="2026-01-10"), asked) == {1: "renegotiated_without_consent"}


def test_a_new_due_time_agreed_after_the_old_one_is_void() -> None:
    asked = renegotiated("2026-01-11", new_due="2026-02-01")
    assert void(made(due="2026-01-10"), asked) == {1: "renegotiated_after_due"}


def test_a_new_due_time_agreed_at_the_very_moment_of_the_old_one_counts() -> None:
    agreed = renegotiated("2026-01-10", new_due="2026-02-01")
    assert void(made(due="2026-01-10"), agreed, lapsed("2026-01-10")) == {2: "due_was_moved"}


def test_a_new_due_time_that_had_passed_when_it_was_agreed_is_void() -> None:
    asked = renegotiated("2026-01-09", new_due="2026-01-08")
    assert void(made(due="2026-01-10"), asked) == {1: "new_due_in_the_past"}


def test_a_lapse_at_a_due_time_that_was_moved_is_void() -> None:
    agreed = renegotiated("2026-01-09", new_due="2026-02-01")
    assert void(made(due="2026-01-10"), lapsed("2026-01-10"), agreed) == {1: "due_was_moved"}
    assert void(made(), lapsed("2026-01-10")) == {1: "due_was_moved"}


def test_a_lapse_before_the_due_time_is_void() -> None:
    assert void(made(due="2026-01-10"), lapsed("2026-01-10", at="2026-01-09")) == {1: "not_overdue_yet"}
