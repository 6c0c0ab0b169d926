"""Parties: what was stated last is what is known."""

from domain.party import NamedBy, Staff
from tests.telling import SOURCE, assigned, fact, on, registered, tell, void


def test_a_later_registration_replaces_the_earlier_but_not_its_moment() -> None:
    standing = tell(registered(name="Ada"), registered("2026-02-01", kind="partner", name="Ada Ltd"))
    assert (standing.kind, standing.registered_at) == ("partner", on("2026-01-01"))
    assert standing.named_by == NamedBy(SOURCE, "1")


def test_the_name_stays_in_the_fact_and_is_not_carried() -> None:
    assert "Ada" not in repr(tell(registered(name="Ada")))


def test_a_registration_without_a_name_leaves_the_party_unnamed() -> None:
    assert tell(registered(name="Ada"), registered("2026-02-01")).named_by is None


def test_the_last_change_of_contact_is_known() -> None:
    changes = [fact("party.contact_changed.v1", at, contact="Bo, bo@example.org") for at in ("2026-03-01", "2026-02-01")]
    standing = tell(*changes)
    assert standing.contact_changed_at == on("2026-03-01")
    assert "Bo" not in repr(standing)


def test_each_role_has_whoever_was_assigned_last() -> None:
    standing = tell(
        assigned("2026-01-03", "engineer", "kim"),
        assigned("2026-01-01", "account manager", "lee", team="sales"),
        assigned("2026-01-02", "engineer", "max"),
    )
    assert standing.staff == (
        Staff("account manager", "lee", "sales", on("2026-01-01")),
        Staff("engineer", "kim", None, on("2026-01-03")),
    )


def test_a_role_can_be_left_empty() -> None:
    assert tell(assigned("2026-01-01", "engineer", "kim"), assigned("2026-01-02", "engineer", None)).staff == ()


def test_a_party_may_be_spoken_of_before_anybody_registers_it() -> None:
    assert void(assigned("2026-01-01", "engineer", "kim"), registered("2026-01-02")) == {}
