"""Feedback: what each fact leads to, and every reason why one does not count."""

import pytest
from pydantic import ValidationError

from domain import feedback
from tests.telling import answered, on, received, tell, unanswered, void


def test_feedback_that_was_received_waits_for_an_answer() -> None:
    standing = tell(received(instrument="complaint", team="billing", category="invoice", channel="mail"))
    assert (standing.status, standing.instrument, standing.received_at) == ("waiting", "complaint", on("2026-01-01"))
    assert (standing.team, standing.category, standing.channel) == ("billing", "invoice", "mail")


@pytest.mark.parametrize(
    ("given", "micro"),
    [
        ({"score": 0}, 0),
        ({"score": 7}, 700_000),
        ({"score": 10}, 1_000_000),
        ({"score": 2, "scale_low": 1, "scale_high": 5}, 250_000),
        ({"score": 0, "scale_low": -2, "scale_high": 2}, 500_000),
        ({}, None),
    ],
)
def test_a_score_is_placed_between_the_worst_and_the_best(given: dict, micro: int | None) -> None:
    assert tell(received(**given)).score_micro == micro


@pytest.mark.parametrize(
    "given", [{"score": 11}, {"score": -1}, {"scale_low": 5, "scale_high": 5}, {"score": 10**20, "scale_high": 10**21}]
)
def test_a_score_off_its_scale_is_no_feedback(given: dict) -> None:
    with pytest.raises(ValidationError):
        received(**given)


def test_feedback_that_was_answered_is_answered() -> None:
    standing = tell(received(), answered("2026-01-03", text="thank you"))
    assert (standing.status, standing.answered_at) == ("answered", on("2026-01-03"))


def test_the_clock_records_a_lapse_when_the_answer_is_due() -> None:
    [(at, fact)] = feedback.lapses(tell(received(answer_by="2026-01-04")))
    assert at == on("2026-01-04")
    assert type(fact).model_validate_json(fact.model_dump_json()) == fact
    assert feedback.lapses(tell(received("2026-02-01", answer_by="2026-01-04")))[0][0] == on("2026-02-01")


def test_nothing_lapses_where_there_is_nothing_to_wait_for() -> None:
    due = received(answer_by="2026-01-04")
    stories = [[received()], [due, answered("2026-01-02")], [due, unanswered("2026-01-04")], [answered("2026-01-02")]]
    assert [feedback.lapses(tell(*story)) for story in stories] == [[], [], [], []]


def test_a_late_answer_leaves_the_lapse_on_the_record() -> None:
    standing = tell(received(answer_by="2026-01-04"), unanswered("2026-01-04"), answered("2026-01-05"))
    assert (standing.status, standing.lapsed, standing.void) == ("answered", True, ())


def test_a_second_received_is_recorded_and_void() -> None:
    assert void(received(), received("2026-01-02")) == {1: "already_received"}


def test_what_was_answered_before_it_was_received_is_void() -> None:
    assert void(received("2026-01-05"), answered("2026-01-04")) == {1: "before_received"}


def test_everything_awaits_the_feedback_while_it_is_not_known() -> None:
    assert void(answered("2026-01-04")) == {0: "awaits_received"}


def test_a_second_answer_and_a_lapse_that_turned_out_wrong_are_void() -> None:
    story = received(answer_by="2026-01-04"), answered("2026-01-04")
    assert void(*story, answered("2026-01-05")) == {2: "already_answered"}
    assert void(*story, unanswered("2026-01-04")) == {2: "already_answered"}


def test_a_lapse_counts_once_at_its_own_time_and_not_before() -> None:
    due = received(answer_by="2026-01-04")
    assert void(due, unanswered("2026-01-05")) == {1: "target_was_another"}
    assert void(due, unanswered("2026-01-04", at="2026-01-03")) == {1: "not_overdue_yet"}
    assert void(due, unanswered("2026-01-04"), unanswered("2026-01-04")) == {2: "already_lapsed"}
