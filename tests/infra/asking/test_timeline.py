"""A party's timeline."""

import pytest

from infra.asking import timeline
from infra.asking.answers import NotFound
from infra.asking.moment import Moment
from infra.asking.timeline import Line, TimelineWanted
from tests.infra.story import ADDRESS, Told
from tests.ledgers import contact, kept, made, said


def walked(moment: Moment, party: str = "acme", **wanted: object) -> list[Line]:
    """All pages, one after the other."""
    found: list[Line] = []
    asked = TimelineWanted.model_validate(wanted)
    while True:
        answer = timeline.of_party(moment, party, asked)
        assert len(answer.lines) <= asked.limit
        found += answer.lines
        if answer.next is None:
            return found
        asked = asked.model_copy(update={"cursor": answer.next})


def did(moment: Moment, report: str) -> tuple[str, str | None, str]:
    """What the fact of this report does, why, and what it did at first."""
    (line,) = [each for each in walked(moment) if each.id == report]
    return line.outcome, line.reason, line.at_first


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("limit", [1, 3, 1000])
def test_the_pages_hold_every_entry_once_in_the_order_of_happening(told: Told, order: str, limit: int) -> None:
    with told.now() as moment:
        found = walked(moment, order=order, limit=limit)
        positions = [stored.position for stored in moment.log.of_party("acme")]
    assert sorted(each.position for each in found) == positions
    times = [each.happened_at for each in found]
    assert times == sorted(times, reverse=order == "newest")


def test_what_comes_in_between_two_pages_shifts_nothing(told: Told) -> None:
    with told.now() as moment:
        whole = walked(moment)
        first = timeline.of_party(moment, "acme", TimelineWanted(limit=4))
    told.report(contact("acme", "new", "2026-05-31"), made("acme", "older", whole_day(whole[6])))
    told.catch_up()
    with told.now() as moment:
        rest = walked(moment, limit=4, cursor=first.next)
    assert [each.position for each in (*first.lines, *rest) if each.reference != "older"] == [each.position for each in whole]


def whole_day(line: Line) -> str:
    """The day on which it happened, as the tests write days."""
    return line.model_dump(mode="json")["happened_at"][:10]


@pytest.mark.parametrize("family", ["promise", "incident", "feedback", "interaction", "party"])
def test_the_timeline_is_filtered_by_family(told: Told, family: str) -> None:
    with told.now() as moment:
        found = walked(moment, family=family, limit=2)
        everything = walked(moment)
    assert found
    assert found == [each for each in everything if each.kind.startswith(family + ".")]


def test_a_line_says_what_the_fact_does_now_and_what_it_did_at_first(told: Told) -> None:
    with told.now() as moment:
        assert did(moment, "early-kept") == ("counted", None, "counted")
        assert did(moment, "early-kept-again") == ("void", "already_kept", "void")
        assert did(moment, "late-kept") == ("void", "corrected", "counted")
        assert did(moment, "nothing-made") == ("awaiting", "awaits_made", "awaiting")
    told.report(made("acme", "never-made", "2026-02-19"))
    told.catch_up()
    with told.now() as moment:
        assert did(moment, "nothing-made") == ("counted", None, "awaiting")


def test_a_retraction_counts_and_what_it_takes_back_does_not(told: Told) -> None:
    names = {"source": "crm", "id": "early-kept"}
    taken = {"retracts": names, "of_family": "promise", "of_key": "early", "stated_at": "2026-05-25"}
    told.report(said("fact.retracted.v1", "acme", "2026-05-25", ident="not-so", **taken))
    told.catch_up()
    with told.now() as moment:
        assert did(moment, "not-so") == ("counted", None, "counted")
        assert did(moment, "early-kept") == ("void", "retracted", "counted")
        assert did(moment, "early-kept-again") == ("counted", None, "void")
        (line,) = walked(moment, family="fact")
    assert (line.kind, line.family, line.reference) == ("fact.retracted.v1", "promise", "early")
    with told.then("acme", known_at="2026-05-24") as moment:
        assert did(moment, "early-kept") == ("counted", None, "counted")
    with told.then("acme", as_of="2026-05-24") as moment:  # known now, whenever it was stated
        assert did(moment, "early-kept") == ("void", "retracted", "counted")


def test_a_line_refers_to_the_promise_incident_thread_or_contact_and_to_its_entry(told: Told) -> None:
    with told.now() as moment:
        lines = walked(moment, order="oldest")
        assert {(each.family, each.reference) for each in lines} >= {
            ("party", None),
            ("promise", "early"),
            ("incident", "solved"),
            ("feedback", "complaint"),
            ("interaction", "call"),
        }
        entries = dict(moment.log.of_party("acme"))
    assert all(f'"recorded_at":{each.recorded_at}'.encode() in entries[each.position] for each in lines)


def test_as_of_and_as_known_at_leave_out_what_happened_or_was_recorded_later(told: Told) -> None:
    with told.then("acme", as_of="2026-01-10") as moment:
        assert max(each.happened_at for each in walked(moment)) <= moment.now
        assert did(moment, "early-kept") == ("counted", None, "counted")
    with told.then("acme", known_at="2026-03-02") as moment:
        assert did(moment, "late-kept") == ("counted", None, "counted")
        assert all(each.recorded_at <= moment.now for each in walked(moment, limit=7))


def test_parties_of_any_name_have_a_timeline_and_nobody_has_none(told: Told) -> None:
    with told.now() as moment:
        assert len(walked(moment, ADDRESS)) == 2
        with pytest.raises(NotFound):
            timeline.of_party(moment, "nobody", TimelineWanted())
    told.report(kept(ADDRESS, "pothole", "2026-01-09"))
    told.catch_up()
    with told.now() as moment:
        assert [each.outcome for each in walked(moment, ADDRESS)] == ["void", "counted", "counted"]
