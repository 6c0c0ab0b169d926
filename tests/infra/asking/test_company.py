"""The company view of one party, from our seat and from theirs."""

import json

import pytest

from infra.asking import company, theirs
from infra.asking.answers import NotFound
from infra.asking.company import SHOWN, OursAnswer
from infra.asking.theirs import TheirsAnswer
from tests.infra.story import ADDRESS, Told
from tests.ledgers import kept, made, said


def ours(told: Told, party: str = "acme") -> OursAnswer:
    """The view from our seat, now."""
    with told.now() as moment:
        return company.ours(moment, party)


def theirs_(told: Told, party: str = "acme") -> TheirsAnswer:
    """The view from their seat, now."""
    with told.now() as moment:
        return theirs.theirs(moment, party)


def test_our_seat_sees_who_it_is_and_trust_both_ways(told: Told) -> None:
    view = ours(told)
    assert (view.seat, view.name, view.kind) == ("ours", "Acme Ltd", "customer")
    assert [(each.role, each.person, each.team) for each in view.people] == [("account manager", "ana", "sales")]
    assert (view.in_us.direction, view.in_them.direction) == ("in_us", "in_them")
    assert view.in_us.evidence_count == 10
    assert view.in_them.evidence_count == 2


def test_our_seat_sees_promises_both_ways_the_most_pressing_first(told: Told) -> None:
    view = ours(told)
    assert [each.promise_id for each in view.promised_to_them.pressing] == ["overdue", "due", "sometime", "disputed"]
    assert [each.promise_id for each in view.promised_to_us.pressing] == ["owed"]
    assert view.promised_to_them.counts.total == 9
    assert (view.promised_to_us.counts.kept_early, view.promised_to_us.counts.overdue) == (1, 1)


def test_our_seat_sees_the_layer_and_only_what_is_missing_for_the_next(told: Told) -> None:
    view = ours(told)
    assert (view.layer, view.next_layer) == ("exploratory", "affective")
    assert view.held_by
    assert view.missing
    assert not any(each.met for each in view.missing)


def test_our_seat_sees_trouble_feedback_and_contacts(told: Told) -> None:
    view = ours(told)
    assert (view.incidents.counts.total, [each.incident_id for each in view.incidents.unresolved]) == (3, ["stuck", "waiting"])
    assert [each.feedback_id for each in view.feedback_waiting] == ["complaint", "comment"]
    assert (view.feedback_count, view.interaction_count) == (3, 2)
    assert [each.interaction_id for each in view.interactions] == ["mail", "call"]


def test_our_seat_sees_what_awaits_and_what_is_void(told: Told) -> None:
    assert [(each.reference, each.reason, each.awaiting) for each in ours(told).unsettled] == [
        ("early", "already_kept", False),
        ("late", "corrected", False),
        ("never-made", "awaits_made", True),
    ]


def test_what_to_do_next_is_said_in_order_and_each_with_its_reason(told: Told) -> None:
    steps = ours(told).next_steps
    assert [(each.do, each.reference, each.because) for each in steps[:4]] == [
        ("keep_promise", "overdue", "was due 2026-05-30, 2 days ago"),
        ("answer_feedback", "complaint", "unanswered, was due 2026-05-18, 14 days ago"),
        ("answer_feedback", "comment", "unanswered, received 2026-05-19"),
        ("put_right", "stuck", "unresolved, was due 2026-05-12, 20 days ago"),
    ]
    assert {each.do for each in steps[4:]} == {"deepen"}
    assert [each.reference for each in steps[4:]] == [each.name for each in ours(told).missing]
    assert all("asks for" in each.because for each in steps[4:])


def test_what_was_done_is_no_longer_to_do(told: Told) -> None:
    told.report(kept("acme", "overdue", "2026-05-31"))
    told.catch_up()
    assert "keep_promise" not in {each.do for each in ours(told).next_steps}


def test_somebody_should_respond_to_what_nobody_responded_to(told: Told) -> None:
    told.report(said("incident.opened.v1", "bolt", "2026-05-21", incident_id="x", severity="low", respond_by="2026-06-01"))
    told.catch_up()
    (step,) = [each for each in ours(told, "bolt").next_steps if each.do == "put_right"]
    assert (step.reference, step.because) == ("x", "no response, was due 2026-06-01")


def test_what_a_pause_holds_back_is_not_to_do_and_what_it_moved_is_due_later(told: Told) -> None:
    told.report(
        *(
            said("incident.opened.v1", "bolt", "2026-05-21", incident_id=i, severity="low", resolve_by="2026-05-25")
            for i in "xy"
        ),
        *(said("incident.paused.v1", "bolt", "2026-05-22", incident_id=i) for i in "xy"),
        said("incident.resumed.v1", "bolt", "2026-05-26", incident_id="y"),
    )
    told.catch_up()
    (step,) = [each for each in ours(told, "bolt").next_steps if each.do == "put_right"]
    assert (step.reference, step.because) == ("y", "unresolved, was due 2026-05-29, 3 days ago")
    assert [(each.incident_id, each.past_target) for each in theirs_(told, "bolt").incidents] == [("y", True), ("x", False)]


def test_of_many_the_most_pressing_are_shown_and_all_are_counted(told: Told) -> None:
    told.report(*(made("bolt", f"p{number}", "2026-05-01", f"2026-05-{number + 2:02}") for number in range(SHOWN + 5)))
    told.catch_up()
    promised = ours(told, "bolt").promised_to_them
    assert (promised.counts.overdue, len(promised.pressing)) == (SHOWN + 5, SHOWN)
    assert promised.pressing[0].promise_id == "p0"


def test_their_seat_sees_what_was_promised_and_how_it_stands(told: Told) -> None:
    view = theirs_(told)
    assert (view.seat, view.name) == ("theirs", "Acme Ltd")
    mine = [(each.promise_id, each.status) for each in view.promised_to_me.promises]
    assert mine[:3] == [("overdue", "overdue"), ("due", "open"), ("sometime", "open")]
    assert sorted(mine[3:]) == [
        ("broken", "broken"),
        ("disputed", "kept"),
        ("early", "kept"),
        ("late", "kept"),
        ("let-off", "withdrawn"),
        ("punctual", "kept"),
    ]
    assert [(each.promise_id, each.status) for each in view.promised_by_me.promises] == [
        ("owed", "overdue"),
        ("theirs", "kept"),
    ]
    assert [each.person for each in view.people] == ["ana"]
    assert ([each.incident_id for each in view.incidents], view.incident_count) == (["stuck", "waiting", "solved"], 3)
    assert [each.feedback_id for each in view.feedback] == ["comment", "complaint", "answered"]


def test_their_seat_shows_no_score_no_internal_step_and_nobody_else(told: Told) -> None:
    shown = json.loads(theirs_(told).model_dump_json())
    names = set(_names(shown))
    internal = ("score", "micro", "layer", "grade", "policy", "position", "unsettled", "next", "interactions")
    assert [name for name in names if any(each in name for each in internal)] == []
    assert not names & {"reassignments", "escalations", "within_authority", "reopenings", "severity", "kind", "in_us"}
    text = json.dumps(shown)
    assert not any(other in text for other in ("bolt", "c00", "Boston", "in confidence", "already_kept"))


def test_both_seats_see_any_past_moment(told: Told) -> None:
    with told.then("acme", as_of="2026-02-01T05:00:00Z") as moment:
        before = company.ours(moment, "acme")
        mine = theirs.theirs(moment, "acme")
    assert [each.promise_id for each in before.promised_to_them.pressing] == ["broken"]
    assert [each.incident_id for each in before.incidents.unresolved] == ["solved"]
    assert before.feedback_waiting == []
    assert [each.incident_id for each in mine.incidents] == ["solved"]
    assert (mine.as_of, mine.known_at) == (moment.as_of, None)
    with told.then("acme", known_at="2026-03-02") as moment:
        known = company.ours(moment, "acme")
    assert (known.promised_to_them.counts.kept_late, known.promised_to_them.counts.total) == (1, 5)


def test_a_party_of_which_little_is_known_has_a_view_too(told: Told) -> None:
    view = ours(told, ADDRESS)
    assert (view.name, view.kind, view.registered_at, view.people) == (None, None, None, [])
    assert view.in_us.grade == view.in_them.grade == "unknown"
    assert (view.incidents.unresolved, view.feedback_waiting, view.interactions, view.unsettled) == ([], [], [], [])
    assert theirs_(told, ADDRESS).promised_to_me.counts.kept_early == 1


@pytest.mark.parametrize("seat", [company.ours, theirs.theirs])
def test_a_party_that_nothing_is_recorded_about_is_not_found(told: Told, seat: object) -> None:
    assert callable(seat)
    with told.now() as moment, pytest.raises(NotFound):
        seat(moment, "nobody")


def _names(of: object) -> list[str]:
    """Every name of a field, at any depth."""
    if isinstance(of, dict):
        return [name for key, value in of.items() for name in (key, *_names(value))]
    return [name for each in of for name in _names(each)] if isinstance(of, list) else []
