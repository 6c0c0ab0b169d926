"""Incidents: what each fact leads to, and every reason why one does not count."""

import pytest

from domain import incident as incidents
from domain.instant import DAY, text
from tests.telling import Told, incident, on, opened, retracted, tell, void

# How trouble is put right


def test_an_incident_that_was_opened_is_open() -> None:
    standing = tell(opened(severity="high", team="network", person="kim", category="outage", channel="phone"))
    assert (standing.status, standing.severity, standing.opened_at) == ("open", "high", on("2026-01-01"))
    assert (standing.team, standing.person, standing.category, standing.channel) == ("network", "kim", "outage", "phone")


def test_the_first_response_is_the_one_that_counts() -> None:
    standing = tell(opened(), incident("responded", "2026-01-03"), incident("responded", "2026-01-02"))
    assert standing.responded_at == on("2026-01-02")


def test_a_response_after_resolving_or_closing_still_counts_as_the_first() -> None:
    resolved = opened(), incident("resolved", "2026-01-02")
    assert tell(*resolved, incident("responded", "2026-01-03")).responded_at == on("2026-01-03")
    closed = opened(), incident("closed", "2026-01-02")
    assert tell(*closed, incident("responded", "2026-01-03")).responded_at == on("2026-01-03")


def test_pauses_add_up() -> None:
    standing = tell(
        opened(),
        incident("paused", "2026-01-02", reason="customer"),
        incident("resumed", "2026-01-04"),
        incident("paused", "2026-01-05"),
        incident("resumed", "2026-01-06"),
    )
    assert (standing.status, standing.paused, standing.paused_at) == ("open", 3 * DAY, None)


@pytest.mark.parametrize("ending", ["resolved", "closed"])
def test_a_pause_ends_when_the_incident_does(ending: str) -> None:
    standing = tell(opened(), incident("paused", "2026-01-02"), incident(ending, "2026-01-05"))
    assert (standing.status, standing.paused, standing.paused_at) == (ending, 3 * DAY, None)


def test_a_response_knows_how_long_the_incident_was_paused_before_it() -> None:
    story = opened(), incident("paused", "2026-01-02"), incident("responded", "2026-01-05")
    assert tell(*story).paused_before_response == 3 * DAY
    assert tell(*story, incident("resumed", "2026-01-09")).paused_before_response == 3 * DAY


def test_escalations_are_counted_by_what_was_wanting() -> None:
    standing = tell(
        opened(),
        incident("escalated", "2026-01-02", want_of="authority"),
        incident("escalated", "2026-01-03", want_of="skill"),
        incident("escalated", "2026-01-04", want_of="authority"),
    )
    assert (standing.escalations_for_authority, standing.escalations_for_skill) == (2, 1)


def test_a_reassignment_says_who_has_it_now() -> None:
    standing = tell(opened(team="a", person="x"), incident("reassigned", "2026-01-02", team="b"))
    assert (standing.team, standing.person, standing.reassignments) == ("b", None, 1)


def test_a_resolution_says_whether_it_was_within_authority() -> None:
    assert tell(opened(), incident("resolved", "2026-01-02", within_authority=True)).within_authority is True


def test_closing_what_nobody_resolved_resolves_it() -> None:
    standing = tell(opened(), incident("closed", "2026-01-05"))
    assert (standing.status, standing.resolved_at, standing.closed_at) == ("closed", on("2026-01-05"), on("2026-01-05"))


def test_closing_what_was_resolved_leaves_the_resolution_where_it_was() -> None:
    standing = tell(opened(), incident("resolved", "2026-01-03"), incident("closed", "2026-01-05"))
    assert (standing.resolved_at, standing.closed_at) == (on("2026-01-03"), on("2026-01-05"))


@pytest.mark.parametrize("ending", ["resolved", "closed"])
def test_what_was_reopened_is_open_and_keeps_its_first_resolution(ending: str) -> None:
    story = opened(), incident(ending, "2026-01-03"), incident("reopened", "2026-01-05")
    standing = tell(*story)
    assert (standing.status, standing.resolved_at, standing.closed_at) == ("open", None, None)
    assert (standing.first_resolved_at, standing.reopenings) == (on("2026-01-03"), 1)
    assert tell(*story, incident("resolved", "2026-01-09")).resolved_at == on("2026-01-09")


def test_the_first_resolution_stays_the_first_also_at_the_epoch_where_instants_are_zero() -> None:
    story = opened("1969-12-31"), incident("resolved", "1970-01-01"), incident("reopened", "1970-01-02")
    assert tell(*story, incident("resolved", "1970-01-03")).first_resolved_at == 0


# Lapses


def test_the_clock_records_a_lapse_at_each_target() -> None:
    due = incidents.lapses(tell(opened(respond_by="2026-01-02", resolve_by="2026-01-05")))
    assert [(at, fact.KIND) for at, fact in due] == [
        (on("2026-01-02"), "incident.response_lapsed.v1"),
        (on("2026-01-05"), "incident.resolution_lapsed.v1"),
    ]
    for _, fact in due:
        assert type(fact).model_validate_json(fact.model_dump_json()) == fact


def test_a_target_before_the_opening_lapses_at_the_opening() -> None:
    due = incidents.lapses(tell(opened("2026-02-01", respond_by="2026-01-02", resolve_by="2026-01-05")))
    assert [at for at, _ in due] == [on("2026-02-01"), on("2026-02-01")]


@pytest.mark.parametrize(
    "story",
    [
        [opened()],
        [incident("responded", "2026-01-02")],
        [opened(respond_by="2026-01-04", resolve_by="2026-01-05"), incident("closed", "2026-01-02")],
        [opened(respond_by="2026-01-04", resolve_by="2026-01-05"), incident("resolved", "2026-01-03")],
        [
            opened(respond_by="2026-01-04", resolve_by="2026-01-05"),
            incident("response_lapsed", "2026-01-04", respond_by="2026-01-04"),
            incident("resolution_lapsed", "2026-01-05", resolve_by="2026-01-05"),
        ],
    ],
    ids=["no targets", "awaiting", "closed", "resolved", "lapsed before"],
)
def test_nothing_lapses_where_there_is_nothing_to_wait_for(story: list) -> None:
    assert incidents.lapses(tell(*story)) == []


# Pauses hold targets back


DUE = {"respond_by": "2026-01-04", "resolve_by": "2026-01-09"}
NOTHING_LAPSED = (False, False)


def due(*story: Told) -> dict[str, str]:
    """What the clock will record, and on which day."""
    return {fact.KIND.split(".")[1]: text(at)[:10] for at, fact in incidents.lapses(tell(*story))}


def lapsed(*story: Told) -> tuple[bool, bool]:
    standing = tell(*story)
    return standing.response_lapsed, standing.resolution_lapsed


def pause(begins: str, ends: str) -> tuple[Told, Told]:
    return incident("paused", begins), incident("resumed", ends)


def test_while_an_incident_is_paused_nothing_lapses() -> None:
    assert due(opened(**DUE), incident("paused", "2026-01-03")) == {}


def test_once_it_resumes_the_targets_fall_later_by_the_time_it_was_paused() -> None:
    story = opened(**DUE), *pause("2026-01-02", "2026-01-05")
    assert due(*story) == {"response_lapsed": "2026-01-07", "resolution_lapsed": "2026-01-12"}
    assert due(*story, *pause("2026-01-06", "2026-01-10")) == {
        "response_lapsed": "2026-01-11",
        "resolution_lapsed": "2026-01-16",
    }


def test_a_lapse_says_the_target_as_it_was_published() -> None:
    due = incidents.lapses(tell(opened(**DUE), *pause("2026-01-02", "2026-01-05")))
    assert [fact.model_dump(include=DUE.keys()) for _, fact in due] == [{name: on(day)} for name, day in DUE.items()]


def test_a_target_that_was_missed_before_the_pause_stays_missed() -> None:
    late = opened(**DUE), incident("paused", "2026-01-06")
    assert due(*late) == {"response_lapsed": "2026-01-04"}
    assert due(*late, incident("resumed", "2026-01-07")) == {
        "response_lapsed": "2026-01-04",
        "resolution_lapsed": "2026-01-10",
    }
    response = incident("response_lapsed", "2026-01-04", respond_by="2026-01-04")
    assert lapsed(*late, response) == (True, False)
    assert lapsed(*late, incident("resumed", "2026-01-07"), response) == (True, False)


def test_a_pause_that_begins_by_the_target_as_an_earlier_pause_moved_it_moves_it_again() -> None:
    story = opened(resolve_by="2026-01-04"), *pause("2026-01-02", "2026-01-05")
    assert due(*story, *pause("2026-01-06", "2026-01-08")) == {"resolution_lapsed": "2026-01-09"}
    assert due(*story, *pause("2026-01-07", "2026-01-08")) == {"resolution_lapsed": "2026-01-08"}
    assert due(*story, *pause("2026-01-08", "2026-01-10")) == {"resolution_lapsed": "2026-01-07"}


def test_a_pause_that_begins_just_at_the_target_holds_it_back() -> None:
    story = opened(resolve_by="2026-01-04"), incident("paused", "2026-01-04")
    at_target = incident("resolution_lapsed", "2026-01-04", resolve_by="2026-01-04")
    assert void(*story, at_target) == {2: "not_overdue_yet"}
    assert due(*story, incident("resumed", "2026-01-06")) == {"resolution_lapsed": "2026-01-06"}


def test_a_target_before_the_opening_is_missed_whatever_pause_comes() -> None:
    story = opened("2026-02-01", resolve_by="2026-01-05"), *pause("2026-02-01", "2026-02-03")
    assert due(*story) == {"resolution_lapsed": "2026-02-01"}


def test_only_pauses_before_the_response_move_the_target_to_respond_by() -> None:
    story = opened(**DUE), incident("paused", "2026-01-02"), incident("responded", "2026-01-05")
    assert incidents.respond_due_at(tell(*story)) == on("2026-01-07")
    resumed = *story, incident("resumed", "2026-01-06")
    assert incidents.respond_due_at(tell(*resumed)) == on("2026-01-07")
    assert incidents.resolve_due_at(tell(*resumed)) == on("2026-01-13")


def test_an_incident_without_targets_has_none_to_move() -> None:
    standing = tell(opened(), *pause("2026-01-02", "2026-01-05"), incident("responded", "2026-01-06"))
    assert (incidents.respond_due_at(standing), incidents.resolve_due_at(standing)) == (None, None)
    assert (standing.respond_by_moved, standing.resolve_by_moved, standing.paused) == (0, 0, 3 * DAY)


@pytest.mark.parametrize("ending", ["resolved", "closed"])
def test_a_pause_that_ends_with_the_incident_moves_its_target_too(ending: str) -> None:
    standing = tell(opened(**DUE), incident("paused", "2026-01-02"), incident(ending, "2026-01-12"))
    assert incidents.resolve_due_at(standing) == on("2026-01-19")


@pytest.mark.parametrize(("target", "lapse"), [("respond_by", "response_lapsed"), ("resolve_by", "resolution_lapsed")])
def test_a_lapse_during_a_pause_or_before_the_moved_target_is_void_and_the_one_at_it_counts(target: str, lapse: str) -> None:
    story = opened(**{target: "2026-01-04"}), *pause("2026-01-02", "2026-01-05")
    at = [incident(lapse, f"2026-01-0{day}", **{target: "2026-01-04"}) for day in (4, 6, 7)]
    assert void(*story[:2], at[0]) == {2: "not_overdue_yet"}
    assert void(*story, *at) == {3: "not_overdue_yet", 4: "not_overdue_yet"}
    assert due(*story, at[2]) == {}


def test_a_pause_that_becomes_known_late_makes_the_lapse_void_and_another_due() -> None:
    start = opened(resolve_by="2026-01-04")
    lapse = incident("resolution_lapsed", "2026-01-04", resolve_by="2026-01-04")
    assert lapsed(start, lapse) == (False, True)
    late = start, lapse, *pause("2026-01-02", "2026-01-05")
    assert (void(*late), lapsed(*late)) == ({1: "not_overdue_yet"}, NOTHING_LAPSED)
    assert due(*late) == {"resolution_lapsed": "2026-01-07"}
    right = incident("resolution_lapsed", "2026-01-07", resolve_by="2026-01-04")
    assert (void(*late, right), lapsed(*late, right)) == ({1: "not_overdue_yet"}, (False, True))


def test_a_pause_that_is_taken_back_makes_the_earlier_lapse_count_again() -> None:
    lapses = [incident("resolution_lapsed", day, resolve_by="2026-01-04") for day in ("2026-01-04", "2026-01-07")]
    story = opened(resolve_by="2026-01-04"), *pause("2026-01-02", "2026-01-05"), *lapses
    back = retracted(1, "2026-01-08", "incident", "i")
    assert void(*story, back) == {1: "retracted", 2: "not_paused", 4: "already_lapsed"}


# What does not count


def test_a_second_opened_is_recorded_and_void() -> None:
    assert void(opened(), opened("2026-01-02")) == {1: "already_opened"}


def test_what_was_resolved_before_it_was_opened_is_void() -> None:
    assert void(opened("2026-01-05"), incident("resolved", "2026-01-04")) == {1: "before_opened"}


def test_everything_awaits_the_opening_while_it_is_not_known() -> None:
    assert void(incident("resolved", "2026-01-04")) == {0: "awaits_opened"}


def test_a_second_response_is_recorded_and_void() -> None:
    twice = incident("responded", "2026-01-02"), incident("responded", "2026-01-03")
    assert void(opened(), *twice) == {2: "already_responded"}


def test_a_pause_inside_a_pause_is_void() -> None:
    assert void(opened(), incident("paused", "2026-01-02"), incident("paused", "2026-01-03")) == {2: "already_paused"}


def test_resuming_what_runs_is_void() -> None:
    assert void(opened(), incident("resumed", "2026-01-02")) == {1: "not_paused"}


@pytest.mark.parametrize(
    "then",
    [
        incident("resolved", "2026-01-05"),
        incident("paused", "2026-01-05"),
        incident("resumed", "2026-01-05"),
        incident("escalated", "2026-01-05", want_of="skill"),
        incident("reassigned", "2026-01-05"),
    ],
    ids=lambda told: told.fact.KIND,
)
def test_work_on_what_was_resolved_is_void(then) -> None:
    assert void(opened(), incident("resolved", "2026-01-03"), then) == {2: "already_resolved"}


def test_reopening_what_is_not_resolved_is_void() -> None:
    assert void(opened(), incident("reopened", "2026-01-02")) == {1: "not_resolved"}
    assert void(opened(), incident("paused", "2026-01-02"), incident("reopened", "2026-01-03")) == {2: "not_resolved"}


@pytest.mark.parametrize(
    "then",
    [
        incident("resolved", "2026-01-05"),
        incident("closed", "2026-01-05"),
        incident("paused", "2026-01-05"),
        incident("resumed", "2026-01-05"),
        incident("escalated", "2026-01-05", want_of="skill"),
        incident("reassigned", "2026-01-05"),
    ],
    ids=lambda told: told.fact.KIND,
)
def test_work_on_what_was_closed_is_void(then) -> None:
    assert void(opened(), incident("closed", "2026-01-03"), then) == {2: "already_closed"}


def test_a_lapse_that_turned_out_wrong_counts_for_nothing() -> None:
    story = opened(respond_by="2026-01-04", resolve_by="2026-01-05"), incident("responded", "2026-01-02")
    response = incident("response_lapsed", "2026-01-04", respond_by="2026-01-04")
    assert void(*story, response) == {2: "responded_in_time"}
    resolution = incident("resolution_lapsed", "2026-01-05", resolve_by="2026-01-05")
    assert void(*story, incident("resolved", "2026-01-05"), resolution) == {3: "resolved_in_time"}


@pytest.mark.parametrize("ending", ["resolved", "closed"])
def test_resolving_or_closing_in_time_answers_too_also_where_it_is_reopened_later(ending: str) -> None:
    story = opened(respond_by="2026-01-04"), incident(ending, "2026-01-03")
    response = incident("response_lapsed", "2026-01-04", respond_by="2026-01-04")
    assert void(*story, response) == {2: "responded_in_time"}
    assert void(*story, response, incident("reopened", "2026-01-05")) == {2: "responded_in_time"}
    assert incidents.lapses(tell(*story, incident("reopened", "2026-01-05"))) == []


@pytest.mark.parametrize(("target", "lapse"), [("respond_by", "response_lapsed"), ("resolve_by", "resolution_lapsed")])
def test_a_lapse_counts_once_at_its_own_target_and_not_before(target: str, lapse: str) -> None:
    start = opened(**{target: "2026-01-04"})
    on_target = incident(lapse, "2026-01-04", **{target: "2026-01-04"})
    assert void(start, on_target) == {}
    assert void(start, on_target, on_target) == {2: "already_lapsed"}
    assert void(start, incident(lapse, "2026-01-03", **{target: "2026-01-04"})) == {1: "not_overdue_yet"}
    assert void(start, incident(lapse, "2026-01-05", **{target: "2026-01-05"})) == {1: "target_was_another"}
