"""Incidents by how they stand, and how long they took."""

import pytest

from infra.asking import incidents
from infra.asking.answers import NotFound
from infra.asking.incidents import IncidentShown, IncidentsWanted
from infra.asking.moment import Moment
from tests.infra.story import Told
from tests.ledgers import said
from tests.telling import on

HOUR = 3600


def walked(moment: Moment, **wanted: object) -> list[IncidentShown]:
    """All pages, one after the other."""
    found: list[IncidentShown] = []
    asked = IncidentsWanted.model_validate(wanted)
    while True:
        answer = incidents.listed(moment, asked)
        found += answer.incidents
        if answer.next is None:
            return found
        asked = asked.model_copy(update={"cursor": answer.next})


def ids(moment: Moment, **wanted: object) -> list[str]:
    """The ids of all that meet the question."""
    return [each.incident_id for each in walked(moment, **wanted)]


def one(moment: Moment, incident: str) -> IncidentShown:
    """The incident of this id."""
    (found,) = [each for each in walked(moment) if each.incident_id == incident]
    return found


@pytest.mark.parametrize(
    ("asked", "which"),
    [
        ({}, ["waiting", "stuck", "solved"]),
        ({"order": "ascending"}, ["solved", "stuck", "waiting"]),
        ({"status": "open"}, ["stuck"]),
        ({"status": "paused"}, ["waiting"]),
        ({"status": "resolved"}, ["solved"]),
        ({"status": "closed"}, []),
        ({"severity": "critical"}, ["stuck"]),
        ({"team": "desk"}, ["waiting", "solved"]),
        ({"person": "di"}, ["solved"]),
        ({"party": "acme", "past_target": True}, ["stuck"]),
        ({"party": "bolt"}, []),
    ],
)
def test_incidents_are_found_by_how_they_stand_and_whose_they_are(
    told: Told, asked: dict[str, object], which: list[str]
) -> None:
    with told.now() as moment:
        assert ids(moment, **asked, limit=1) == which


def test_by_target_those_without_one_come_last(told: Told) -> None:
    with told.now() as moment:
        first, *others = ids(moment, sort="target", limit=1)
    assert first == "stuck"
    assert sorted(others) == ["solved", "waiting"]


def test_durations_leave_pauses_out(told: Told) -> None:
    with told.now() as moment:
        solved = one(moment, "solved")
    # Opened at 0:00, paused from 1:00 to 3:00, responded at 4:00; paused the next day from 0:00 until resolved at 6:00.
    assert solved.respond_seconds == 2 * HOUR
    assert solved.resolve_seconds == (24 + 6 - 2 - 6) * HOUR
    assert solved.paused_seconds == 8 * HOUR
    assert solved.running_seconds is None


def test_a_running_pause_is_left_out_too(told: Told) -> None:
    with told.now() as moment:
        waiting = one(moment, "waiting")
    assert (waiting.status, waiting.running_seconds, waiting.resolve_seconds) == ("paused", 2 * HOUR, None)
    assert waiting.paused_seconds == (12 * 24 + 22 + 12) * HOUR


def test_as_of_a_moment_within_a_pause_the_pause_was_running(told: Told) -> None:
    with told.then("acme", as_of="2026-02-01T02:00:00Z") as moment:
        solved = one(moment, "solved")
    assert (solved.status, solved.running_seconds, solved.paused_seconds) == ("paused", HOUR, HOUR)
    assert solved.respond_seconds is None
    with told.then("acme", as_of="2026-02-01T05:00:00Z") as moment:
        solved = one(moment, "solved")
    assert (solved.status, solved.running_seconds, solved.respond_seconds) == ("open", 3 * HOUR, 2 * HOUR)


def test_as_known_at_a_moment_later_incidents_are_not_there(told: Told) -> None:
    with told.then(known_at="2026-03-02") as moment:
        assert ids(moment) == ["solved"]


def test_past_its_target_is_what_is_not_resolved_and_was_to_be_by_now(told: Told) -> None:
    with told.then("acme", as_of="2026-05-12") as moment:
        assert ids(moment, past_target=True) == []
    with told.now() as moment:
        stuck = one(moment, "stuck")
    assert (stuck.past_target, stuck.response_overdue) == (True, False)


def test_nobody_responded_in_time(told: Told) -> None:
    told.report(
        said("incident.opened.v1", "bolt", "2026-05-21", incident_id="x", severity="low", respond_by="2026-05-22"),
        said("incident.opened.v1", "bolt", "2026-05-21", incident_id="y", severity="low", respond_by="2026-05-22"),
        said("incident.responded.v1", "bolt", "2026-05-21T01:00:00Z", incident_id="y"),
    )
    told.catch_up()
    with told.now() as moment:
        assert one(moment, "x").response_overdue
        assert not one(moment, "y").response_overdue


def test_pauses_hold_targets_back(told: Told) -> None:
    def of(incident: str, *story: tuple[str, str], **targets: str) -> None:
        told.report(said("incident.opened.v1", "bolt", "2026-05-21", incident_id=incident, severity="low", **targets))
        told.report(*(said(f"incident.{what}.v1", "bolt", at, incident_id=incident) for what, at in story))

    by = {"respond_by": "2026-05-23", "resolve_by": "2026-05-25"}
    of("held", ("paused", "2026-05-22"), **by)
    of("resumed", ("paused", "2026-05-22"), ("resumed", "2026-05-30"), **by)
    of("missed", ("paused", "2026-05-26"), **by)
    told.catch_up()
    with told.now() as moment:
        found = {each: one(moment, each) for each in ("held", "resumed", "missed")}
        assert ids(moment, party="bolt", past_target=True) == ["missed"]
        assert ids(moment, party="bolt", sort="target", limit=1) == ["missed", "resumed", "held"]
    assert [each.past_target for each in found.values()] == [False, False, True]
    assert [each.response_overdue for each in found.values()] == [False, True, True]
    assert {(each.respond_by, each.resolve_by) for each in found.values()} == {(on("2026-05-23"), on("2026-05-25"))}
    assert [each.respond_due_at for each in found.values()] == [None, on("2026-05-31"), on("2026-05-23")]
    assert [each.resolve_due_at for each in found.values()] == [None, on("2026-06-02"), on("2026-05-25")]


def test_as_of_a_moment_within_a_pause_that_is_over_nothing_had_lapsed(told: Told) -> None:
    story = ("paused", "2026-05-22"), ("resumed", "2026-05-24")
    told.report(
        said("incident.opened.v1", "bolt", "2026-05-21", incident_id="x", severity="low", resolve_by="2026-05-23"),
        *(said(f"incident.{what}.v1", "bolt", at, incident_id="x") for what, at in story),
    )
    told.catch_up()
    past = {}
    for day in (23, 24, 25, 26):
        with told.then("bolt", as_of=f"2026-05-{day}") as moment:
            lapsed = moment.views.execute("SELECT resolution_lapsed FROM incidents").fetchone()[0]
            past[day] = (one(moment, "x").past_target, bool(lapsed))
    assert past == {23: (False, False), 24: (False, False), 25: (False, True), 26: (True, True)}


def test_the_counts_add_up_whatever_status_is_asked_for(told: Told) -> None:
    with told.now() as moment:
        counts = incidents.listed(moment, IncidentsWanted(status="closed")).counts
    assert counts is not None
    assert counts.model_dump() == {"total": 3, "open": 1, "paused": 1, "resolved": 1, "closed": 0, "past_target": 1}


def test_an_unknown_party_is_not_found_and_an_empty_ledger_has_no_incidents(empty: Told) -> None:
    with empty.now() as moment:
        assert incidents.listed(moment, IncidentsWanted()).incidents == []
        with pytest.raises(NotFound):
            incidents.listed(moment, IncidentsWanted(party="acme"))
