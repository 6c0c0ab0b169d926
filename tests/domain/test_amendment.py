"""Corrections and retractions: which facts count, and every reason why one does not."""

import pytest
from pydantic import ValidationError

from domain import kinds
from domain.amendment import FactRetracted
from domain.stream import Known
from tests.telling import kept, made, on, retracted, tell, void


def test_a_correction_stands_in_for_what_it_corrects() -> None:
    story = made(due="2026-01-10"), kept("2026-01-12"), kept("2026-01-09", corrects=1, stated="2026-02-01")
    assert void(*story) == {1: "corrected"}
    assert tell(*story).ended_at == on("2026-01-09")


def test_a_retraction_takes_the_fact_out() -> None:
    story = made(due="2026-01-10"), kept("2026-01-09"), retracted(1, "2026-02-01")
    assert void(*story) == {1: "retracted"}
    assert tell(*story).status == "open"


def test_what_was_retracted_can_be_told_again() -> None:
    story = made(due="2026-01-10"), kept("2026-01-09"), retracted(1, "2026-02-01"), kept("2026-01-08")
    assert tell(*story).ended_at == on("2026-01-08")


def test_of_two_corrections_the_later_stated_stands() -> None:
    earlier = kept("2026-01-08", corrects=1, stated="2026-02-01")
    later = kept("2026-01-07", corrects=1, stated="2026-02-02")
    assert void(made(), kept("2026-01-09"), earlier, later) == {1: "corrected", 2: "superseded"}
    assert void(made(), kept("2026-01-09"), later, earlier) == {1: "corrected", 3: "superseded"}


def test_corrections_stated_at_one_moment_stand_by_the_order_of_their_names() -> None:
    first, second = (kept(at, corrects=1, stated="2026-02-01") for at in ("2026-01-07", "2026-01-08"))
    assert void(made(), kept("2026-01-09"), first, second) == {1: "corrected", 2: "superseded"}


def test_a_correction_of_a_correction_is_about_the_first_fact() -> None:
    story = (
        made(),
        kept("2026-01-09"),
        kept("2026-01-08", corrects=1, stated="2026-02-01"),
        kept("2026-01-07", corrects=2, stated="2026-02-02"),
    )
    assert void(*story) == {1: "corrected", 2: "superseded"}
    assert tell(*story).ended_at == on("2026-01-07")


def test_a_correction_and_a_retraction_of_one_fact_are_decided_by_which_was_stated_later() -> None:
    corrected = kept("2026-01-08", corrects=1, stated="2026-02-02")
    assert void(made(), kept("2026-01-09"), corrected, retracted(1, "2026-02-01")) == {1: "corrected", 3: "superseded"}
    assert void(made(), kept("2026-01-09"), corrected, retracted(1, "2026-02-03")) == {1: "retracted", 2: "superseded"}


def test_retracting_a_correction_restores_what_it_corrected() -> None:
    story = made(), kept("2026-01-09"), kept("2026-01-08", corrects=1, stated="2026-02-01"), retracted(2, "2026-02-02")
    assert void(*story) == {2: "retracted"}
    assert tell(*story).ended_at == on("2026-01-09")


def test_retracting_a_correction_lets_the_one_before_it_stand() -> None:
    story = (
        made(),
        kept("2026-01-09"),
        kept("2026-01-08", corrects=1, stated="2026-02-01"),
        kept("2026-01-07", corrects=1, stated="2026-02-02"),
        retracted(3, "2026-02-03"),
    )
    assert void(*story) == {1: "corrected", 3: "retracted"}
    assert tell(*story).ended_at == on("2026-01-08")


def test_retracting_a_retraction_restores_the_fact() -> None:
    story = made(), kept("2026-01-09"), retracted(1, "2026-02-01"), retracted(2, "2026-02-02")
    assert void(*story) == {2: "retracted"}
    assert tell(*story).status == "kept"


def test_a_correction_of_what_is_not_there_awaits_it() -> None:
    assert void(made(), kept("2026-01-09", corrects=7, stated="2026-02-01")) == {1: "awaits_corrected"}


def test_a_retraction_of_what_is_not_there_awaits_it() -> None:
    assert void(made(), retracted(7, "2026-02-01")) == {1: "awaits_retracted"}


def test_an_amendment_of_an_amendment_that_awaits_its_fact_awaits_it_too() -> None:
    waiting = kept("2026-01-09", corrects=7, stated="2026-02-01")
    assert void(made(), waiting, retracted(1, "2026-02-02")) == {1: "awaits_corrected", 2: "awaits_retracted"}


def test_a_correction_that_came_before_what_it_corrects_counts_once_that_is_there() -> None:
    assert void(made(), kept("2026-01-08", corrects=2, stated="2026-02-01"), kept("2026-01-09")) == {2: "corrected"}


def test_a_correction_of_another_kind_is_void() -> None:
    assert void(made(), kept("2026-01-09", corrects=0, stated="2026-02-01")) == {1: "corrects_another_kind"}


def test_amendments_that_lead_back_to_themselves_are_void() -> None:
    circle = [kept("2026-01-09", corrects=2, stated="2026-02-01"), kept("2026-01-09", corrects=1, stated="2026-02-01")]
    assert void(made(), *circle) == {1: "amends_in_a_circle", 2: "amends_in_a_circle"}
    assert void(made(), retracted(1, "2026-02-01")) == {1: "amends_in_a_circle"}
    assert void(made(), *circle, retracted(1, "2026-02-01"))[3] == "amends_in_a_circle"


def test_what_was_stated_later_cannot_have_been_taken_back() -> None:
    corrected = kept("2026-01-08", corrects=1, stated="2026-02-05")
    story = made(), kept("2026-01-09"), corrected, retracted(2, "2026-02-04")
    assert void(*story) == {1: "corrected", 3: "retracts_what_was_stated_later"}


def test_a_fact_is_named_by_its_source_as_well() -> None:
    elsewhere = Known(0, on("2026-01-01"), "shop", "0", made().fact)
    correction = Known(1, on("2026-01-01"), "crm", "1", made(corrects=0, stated="2026-02-01").fact)
    standing = kinds.standing("promise", "p", [elsewhere, correction])
    assert [(void.version, void.reason) for void in standing.void] == [(1, "awaits_corrected")]


def test_a_standing_of_nothing_but_amendments_is_awaiting() -> None:
    standing = kinds.standing("promise", "p", [Known(0, 0, "crm", "0", retracted(9, "2026-02-01").fact)])
    assert (standing.status, standing.by) == ("awaiting", ())  # type: ignore[union-attr]


def test_a_party_has_one_stream_and_a_retraction_can_name_no_other() -> None:
    with pytest.raises(ValidationError, match="of_key is `party`"):
        FactRetracted.model_validate(
            {
                "retracts": {"source": "crm", "id": "1"},
                "of_family": "party",
                "of_key": "another",
                "stated_at": "2026-01-01T00:00:00Z",
            }
        )
