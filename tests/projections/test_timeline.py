"""The timeline: every entry about a party, whatever it amounts to; and by what name the party is found."""

from projections.timeline import NAMED, NAMES, PROJECTION, TIMELINE
from tests.ledgers import Message, kept, made, said
from tests.projections.folded import in_digest, recorded, state
from tests.telling import on


def registered(name: str | None, at: str, ident: str, **more: object) -> Message:
    """The party acme is registered by this name."""
    return said("party.registered.v1", "acme", at, ident=ident, kind="customer", name=name, **more)


def name_of(*reports: Message) -> object:
    """By what name acme is found after these reports; None where it has none."""
    held = state(PROJECTION, recorded(reports))
    by = held[NAMED.name].get(("acme",))
    return None if by is None else held[NAMES.name]["acme", *by][0]


def test_every_entry_has_a_line_with_what_it_did_when_it_was_recorded() -> None:
    reports = [kept("acme", "p", "2026-01-03", ident="kept"), made("acme", "p", ident="made")]
    reports.append(kept("acme", "p", "2026-01-04", ident="again"))
    lines = state(PROJECTION, recorded(reports))[TIMELINE.name]
    assert {(key[3], row[0], row[2], row[3], row[4]) for key, row in lines.items()} == {
        ("kept", "promise.kept.v1", 0, "awaiting", "awaits_made"),
        ("made", "promise.made.v1", 1, "counted", None),
        ("again", "promise.kept.v1", 2, "void", "already_kept"),
    }
    assert {key[1] for key in lines} == {on("2026-01-01"), on("2026-01-03"), on("2026-01-04")}


def test_the_digest_knows_no_positions_and_no_first_outcomes() -> None:
    reports = [kept("acme", "p", "2026-01-03", ident="kept"), made("acme", "p", ident="made")]
    one, other = state(PROJECTION, recorded(reports)), state(PROJECTION, recorded(reversed(reports)))
    assert one != other
    assert in_digest(PROJECTION, one) == in_digest(PROJECTION, other)


def test_a_party_is_called_what_was_said_last_and_not_what_was_taken_back() -> None:
    first, second = registered("Acme", "2026-01-01", "first"), registered("Acme Ltd", "2026-02-01", "second")
    assert name_of(second, first) == "Acme Ltd"
    names = {"source": "crm", "id": "second"}
    back = said(
        "fact.retracted.v1",
        "acme",
        "2026-03-01",
        retracts=names,
        of_family="party",
        of_key="party",
        stated_at="2026-03-01",
    )
    assert name_of(first, second, back) == "Acme"
    put_right = registered("Acme GmbH", "2026-02-01", "third", corrects={**names, "stated_at": "2026-03-01T00:00:00Z"})
    assert name_of(first, second, put_right) == "Acme GmbH"


def test_a_party_without_a_name_has_none() -> None:
    assert name_of(registered(None, "2026-01-01", "first")) is None
    assert name_of(made("acme", "p")) is None
