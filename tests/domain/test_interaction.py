"""Contacts: each stands alone."""

from domain.interaction import Qualities
from tests.telling import contact, on, tell, void


def test_a_contact_is_carried_whole_but_for_its_words() -> None:
    standing = tell(
        contact(
            channel="chat",
            touchpoint="billing",
            team="billing",
            person="kim",
            topic="invoice",
            handed_from="sales",
            repeated_context=False,
            effort=3,
            qualities={"trust": 1, "honesty": -2},
            notes="said that the invoice was wrong",
        )
    )
    assert (standing.status, standing.happened_at) == ("recorded", on("2026-01-01"))
    assert (standing.channel, standing.touchpoint, standing.team, standing.person) == ("chat", "billing", "billing", "kim")
    assert (standing.topic, standing.handed_from, standing.repeated_context) == ("invoice", "sales", False)
    assert (standing.effort, standing.qualities) == (3, Qualities(trust=1, honesty=-2))
    assert "wrong" not in repr(standing)


def test_a_second_fact_about_the_same_contact_is_void() -> None:
    assert void(contact(), contact("2026-01-02")) == {1: "already_recorded"}


def test_a_corrected_contact_is_the_contact_as_corrected() -> None:
    story = contact(channel="chat"), contact("2026-01-02", channel="mail", corrects=0, stated="2026-01-03")
    assert void(*story) == {0: "corrected"}
    assert tell(*story).channel == "mail"
