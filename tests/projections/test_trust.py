"""Trust: published numbers through real standings, exact explanations, recovery credit given once."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.entry import Entry
from domain.instant import DAY, parse
from projections import evidence, trust
from projections.evidence import EVIDENCE
from projections.pieces import Piece
from projections.trust import MICRO, RECOVERIES, SUMS, Contribution, Score
from tests.crowd import crowd
from tests.ledgers import NOW, Message, kept, made, said
from tests.projections.folded import POLICY, State, happened_by, numbers, recorded, state

AT = parse("2026-02-01T00:00:00Z")
seeds = st.integers(0, 10**6)


def held(*reports: Message) -> State:
    """The tables of trust, and of the evidence that explains it, after these reports."""
    return both(recorded(reports))


def both(record: Sequence[Entry]) -> State:
    """The tables of both projections."""
    return state(trust.PROJECTION, record) | state(evidence.PROJECTION, record)


def pieces(held: State) -> list[Piece]:
    """All rows of `evidence`, in the order of happening."""
    rows = [Piece(*key, *row) for key, row in held[EVIDENCE.name].items()]  # type: ignore[arg-type]  # the row's cells
    return sorted(rows, key=lambda each: (each.at, each.stream))


def recoveries(held: State, party: str) -> list[tuple[str, int, int]]:
    """(category, day, credit) of each day on which trouble of the party began."""
    rows = held[RECOVERIES.name].items()
    return [(str(key[1]), numbers(key[2:])[0], numbers(row)[1]) for key, row in rows if key[0] == party]


def explained(held: State, party: str, direction: str, at: int) -> tuple[Score, list[Contribution]]:
    """The score of a party with every contribution."""
    first_days = {category: 10**9 for category, _, _ in recoveries(held, party)}
    for category, day, _ in recoveries(held, party):
        first_days[category] = min(day, first_days[category])
    mine = [each for each in pieces(held) if (each.party, each.direction) == (party, direction)]
    return trust.explain(mine, first_days, at, POLICY)


def score(held: State, kind: str, subject: str, direction: str = "in_us", at: int = AT) -> Score:
    """A subject's score, from the exact sums."""
    mass, gain, *_ = numbers(held[SUMS.name].get((kind, subject, direction), (0, 0)))
    if (kind, direction) == ("party", "in_us"):
        gain += trust.credit(recoveries(held, subject))
    return trust.score(mass, gain, at, POLICY)


def counts(held: State, kind: str, subject: str, direction: str = "in_us") -> Sequence[int]:
    """How many pieces of evidence a subject has; of them as desired; of them failed."""
    return numbers(held[SUMS.name].get((kind, subject, direction), ()))[2:]


def incident(key: str, opened: str, resolved: str | None = None, **more: object) -> list[Message]:
    """An incident of acme, and when it was resolved."""
    given = {"severity": "moderate", "category": "delivery", **more}
    reports = [said("incident.opened.v1", "acme", opened, incident_id=key, ident=f"{key}-opened", **given)]
    return reports + ([said("incident.resolved.v1", "acme", resolved, incident_id=key)] if resolved else [])


def test_seven_kept_and_one_broken_are_the_published_beta_8_2() -> None:
    reports = [made("acme", str(number), due="2026-03-01") for number in range(8)]
    reports += [kept("acme", str(number), "2026-02-01") for number in range(7)]
    reports.append(said("promise.broken.v1", "acme", "2026-02-01", promise_id="7"))
    found = score(held(*reports), "party", "acme")
    assert (found.reading.alpha_micro, found.reading.beta_micro) == (8 * MICRO, 2 * MICRO)
    assert found.score_micro == 800_000
    assert (round(found.lower_micro, -2), round(found.upper_micro, -2)) == (517_500, 971_900)
    assert found.uncertainty_micro == 200_000


def test_knowing_nothing_is_unknown_and_as_wide_as_can_be() -> None:
    found = score(held(), "party", "nobody")
    assert (found.grade, found.score_micro, found.mass_micro) == ("unknown", 500_000, 0)
    assert (found.lower_micro, found.upper_micro) == (25_000, 975_000)


def test_little_evidence_is_unknown_however_good_it_is() -> None:
    one = held(made("acme", "p"), kept("acme", "p", "2026-02-01"))
    assert score(one, "party", "acme").grade == "unknown"
    many = [report for number in range(9) for report in (made("acme", str(number)), kept("acme", str(number), "2026-02-01"))]
    assert score(held(*many), "party", "acme").grade == "good"


def test_evidence_of_a_half_life_ago_weighs_half() -> None:
    one = held(made("acme", "p"), kept("acme", "p", "2026-02-01"))
    assert score(one, "party", "acme").mass_micro == MICRO
    assert score(one, "party", "acme", at=AT + POLICY.trust.half_life).mass_micro == pytest.approx(MICRO // 2, abs=1)


def test_who_promised_gets_the_evidence_of_what_the_company_promised_and_of_nothing_else() -> None:
    whereabouts = {"team": "field", "person": "bo", "category": "delivery", "channel": "phone"}
    ours = [made("acme", "ours", due="2026-01-05", **whereabouts), kept("acme", "ours", "2026-01-04")]
    theirs = said("promise.made.v1", "acme", "2026-01-01", promise_id="theirs", promisor="party", **whereabouts)
    all_of_it = held(*ours, theirs, kept("acme", "theirs", "2026-01-04"))
    for kind, subject in whereabouts.items():
        assert counts(all_of_it, kind, subject) == [1, 1, 0]
        assert counts(all_of_it, kind, subject, "in_them") == []
    assert counts(all_of_it, "party", "acme", "in_them") == [1, 1, 0]


def test_nothing_is_said_of_what_is_open_or_awaits_or_was_let_off_in_time() -> None:
    let_off = said("promise.withdrawn.v1", "acme", "2026-01-02", promise_id="let-off", consent=True)
    open_ = [made("acme", "open", due="2027-01-01"), made("acme", "let-off", due="2026-02-01"), let_off]
    assert held(*open_, kept("acme", "never-made", "2026-01-03"))[EVIDENCE.name] == {}


def test_an_overdue_promise_counts_as_broken_until_it_is_kept_and_then_as_late() -> None:
    overdue = [made("acme", "p", "2026-01-01", "2026-01-11", team="field")]
    assert counts(held(*overdue), "team", "field") == [1, 0, 1]
    late = held(*overdue, kept("acme", "p", "2026-01-16"))
    assert counts(late, "team", "field") == [1, 0, 0]
    (piece,) = pieces(late)
    assert (piece.because, piece.outcome_micro) == ("late", 250_000)


def test_a_reassigned_incident_moves_its_evidence_from_one_team_to_the_other() -> None:
    reports = incident("i", "2026-01-01", "2026-01-05", team="north")
    moved = said("incident.reassigned.v1", "acme", "2026-01-02", incident_id="i", team="south")
    assert counts(held(*reports), "team", "north") == [1, 0, 0]
    assert counts(held(*reports, moved), "team", "north") == []
    assert counts(held(*reports, moved), "team", "south") == [1, 0, 0]


def test_a_recovery_earns_credit_for_the_first_trouble_of_its_kind_only() -> None:
    first, second = incident("first", "2026-01-01", "2026-01-02"), incident("second", "2026-01-20", "2026-01-21")
    other_kind = incident("other", "2026-01-20", "2026-01-21", category="billing")
    total, contributions = explained(held(*first, *second, *other_kind), "acme", "in_us", AT)
    credited = {each.piece.reference: (each.credited, each.numerator > 0) for each in contributions}
    assert credited == {"first": (True, True), "second": (False, False), "other": (True, True)}
    assert {each.numerator for each in contributions if not each.credited} == {0}  # outcome 1 counts as the prior
    assert total == score(held(*first, *second, *other_kind), "party", "acme")


def test_a_promisor_is_credited_with_every_recovery() -> None:
    both = [*incident("a", "2026-01-01", "2026-01-02", team="desk"), *incident("b", "2026-01-20", "2026-01-21", team="desk")]
    of_team = score(held(*both), "team", "desk")
    assert of_team == trust.explain(pieces(held(*both)), {}, AT, POLICY)[0]
    assert of_team.score_micro > score(held(*both), "party", "acme").score_micro


def test_trouble_that_is_not_settled_is_the_first_of_its_kind_all_the_same() -> None:
    still_open, later = incident("first", "2026-01-01"), incident("second", "2026-01-20", "2026-01-21")
    _, contributions = explained(held(*still_open, *later), "acme", "in_us", AT)
    assert [(each.piece.reference, each.credited) for each in contributions] == [("second", False)]


def test_a_correction_or_retraction_of_the_first_trouble_gives_the_credit_to_the_next() -> None:
    reports = [*incident("first", "2026-01-01", "2026-01-02"), *incident("second", "2026-01-20", "2026-01-21")]
    whole = score(held(*incident("second", "2026-01-20", "2026-01-21")), "party", "acme")
    names = {"source": "crm", "id": "first-opened"}
    back = {"retracts": names, "of_family": "incident", "of_key": "first", "stated_at": "2026-02-01"}
    taken_back = said("fact.retracted.v1", "acme", "2026-02-01", **back)
    assert score(held(*reports, taken_back), "party", "acme") == whole
    corrects = {**names, "stated_at": "2026-02-01T00:00:00Z"}
    of_another_kind = said(
        "incident.opened.v1",
        "acme",
        "2026-01-01",
        incident_id="first",
        severity="moderate",
        category="billing",
        corrects=corrects,
    )
    _, contributions = explained(held(*reports, of_another_kind), "acme", "in_us", AT)
    assert all(each.credited for each in contributions)


@settings(max_examples=30)
@given(seeds, st.integers(0, 420), st.integers(0, 24))
def test_every_explanation_sums_exactly_at_any_moment(seed: int, days_ago: int, hours: int) -> None:
    at = NOW - days_ago * DAY + hours * DAY // 24
    record: list[Entry] = recorded(happened_by(crowd(seed, 30, parties=3), at), until=at)
    tables = both(record)
    for party in {each.party for each in record}:
        for direction in ("in_us", "in_them"):
            total, contributions = explained(tables, party, direction, at)
            assert total == score(tables, "party", party, direction, at)
            reading, prior = total.reading, POLICY.trust.prior_rate_micro
            prior_part = prior * (reading.denominator // MICRO)
            assert sum(each.numerator for each in contributions) == reading.numerator - prior_part
            assert sum(each.contribution_micro for each in contributions) == total.score_micro - prior
            assert len(contributions) == (counts(tables, "party", party, direction) or [0])[0]


@settings(max_examples=15)
@given(seeds)
def test_every_promisor_sums_to_its_pieces(seed: int) -> None:
    tables = both(recorded(crowd(seed, 40, parties=5)))
    for (kind, subject, direction), row in tables[SUMS.name].items():
        if kind == "party":
            continue
        mine = [each for each in pieces(tables) if getattr(each, str(kind)) == subject and each.direction == direction]
        terms = [trust.term(each, POLICY, credited=True) for each in mine]
        assert numbers(row)[:2] == [sum(mass for mass, _ in terms), sum(gain for _, gain in terms)]


def test_a_disputed_promise_counts_half() -> None:
    reports = [made("acme", "p"), kept("acme", "p", "2026-02-01")]
    disputed = said("promise.disputed.v1", "acme", "2026-02-02", promise_id="p")
    assert score(held(*reports), "party", "acme").mass_micro == MICRO
    assert score(held(*reports, disputed), "party", "acme").mass_micro == MICRO // 2
