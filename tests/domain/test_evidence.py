"""What one standing says about trust: a piece of evidence for each way that things go."""

import pytest

from domain.evidence import Evidence, evidence, lateness
from domain.instant import DAY, HOUR
from domain.policy import TrustRules
from tests.histories import shipped_policy
from tests.telling import (
    Told,
    answered,
    broken,
    contact,
    disputed,
    incident,
    kept,
    lapsed,
    made,
    on,
    opened,
    received,
    registered,
    renegotiated,
    tell,
    unanswered,
    withdrawn,
)

RULES: TrustRules = shipped_policy().trust.model_copy(
    update={"late_ceiling_micro": 600_000, "disputed_weight_micro": 500_000, "reopening_penalty_micro": 250_000}
)
WHOLE = 1_000_000


def said(*story: Told) -> Evidence | None:
    return evidence(tell(*story), RULES)


def in_us(at: str, weight: int, outcome: int, because: str) -> Evidence:
    return Evidence("in_us", on(at), weight, outcome, because)


# Lateness


@pytest.mark.parametrize(
    ("done", "outcome", "because"),
    [
        (99, WHOLE, "in_time"),
        (100, WHOLE, "in_time"),
        (101, 594_000, "late"),
        (150, 300_000, "late"),
        (199, 6_000, "late"),
        (200, 0, "too_late"),
        (10_000, 0, "too_late"),
    ],
)
def test_lateness_falls_to_nothing_over_the_span_that_was_given(done: int, outcome: int, because: str) -> None:
    assert lateness(100, done, 100, 600_000) == (outcome, because)


@pytest.mark.parametrize("span", [0, -1, -100])
def test_what_was_given_no_time_is_in_time_or_too_late(span: int) -> None:
    assert lateness(100, 100, span, 600_000) == (WHOLE, "in_time")
    assert lateness(100, 101, span, 600_000) == (0, "too_late")


# Promises


def test_a_promise_kept_in_time_counts_whole_from_when_it_was_kept() -> None:
    assert said(made(due="2026-01-11"), kept("2026-01-05")) == in_us("2026-01-05", WHOLE, WHOLE, "in_time")


def test_a_promise_kept_in_time_where_no_time_was_promised_counts_whole() -> None:
    assert said(made(), kept("2027-01-05")) == in_us("2027-01-05", WHOLE, WHOLE, "in_time")


def test_a_promise_kept_late_falls_with_the_delay_over_its_own_span() -> None:
    promise = made(due="2026-01-11")
    assert said(promise, kept("2026-01-12")) == in_us("2026-01-12", WHOLE, 540_000, "late")
    assert said(promise, kept("2026-01-16")) == in_us("2026-01-16", WHOLE, 300_000, "late")
    assert said(promise, kept("2026-01-21")) == in_us("2026-01-21", WHOLE, 0, "too_late")


def test_a_promise_made_when_its_time_had_passed_is_too_late_whenever_it_is_kept() -> None:
    story = made("2026-01-05", due="2026-01-01")
    assert said(story, kept("2026-01-05")) == in_us("2026-01-05", WHOLE, 0, "too_late")
    assert said(story, kept("2026-01-06")) == in_us("2026-01-06", WHOLE, 0, "too_late")


def test_an_open_promise_says_nothing_until_it_lapses() -> None:
    promise = made(due="2026-01-11")
    assert said(promise) is None
    assert said(promise, lapsed("2026-01-11")) == in_us("2026-01-11", WHOLE, 0, "overdue")


def test_a_promise_overdue_from_the_outset_counts_from_when_it_was_made() -> None:
    story = made("2026-01-05", due="2026-01-01"), lapsed("2026-01-01", at="2026-01-05")
    assert said(*story) == in_us("2026-01-05", WHOLE, 0, "overdue")


def test_an_overdue_promise_counts_as_late_once_it_is_kept() -> None:
    story = made(due="2026-01-11"), lapsed("2026-01-11"), kept("2026-01-16")
    assert said(*story) == in_us("2026-01-16", WHOLE, 300_000, "late")


def test_a_broken_promise_counts_from_when_it_was_broken_or_due_whichever_came_first() -> None:
    promise = made(due="2026-01-11")
    assert said(promise, broken("2026-01-05")) == in_us("2026-01-05", WHOLE, 0, "broken")
    assert said(promise, broken("2026-02-05")) == in_us("2026-01-11", WHOLE, 0, "broken")
    assert said(made(), broken("2026-02-05")) == in_us("2026-02-05", WHOLE, 0, "broken")


def test_a_broken_promise_that_was_kept_after_all_counts_as_kept() -> None:
    story = made(due="2026-01-11"), broken("2026-01-05")
    assert said(*story, kept("2026-01-09")) == in_us("2026-01-09", WHOLE, WHOLE, "in_time")
    assert said(*story, kept("2026-01-16")) == in_us("2026-01-16", WHOLE, 300_000, "late")


def test_a_promise_withdrawn_with_consent_before_it_was_due_says_nothing() -> None:
    assert said(made(due="2026-01-11"), withdrawn("2026-01-11", consent=True)) is None
    assert said(made(), withdrawn("2026-01-11", consent=True)) is None


def test_consent_after_the_due_time_does_not_undo_that_it_was_overdue() -> None:
    story = made(due="2026-01-11"), withdrawn("2026-01-12", consent=True)
    assert said(*story) == in_us("2026-01-11", WHOLE, 0, "withdrawn")


def test_a_promise_withdrawn_without_consent_counts_as_broken() -> None:
    story = made(due="2026-01-11"), withdrawn("2026-01-05", consent=False)
    assert said(*story) == in_us("2026-01-05", WHOLE, 0, "withdrawn")


def test_a_promise_is_judged_by_the_due_time_that_was_agreed() -> None:
    story = made(due="2026-01-11"), renegotiated("2026-01-10", new_due="2026-01-21"), kept("2026-01-20")
    assert said(*story) == in_us("2026-01-20", WHOLE, WHOLE, "in_time")


def test_a_disputed_promise_has_less_weight() -> None:
    story = made(due="2026-01-11", weight_micro=3_000_000), kept("2026-01-05"), disputed("2026-01-06")
    assert said(*story) == in_us("2026-01-05", 1_500_000, WHOLE, "in_time_disputed")


def test_what_the_party_promised_says_how_far_we_can_trust_them() -> None:
    found = said(made(promisor="party"), kept("2026-01-05"))
    assert found is not None
    assert found.direction == "in_them"


def test_a_promise_that_nobody_has_made_says_nothing() -> None:
    assert said(kept("2026-01-05")) is None


# Incidents


def test_an_incident_resolved_by_its_target_counts_whole_with_its_severity_for_weight() -> None:
    story = opened(severity="critical", resolve_by="2026-01-11"), incident("resolved", "2026-01-11")
    assert said(*story) == in_us("2026-01-11", 4_000_000, WHOLE, "in_time")


def test_an_incident_resolved_late_falls_over_the_time_that_was_given() -> None:
    story = opened(resolve_by="2026-01-11"), incident("resolved", "2026-01-16")
    assert said(*story) == in_us("2026-01-16", WHOLE, 300_000, "late")


def test_an_incident_without_a_target_is_judged_by_the_hours_for_its_severity() -> None:
    hours = RULES.incident_resolve_hours.high
    start = opened(severity="high")
    assert hours == 24
    assert said(start, incident("resolved", "2026-01-02")) == in_us("2026-01-02", 2_000_000, WHOLE, "in_time")
    assert said(start, incident("resolved", "2026-01-02T12:00:00Z")) == in_us(
        "2026-01-02T12:00:00Z", 2_000_000, 300_000, "late"
    )


def test_pauses_do_not_count() -> None:
    story = (
        opened(resolve_by="2026-01-11"),
        incident("paused", "2026-01-05"),
        incident("resumed", "2026-01-15"),
        incident("resolved", "2026-01-21"),
    )
    assert tell(*story).paused == 10 * DAY
    assert said(*story) == in_us("2026-01-21", WHOLE, WHOLE, "in_time")


def test_an_open_incident_says_nothing_until_it_lapses() -> None:
    start = opened(resolve_by="2026-01-11")
    lapse = incident("resolution_lapsed", "2026-01-11", resolve_by="2026-01-11")
    assert said(start) is None
    assert said(start, lapse) == in_us("2026-01-11", WHOLE, 0, "unresolved")
    assert said(start, lapse, incident("resolved", "2026-01-16")) == in_us("2026-01-16", WHOLE, 300_000, "late")


def test_an_incident_due_before_it_was_opened_counts_from_the_opening() -> None:
    story = (
        opened("2026-02-01", resolve_by="2026-01-11"),
        incident("resolution_lapsed", "2026-02-01", resolve_by="2026-01-11"),
    )
    assert said(*story) == in_us("2026-02-01", WHOLE, 0, "unresolved")


def test_an_incident_that_is_overdue_in_spite_of_its_pauses_counts_from_its_target_as_they_moved_it() -> None:
    start = opened(resolve_by="2026-01-11"), incident("paused", "2026-01-05"), incident("resumed", "2026-01-08")
    lapse = incident("resolution_lapsed", "2026-01-14", resolve_by="2026-01-11")
    assert said(*start, incident("resolution_lapsed", "2026-01-11", resolve_by="2026-01-11")) is None
    assert said(*start, lapse) == in_us("2026-01-14", WHOLE, 0, "unresolved")
    assert said(*start, lapse, incident("paused", "2026-01-15")) == in_us("2026-01-14", WHOLE, 0, "unresolved")


def test_an_incident_that_lapsed_is_late_whatever_pause_came_after() -> None:
    start = opened(resolve_by="2026-01-11"), incident("resolution_lapsed", "2026-01-11", resolve_by="2026-01-11")
    story = *start, incident("paused", "2026-01-12"), incident("resumed", "2026-02-20"), incident("resolved", "2026-02-24")
    assert said(*story) == in_us("2026-02-24", WHOLE, 300_000, "late")


def test_an_incident_that_did_not_lapse_because_it_was_paused_is_in_time() -> None:
    story = opened(resolve_by="2026-01-11"), incident("paused", "2026-01-11")
    assert said(*story, incident("resolved", "2026-03-01")) == in_us("2026-03-01", WHOLE, WHOLE, "in_time")
    resumed = *story, incident("resumed", "2026-03-01"), incident("resolved", "2026-03-01")
    assert said(*resumed) == in_us("2026-03-01", WHOLE, WHOLE, "in_time")


def test_an_incident_that_was_reopened_counts_as_failed_until_it_is_resolved_again() -> None:
    story = opened(resolve_by="2026-03-01"), incident("resolved", "2026-01-02"), incident("reopened", "2026-01-05")
    assert said(*story) == in_us("2026-01-05", WHOLE, 0, "reopened")


def test_each_reopening_takes_its_penalty_until_nothing_is_left() -> None:
    story = [opened(resolve_by="2026-03-01"), incident("resolved", "2026-01-02")]
    outcomes = []
    for day in range(3, 9):
        story += [incident("reopened", f"2026-01-0{day}"), incident("resolved", f"2026-01-0{day}T12:00:00Z")]
        found = said(*story)
        assert found is not None
        outcomes.append((found.outcome_micro, found.because))
    assert outcomes == [(outcome, "in_time_reopened") for outcome in (750_000, 500_000, 250_000, 0, 0, 0)]


# Feedback


def test_feedback_answered_in_time_counts_whole() -> None:
    weight = RULES.feedback_weight_micro
    story = received(answer_by="2026-01-11"), answered("2026-01-11")
    assert said(*story) == in_us("2026-01-11", weight, WHOLE, "in_time")


def test_feedback_answered_late_falls_over_the_time_that_was_given() -> None:
    weight = RULES.feedback_weight_micro
    story = received(answer_by="2026-01-11"), unanswered("2026-01-11"), answered("2026-01-16")
    assert said(*story) == in_us("2026-01-16", weight, 300_000, "late")


def test_feedback_without_a_time_is_judged_by_the_hours_of_the_policy() -> None:
    weight, hours = RULES.feedback_weight_micro, RULES.feedback_answer_hours
    assert hours * HOUR == 3 * DAY
    assert said(received(), answered("2026-01-04")) == in_us("2026-01-04", weight, WHOLE, "in_time")
    assert said(received(), answered("2026-01-07")) == in_us("2026-01-07", weight, 0, "too_late")


def test_waiting_feedback_says_nothing_until_it_lapses() -> None:
    start = received(answer_by="2026-01-11")
    assert said(start) is None
    assert said(start, unanswered("2026-01-11")) == in_us("2026-01-11", RULES.feedback_weight_micro, 0, "unanswered")


# The rest


def test_contacts_and_registrations_say_nothing_about_trust() -> None:
    assert said(contact()) is None
    assert said(registered()) is None
