"""The agenda: what lapses next, for each promise, incident and thread; and nothing once it is settled."""

from consumers.clock import Due, lapse
from projections.agenda import PROJECTION
from tests.ledgers import Message, kept, made, said
from tests.projections.folded import numbers, recorded, state
from tests.telling import on

LATER = "2027-01-01"


def agenda(*reports: Message) -> dict[str, int]:
    """What lapses after these reports, and when."""
    return {str(kind): numbers(row[:1])[0] for (_, kind), row in state(PROJECTION, recorded(reports))["agenda"].items()}


def test_a_promise_lapses_when_it_is_due_and_not_when_it_was_kept() -> None:
    promised = made("acme", "p", due=LATER)
    assert agenda(promised) == {"promise.lapsed.v1": on(LATER)}
    assert agenda(promised, kept("acme", "p", "2026-05-01")) == {}
    assert agenda(made("acme", "p")) == {}


def test_a_due_time_that_was_moved_moves_the_lapse() -> None:
    moved = said("promise.renegotiated.v1", "acme", "2026-05-01", promise_id="p", new_due_at="2027-03-01", consent=True)
    assert agenda(made("acme", "p", due=LATER), moved) == {"promise.lapsed.v1": on("2027-03-01")}


def test_an_incident_has_a_time_to_respond_and_a_time_to_resolve() -> None:
    targets = {"respond_by": "2026-12-01", "resolve_by": LATER}
    opened = said("incident.opened.v1", "acme", "2026-05-01", incident_id="i", severity="low", **targets)
    both = {"incident.response_lapsed.v1": on("2026-12-01"), "incident.resolution_lapsed.v1": on(LATER)}
    assert agenda(opened) == both
    assert agenda(opened, said("incident.responded.v1", "acme", "2026-05-02", incident_id="i")) == {
        "incident.resolution_lapsed.v1": on(LATER)
    }
    assert agenda(opened, said("incident.closed.v1", "acme", "2026-05-02", incident_id="i")) == {}


def test_a_pause_takes_an_incident_off_the_agenda_and_puts_it_back_later() -> None:
    def incident(what: str, at: str, **more: str) -> Message:
        return said(f"incident.{what}.v1", "acme", at, incident_id="i", **more)

    story = incident("opened", "2026-05-01", severity="low", resolve_by=LATER), incident("paused", "2026-05-02")
    assert agenda(*story) == {}
    assert agenda(*story, incident("resumed", "2026-05-12")) == {"incident.resolution_lapsed.v1": on("2027-01-11")}


def test_feedback_lapses_when_it_was_to_be_answered() -> None:
    received = said("feedback.received.v1", "acme", "2026-05-01", feedback_id="f", instrument="nps", answer_by=LATER)
    assert agenda(received) == {"feedback.lapsed.v1": on(LATER)}


def test_what_has_lapsed_is_off_the_agenda() -> None:
    assert agenda(made("acme", "p", due="2026-01-05")) == {}


def test_a_row_holds_all_that_the_clock_needs_to_report_the_lapse() -> None:
    ((stream, kind), (at, party, fact)) = next(
        iter(state(PROJECTION, recorded([made("acme", "p", due=LATER)]))["agenda"].items())
    )
    report = lapse(Due(str(stream), str(kind), numbers([at])[0], str(party), str(fact)))
    assert (report.kind, report.party, report.happened_at) == ("promise.lapsed.v1", "acme", on(LATER))
    assert report.fact.key == "p"
