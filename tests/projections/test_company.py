"""The company view's rows: what each standing shows, what does not count, and how much there is of each party."""

from projections.company import (
    FEEDBACK,
    INCIDENTS,
    INTERACTIONS,
    PROJECTION,
    PROMISES,
    REGISTERED,
    STAFF,
    TOTALS,
    UNSETTLED,
)
from projections.fold import Table
from tests.ledgers import Message, contact, kept, made, said
from tests.projections.folded import by_name, recorded, state
from tests.telling import on


def rows(table: Table, *reports: Message) -> list[dict[str, object]]:
    """The table's rows after these reports, by the names of their columns, without what is empty."""
    held = state(PROJECTION, recorded(reports))[table.name]
    named = [
        dict(zip((column.name for column in table.key), key, strict=True)) | dict(by_name(table, row))
        for key, row in held.items()
    ]
    return [{name: value for name, value in row.items() if value is not None and name != "stream"} for row in named]


def row(table: Table, *reports: Message) -> dict[str, object]:
    """The table's only row."""
    (only,) = rows(table, *reports)
    return only


def test_a_promise_shows_who_promised_what_to_whom_and_how_it_ended() -> None:
    terms = {"team": "field", "person": "bo", "guarantor": "cy", "category": "delivery", "channel": "phone"}
    reports = [made("acme", "p", "2026-01-01", "2026-01-09", touchpoint="sales", **terms), kept("acme", "p", "2026-01-10")]
    assert row(PROMISES, *reports) == {
        "party": "acme",
        "promise_id": "p",
        "promisor": "company",
        "status": "kept",
        "kept": "late",
        "made_at": on("2026-01-01"),
        "due_at": on("2026-01-09"),
        "ended_at": on("2026-01-10"),
        "touchpoint": "sales",
        "weight_micro": 1_000_000,
        "lapsed": 0,
        "renegotiations": 0,
        "accepted": 0,
        "disputed": 0,
        **terms,
    }


def test_a_promise_made_after_its_due_time_is_overdue_from_when_it_was_made() -> None:
    assert row(PROMISES, made("acme", "p", "2026-02-01", "2026-01-01"))["due_at"] == on("2026-02-01")


def test_an_incident_shows_whose_it_is_and_what_became_of_it() -> None:
    def incident(what: str, at: str, **more: object) -> Message:
        return said(f"incident.{what}.v1", "acme", at, incident_id="i", **more)

    found = row(
        INCIDENTS,
        incident("opened", "2026-01-01", severity="high", team="desk", respond_by="2026-01-02", resolve_by="2026-01-09"),
        incident("escalated", "2026-01-02", want_of="skill"),
        incident("escalated", "2026-01-03", want_of="authority"),
        incident("reassigned", "2026-01-03", team="lab", person="di"),
        incident("paused", "2026-01-04"),
        incident("resumed", "2026-01-05"),
        incident("resolved", "2026-01-06", within_authority=False),
    )
    assert found["status"] == "resolved"
    assert (found["team"], found["person"], found["reassignments"], found["escalations"]) == ("lab", "di", 1, 2)
    assert (found["opened_at"], found["resolved_at"]) == (on("2026-01-01"), on("2026-01-06"))
    targets = [found[name] for name in ("respond_by", "respond_due_at", "resolve_by", "resolve_due_at")]
    assert targets == [on("2026-01-02"), on("2026-01-02"), on("2026-01-09"), on("2026-01-10")]
    assert (found["paused"], found["within_authority"]) == (on("2026-01-02") - on("2026-01-01"), 0)
    assert (found["response_lapsed"], found["resolution_lapsed"]) == (0, 0)


def test_feedback_shows_how_it_was_rated_and_whether_it_was_answered() -> None:
    received = said("feedback.received.v1", "acme", "2026-01-01", feedback_id="f", instrument="nps", score=9, team="desk")
    assert row(FEEDBACK, received)["status"] == "waiting"
    found = row(FEEDBACK, received, said("feedback.answered.v1", "acme", "2026-01-03", feedback_id="f", text="thanks"))
    assert (found["status"], found["score_micro"], found["team"]) == ("answered", 900_000, "desk")
    assert found["answered_at"] == on("2026-01-03")
    assert "thanks" not in found.values()


def test_a_contact_shows_what_it_was_for_and_no_notes() -> None:
    found = row(INTERACTIONS, contact("acme", "c", topic="price", effort=3, repeated_context=True, notes="in confidence"))
    assert (found["direction"], found["purpose"], found["topic"]) == ("inbound", "serve", "price")
    assert (found["effort"], found["repeated_context"]) == (3, 1)
    assert "in confidence" not in found.values()


def test_a_party_shows_what_it_is_and_who_is_there_for_it() -> None:
    registered = said("party.registered.v1", "acme", "2026-01-01", kind="supplier", name="Acme Ltd")
    assigned = said("party.staff_assigned.v1", "acme", "2026-01-02", role="manager", person="ana", team="sales")
    left = said("party.staff_assigned.v1", "acme", "2026-03-01", role="manager")
    expected = {"party": "acme", "kind": "supplier", "registered_at": on("2026-01-01")}
    assert row(REGISTERED, registered, assigned) == expected
    since = {"party": "acme", "role": "manager", "person": "ana", "team": "sales", "since_at": on("2026-01-02")}
    assert row(STAFF, registered, assigned) == since
    assert rows(STAFF, registered, assigned, left) == []


def test_what_does_not_count_is_listed_by_reason_and_counted() -> None:
    waiting = [kept("acme", "p", "2026-01-03", ident=ident) for ident in ("one", "two")]
    of_it = {"party": "acme", "family": "promise", "reference": "p"}
    assert row(UNSETTLED, *waiting) == {**of_it, "reason": "awaits_made", "fact_count": 2}
    assert row(UNSETTLED, *waiting, made("acme", "p")) == {**of_it, "reason": "already_kept", "fact_count": 1}
    assert rows(UNSETTLED, waiting[0], made("acme", "p")) == []


def test_totals_count_what_stands_and_know_every_party_that_was_spoken_of() -> None:
    nothing = dict.fromkeys((column.name for column in TOTALS.values), 0)
    assert row(TOTALS, kept("acme", "never-made", "2026-01-01")) == {"party": "acme", **nothing, "stream_count": 1}
    overdue = made("acme", "p", due="2026-01-05")
    theirs = said("promise.made.v1", "acme", "2026-01-01", promise_id="t", promisor="party", due_at="2026-01-05")
    opened = said("incident.opened.v1", "acme", "2026-01-01", incident_id="i", severity="low")
    paused = said("incident.paused.v1", "acme", "2026-01-02", incident_id="i")
    some = {"stream_count": 3, "promise_count": 2, "overdue_count": 1, "incident_count": 1, "open_incident_count": 1}
    assert row(TOTALS, overdue, theirs, opened, paused) == {"party": "acme", **nothing, **some}
    closed = said("incident.closed.v1", "acme", "2026-01-03", incident_id="i")
    settled = {**some, "overdue_count": 0, "open_incident_count": 0}
    assert row(TOTALS, overdue, theirs, opened, closed, kept("acme", "p", "2026-02-01")) == {
        "party": "acme",
        **nothing,
        **settled,
    }
