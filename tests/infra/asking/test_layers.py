"""A party's layer, and the entries behind what it asks for."""

import pytest

from domain.entry import decode
from domain.instant import DAY, text
from infra.asking import layers, trust
from infra.asking.answers import NotFound
from infra.asking.grounds import SHOWN
from infra.asking.layers import ConditionShown
from infra.asking.moment import Moment
from tests.infra.story import Told
from tests.ledgers import NOW, contact, kept, made, said


def asked(moment: Moment, party: str = "acme") -> dict[str, ConditionShown]:
    """What the next layer asks for, by name."""
    return {each.name: each for each in layers.of_party(moment, party).next_asks}


def named(moment: Moment, condition: ConditionShown) -> list[str]:
    """The ids of the reports whose entries a condition names, as far as the story gave them one, or else their kinds."""
    entries = {each.position: decode(each.state) for each in moment.log.at(condition.entries)}
    found = [entries[position] for position in condition.entries]
    return [each.kind if each.id[1:].isdigit() else each.id for each in found]


def happened(moment: Moment, condition: ConditionShown) -> list[str]:
    """The days on which what a condition names happened."""
    entries = {each.position: decode(each.state) for each in moment.log.at(condition.entries)}
    return [text(entries[position].happened_at)[:10] for position in condition.entries]


def test_each_condition_names_the_entries_behind_what_there_is(told: Told) -> None:
    with told.now() as moment:
        conditions = asked(moment)
        assert happened(moment, conditions["kept_by_company"]) == ["2026-05-09", "2026-01-31", "2026-01-19", "2026-01-10"]
        assert named(moment, conditions["kept_by_company"])[1:] == ["late-kept-in-time", "promise.kept.v1", "early-kept"]
        assert named(moment, conditions["kept_by_party"]) == ["promise.kept.v1"]
        assert named(moment, conditions["troubles_survived"]) == ["incident.resolved.v1"]
        assert named(moment, conditions["channels"]) == ["contact-acme-mail", "contact-acme-call"]
        assert named(moment, conditions["topics"]) == ["contact-acme-mail", "promise.made.v1"]
        assert named(moment, conditions["touchpoints"]) == ["incident.opened.v1"]
        assert happened(moment, conditions["tenure_days"]) == ["2026-01-05"]


def test_what_holds_a_party_there_names_the_same_entries_as_what_the_next_layer_asks_for(told: Told) -> None:
    with told.now() as moment:
        answer = layers.of_party(moment, "acme")
    assert [(each.name, each.entries, each.entry_count) for each in answer.held_by] == [
        (each.name, each.entries, each.entry_count) for each in answer.next_asks
    ]


def test_a_dialog_names_who_spoke_last_each_way(told: Told) -> None:
    told.report(*(contact("acme", f"in-{day}", f"2026-04-{day}") for day in range(10, 30)))
    told.catch_up()
    with told.now() as moment:
        dialog = asked(moment)["dialog_micro"]
        days = happened(moment, dialog)
        assert (len(days), dialog.entry_count) == (13, 30)
        assert days == sorted(days, reverse=True)
        assert [day for day in days if day < "2026-04-20"] == ["2026-02-04", "2026-02-02"]


def test_what_is_forgotten_of_a_dialog_and_out_of_the_window_of_breadth_is_not_named(told: Told) -> None:
    told.report(
        contact("old", "first", "2020-01-01", topic="a", channel="mail"), contact("old", "last", "2026-05-01", topic="b")
    )
    told.catch_up()
    with told.now() as moment:
        conditions = asked(moment, "old")
        assert named(moment, conditions["dialog_micro"]) == named(moment, conditions["topics"]) == ["contact-old-last"]
        assert (conditions["channels"].entries, conditions["channels"].value) == ([], 0)
        assert named(moment, conditions["tenure_days"]) == ["contact-old-first"]


def test_of_trust_the_explanation_names_the_entries(told: Told) -> None:
    with told.now() as moment:
        conditions = asked(moment)
        for name in ("mass_micro", "trust_lower_bound_micro"):
            assert (conditions[name].named_in, conditions[name].entries) == ("explanation", [])
        score = trust.explain(moment, "party", "acme").score
        assert conditions["mass_micro"].value == score.mass_micro
        assert {each.named_in for each in conditions.values() if not each.name.endswith("_micro")} == {"entries"}


def test_of_a_past_moment_it_names_what_had_happened_and_was_known(told: Told) -> None:
    with told.then("acme", as_of="2026-01-15") as moment:
        conditions = asked(moment)
        assert named(moment, conditions["kept_by_company"]) == ["early-kept"]
        assert (conditions["dialog_micro"].entries, conditions["channels"].entries) == ([], [])
        assert happened(moment, conditions["topics"]) == ["2026-01-05", "2026-01-05"]
    with told.then("acme", as_of="2026-03-01") as moment:
        assert "late-kept-in-time" in named(moment, asked(moment)["kept_by_company"])
    with told.then("acme", known_at="2026-03-02") as moment:
        assert happened(moment, asked(moment)["kept_by_company"]) == ["2026-01-19", "2026-01-10"]


def test_of_many_entries_the_latest_are_named_and_all_are_counted(told: Told) -> None:
    days = [text(NOW - number * DAY)[:10] for number in range(1, SHOWN + 6)]
    told.report(*(each for day in days for each in (made("many", day, day), kept("many", day, day))))
    told.catch_up()
    with told.now() as moment:
        condition = asked(moment, "many")["kept_by_company"]
        assert happened(moment, condition) == days[:SHOWN]
        assert (condition.value, condition.entry_count) == (SHOWN + 5, SHOWN + 5)


@pytest.mark.parametrize("past", [False, True])
def test_of_two_reports_of_the_same_moment_the_one_that_counts_is_named(told: Told, past: bool) -> None:
    told.report(
        made("twice", "p", "2026-05-01"),
        kept("twice", "p", "2026-05-02", source="shop", ident="shop"),
        kept("twice", "p", "2026-05-02", source="crm", ident="crm"),
        said("incident.opened.v1", "twice", "2026-05-01", incident_id="i", severity="low"),
        said("incident.closed.v1", "twice", "2026-05-03", incident_id="i", ident="closed"),
        said("incident.resolved.v1", "twice", "2026-05-03", incident_id="i", ident="resolved"),
    )
    told.catch_up()

    def who() -> list[list[str]]:
        with told.then("twice", as_of="2026-05-10") if past else told.now() as moment:
            conditions = asked(moment, "twice")
            return [named(moment, conditions[name]) for name in ("kept_by_company", "troubles_survived")]

    assert who() == [["crm"], ["resolved"]]
    for ident, family, key in (("crm", "promise", "p"), ("resolved", "incident", "i")):
        of = {"of_family": family, "of_key": key, "stated_at": "2026-05-20T00:00:00Z"}
        told.report(said("fact.retracted.v1", "twice", "2026-05-20", retracts={"source": "crm", "id": ident}, **of))
    told.catch_up()
    assert who() == [["shop"], ["closed"]]


def test_a_party_of_which_nothing_counts_has_no_entries_behind_anything(told: Told) -> None:
    told.report(kept("waiting", "never-made", "2026-05-02"))
    told.catch_up()
    with told.now() as now, told.then("waiting", as_of="2026-05-02") as then:
        for moment in (now, then):
            conditions = asked(moment, "waiting").values()
            assert {(each.entry_count, *each.entries) for each in conditions} == {(0,)}
            assert {each.value for each in conditions if each.named_in == "entries"} == {0}


def test_a_party_that_nothing_is_recorded_about_is_not_found(told: Told) -> None:
    with told.now() as moment, pytest.raises(NotFound):
        layers.of_party(moment, "nobody")
