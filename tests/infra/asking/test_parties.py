"""The list of parties and one party in short."""

import pytest

from infra.asking import parties
from infra.asking.answers import BadQuestion, NotFound
from infra.asking.moment import Moment
from infra.asking.paging import to_cursor
from infra.asking.parties import PartiesWanted, PartyListed
from tests.infra.story import ADDRESS, CROWD, Told
from tests.ledgers import kept, made, said

EVERYBODY = sorted(["acme", "bolt", ADDRESS, *CROWD])


def walked(moment: Moment, **wanted: object) -> list[PartyListed]:
    """All pages, one after the other."""
    found: list[PartyListed] = []
    asked = PartiesWanted.model_validate(wanted)
    while True:
        answer = parties.listed(moment, asked)
        assert len(answer.parties) <= asked.limit
        found += answer.parties
        if answer.next is None:
            return found
        asked = asked.model_copy(update={"cursor": answer.next})


@pytest.mark.parametrize("order", ["ascending", "descending"])
@pytest.mark.parametrize("sort", ["trust", "layer", "overdue", "recent", "name", "id"])
def test_the_pages_hold_everybody_once_in_order_though_most_have_equal_keys(told: Told, sort: str, order: str) -> None:
    with told.now() as moment:
        found = walked(moment, sort=sort, order=order, limit=2)
    keys = {
        "trust": [each.lower_micro for each in found],
        "layer": [parties.NAMES.index(each.layer) for each in found],
        "overdue": [each.overdue_count for each in found],
        "recent": [each.last_at or 0 for each in found],
        "name": [(each.name or each.party).lower() for each in found],
        "id": [each.party for each in found],
    }[sort]
    assert sorted(each.party for each in found) == EVERYBODY
    assert keys == sorted(keys, reverse=order == "descending")


def test_names_and_ids_ascend_and_all_else_descends_unless_said_otherwise(told: Told) -> None:
    with told.now() as moment:
        assert [each.party for each in walked(moment, sort="id")] == EVERYBODY
        assert walked(moment, sort="overdue")[0].party == "acme"
        assert [each.name for each in walked(moment, sort="name", kind="supplier")] == ["Bolt & Söhne"]


def test_a_page_goes_on_where_the_last_one_ended_while_entries_come_in(told: Told) -> None:
    with told.now() as moment:
        first = parties.listed(moment, PartiesWanted(sort="id", limit=5))
    told.report(made("aaa", "p"), made("c05x", "p"), kept("c11", "small", "2026-02-11"))
    told.catch_up()
    with told.now() as moment:
        rest = walked(moment, sort="id", cursor=first.next, limit=4)
    seen = [each.party for each in (*first.parties, *rest)]
    assert seen == sorted({*EVERYBODY, "c05x"})


def test_a_party_without_enough_evidence_is_unknown_and_never_looks_good(told: Told) -> None:
    with told.now() as moment:
        unknown = walked(moment, grade="unknown")
    assert {each.party for each in unknown} == {*CROWD, ADDRESS, "bolt"}
    assert all(each.lower_micro < 250_000 and each.upper_micro - each.lower_micro > 500_000 for each in unknown)
    assert all(each.mass_micro < 2_000_000 for each in unknown)


def test_the_count_is_of_all_that_meet_the_question_and_on_the_first_page_only(told: Told) -> None:
    with told.now() as moment:
        first = parties.listed(moment, PartiesWanted(grade="unknown", limit=3))
        second = parties.listed(moment, PartiesWanted(grade="unknown", limit=3, cursor=first.next))
    assert (first.count, len(first.parties)) == (14, 3)
    assert second.count is None


@pytest.mark.parametrize(
    ("part", "whom"),
    [
        ("ACME", ["acme"]),
        ("söh", ["bolt"]),
        ("SÖH", ["bolt"]),
        ("main st / unit #5", [ADDRESS]),
        ("c0", CROWD[:10]),
        ("%", []),
        ("_", []),
        ("!", []),
        ("nobody", []),
    ],
)
def test_a_party_is_found_by_a_part_of_its_name_or_id_in_capitals_or_not(told: Told, part: str, whom: list[str]) -> None:
    with told.now() as moment:
        assert [each.party for each in walked(moment, search=part, sort="id", limit=4)] == whom


def test_the_list_is_filtered_by_kind_layer_and_grade(told: Told) -> None:
    with told.now() as moment:
        assert [each.party for each in walked(moment, kind="customer")] == ["acme"]
        assert [each.party for each in walked(moment, layer="exploratory")] == ["acme"]
        assert walked(moment, layer="stable") == []
        with pytest.raises(BadQuestion, match="the grades are unknown, strong, good"):
            walked(moment, grade="splendid")


@pytest.mark.parametrize(
    "cursor", ["?", "é", "e30", to_cursor("a"), to_cursor("trust:ascending", 0, "x"), to_cursor("trust:descending", 2**63, "x")]
)
def test_a_cursor_that_is_not_of_this_question_is_refused(told: Told, cursor: str) -> None:
    with told.now() as moment, pytest.raises(BadQuestion):
        parties.listed(moment, PartiesWanted(cursor=cursor))


def test_a_ledger_of_nobody_has_an_empty_list(empty: Told) -> None:
    with empty.now() as moment:
        answer = parties.listed(moment, PartiesWanted())
    assert (answer.count, answer.parties, answer.next) == (0, [], None)


def test_a_party_in_short_is_asked_of_any_moment(told: Told) -> None:
    with told.now() as moment:
        now = parties.of_party(moment, "acme")
    with told.then("acme", as_of="2026-01-15") as moment:
        then = parties.of_party(moment, "acme")
    assert (now.name, now.kind, now.promise_count, now.overdue_count) == ("Acme Ltd", "customer", 11, 1)
    assert (now.incident_count, now.open_incident_count, now.feedback_count, now.interaction_count) == (3, 2, 3, 2)
    assert (then.name, then.promise_count, then.incident_count) == ("Acme Ltd", 3, 0)
    assert then.asked.as_of is not None


def test_what_a_party_is_called_is_what_the_latest_registration_says(told: Told) -> None:
    told.report(said("party.registered.v1", "acme", "2026-05-21", kind="partner", name="Acme SE"))
    told.catch_up()
    with told.now() as moment:
        assert parties.name_of(moment, "acme") == "Acme SE"
    with told.then("acme", as_of="2026-05-20") as moment:
        assert parties.name_of(moment, "acme") == "Acme Ltd"


def test_a_party_that_nothing_is_recorded_about_is_not_found(told: Told) -> None:
    with told.now() as moment, pytest.raises(NotFound):
        parties.of_party(moment, "nobody")
    with told.then("acme", as_of="2025-12-31") as moment, pytest.raises(NotFound):
        parties.of_party(moment, "acme")
