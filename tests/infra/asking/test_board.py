"""The board: who keeps their word, how long it takes, what is due and does not count, who was let down and recovered."""

import pytest

from infra.asking import board, kept, recovered
from infra.asking.answers import BadQuestion
from infra.asking.board import DurationsWanted
from infra.asking.kept import MonthsWanted, PromisesKept, PromisorsWanted
from infra.asking.moment import Moment
from infra.asking.recovered import RecoveredWanted
from tests.infra.story import CROWD, Told
from tests.ledgers import NOW, Message, made, said
from tests.ledgers import kept as keep

MICRO = 1_000_000


def promisors(moment: Moment, **wanted: object) -> list[str]:
    """Who promises, in order, page after page."""
    found: list[str] = []
    asked = PromisorsWanted.model_validate(wanted)
    while True:
        answer = kept.promisors(moment, asked)
        assert len(answer.promisors) <= asked.limit
        found += [each.subject for each in answer.promisors]
        if answer.next is None:
            return found
        asked = asked.model_copy(update={"cursor": answer.next})


def endings(of: PromisesKept) -> dict[str, int]:
    """The counts that are not 0."""
    return {name.removesuffix("_count"): count for name, count in of if name.endswith("_count") and count}


def test_the_board_counts_promises_by_how_they_came_out(told: Told) -> None:
    with told.now() as moment:
        answer = board.of_company(moment)
    assert endings(answer.by_company) == {"in_time": 17, "overdue": 1, "broken": 1, "released": 1, "disputed": 1}
    assert (answer.by_company.opportunities, answer.by_company.defects) == (19, 2)
    assert endings(answer.by_parties) == {"in_time": 1, "overdue": 1, "broken": 1}
    assert (answer.overdue_now, answer.due_soon, answer.open_incidents) == (1, 1, 2)


def test_the_months_add_up_to_the_whole_and_come_latest_first(told: Told) -> None:
    with told.now() as moment:
        found = kept.months(moment, MonthsWanted()).months
        pages = kept.months(moment, MonthsWanted(limit=2))
        rest = kept.months(moment, MonthsWanted(limit=100, cursor=pages.next))
        since = kept.months(moment, MonthsWanted(since="2026-03")).months
        of_field = kept.months(moment, MonthsWanted(dimension="team", value="field")).months
    assert [each.month for each in found] == ["2026-07", "2026-05", "2026-02", "2026-01"]
    assert sum(each.kept.in_time_count for each in found) == 17
    assert [*pages.months, *rest.months] == found
    assert since == found[:2]
    assert {each.month: each.kept.in_time_count for each in of_field} == {"2026-01": 2, "2026-02": 13}


def test_who_promises_is_ranked_with_trust_and_how_it_was_kept(told: Told) -> None:
    with told.now() as moment:
        answer = kept.promisors(moment, PromisorsWanted())
        field = next(each for each in answer.promisors if each.subject == "field")
        desk = next(each for each in answer.promisors if each.subject == "desk")
        assert promisors(moment, limit=1) == [each.subject for each in answer.promisors]
        assert promisors(moment, sort="upper", limit=2)[0] == "desk"
        assert promisors(moment, sort="name", limit=1) == ["Roads / North", "desk", "field"]
        assert promisors(moment, sort="overdue", limit=2)[0] == "desk"
    assert answer.promisors[0].subject == "field"
    assert (field.kept.in_time_count, field.kept.opportunities, field.due_soon, field.overdue_now) == (15, 15, 1, 0)
    assert (desk.kept.defects, desk.overdue_now) == (2, 1)
    bounds = [each.score.lower_micro for each in answer.promisors]
    assert bounds == sorted(bounds, reverse=True)


def test_little_evidence_is_unknown_however_good_it_is(told: Told) -> None:
    with told.now() as moment:
        roads = next(each for each in kept.promisors(moment, PromisorsWanted()).promisors if each.subject == "Roads / North")
    assert (roads.score.grade, roads.kept.on_time_micro) == ("unknown", MICRO)
    assert roads.kept.on_time_lower_micro is not None
    assert roads.kept.on_time_lower_micro < MICRO // 2
    assert roads.kept.sigma_micro is None
    assert roads.kept.sigma_upper_micro is None


@pytest.mark.parametrize("cursor", ["bm9uc2Vuc2U", "WyJ0ZWFtOm5hbWU6YXNjZW5kaW5nIiwxLCJ4Il0"], ids=["nonsense", "another's"])
def test_a_cursor_of_another_question_is_refused(told: Told, cursor: str) -> None:
    with told.now() as moment:
        with pytest.raises(BadQuestion):
            kept.promisors(moment, PromisorsWanted(cursor=cursor))
        with pytest.raises(BadQuestion):
            recovered.listed(moment, RecoveredWanted(cursor=cursor))


@pytest.mark.parametrize(
    ("defects", "sigma"),
    [(691_462, 1), (308_537, 2), (66_807, 3), (22_750, 3.5), (6_210, 4), (233, 5)],
)
def test_the_published_table_of_dpmo_and_sigma_holds(defects: int, sigma: float) -> None:
    found = kept.kept([MICRO - defects, defects, 0, 0, 0, 0])
    assert found.dpmo_micro == defects * MICRO
    assert found.sigma_micro is not None
    assert found.sigma_lower_micro is not None
    assert found.sigma_upper_micro is not None
    assert found.sigma_micro == pytest.approx(sigma * MICRO, abs=500)
    assert found.sigma_lower_micro < found.sigma_micro < found.sigma_upper_micro
    assert found.on_time_micro == MICRO - defects


def test_where_nothing_was_promised_nothing_is_said() -> None:
    nothing = kept.kept([0] * 6)
    assert (nothing.opportunities, nothing.on_time_micro, nothing.dpmo_micro, nothing.sigma_micro) == (0, None, None, None)
    assert (nothing.on_time_lower_micro, nothing.on_time_upper_micro) == (None, None)


def test_durations_are_percentiles_by_whom(told: Told) -> None:
    with told.now() as moment:
        whole = {each.measure: each for each in board.durations(moment, DurationsWanted()).durations}
        by_team = board.durations(moment, DurationsWanted(dimension="team", measure="resolve")).durations
        later = board.durations(moment, DurationsWanted(since="2026-03")).durations
    assert {name: each.count for name, each in whole.items()} == {"respond": 1, "resolve": 1, "answer": 1}
    assert whole["respond"].p50_seconds == pytest.approx(2 * 3600, rel=1 / 64)
    assert whole["resolve"].p95_seconds == pytest.approx(22 * 3600, rel=1 / 64)
    assert whole["answer"].p90_seconds == pytest.approx(24 * 3600, rel=1 / 64)
    assert [(each.value, each.count) for each in by_team] == [("desk", 1)]
    assert later == []


def test_what_awaits_and_what_is_void_is_listed_by_reason(told: Told) -> None:
    with told.now() as moment:
        found = {each.reason: each for each in board.of_company(moment).unsettled}
    assert (found["awaits_made"].awaiting, found["awaits_made"].fact_count) == (True, 1)
    assert (found["already_kept"].awaiting, found["already_kept"].stream_count) == (False, 1)


def test_where_the_parties_stand_is_said_for_the_present_only(told: Told) -> None:
    with told.now() as moment:
        stand = board.of_company(moment).relationships
    with told.then(as_of="2026-06-01") as moment:
        assert board.of_company(moment).relationships is None
    assert stand is not None
    assert sum(stand.grades.values()) == sum(stand.layers.values()) == 3 + len(CROWD)
    assert [each.party for each in stand.near_edge] == ["acme"]
    assert stand.grades["unknown"] == 2 + len(CROWD)


def test_the_past_is_the_past(told: Told) -> None:
    with told.then(as_of="2026-02-01") as moment:
        assert endings(board.of_company(moment).by_company) == {"in_time": 4}
    with told.then(as_of="2026-02-15", known_at="2026-03-01") as moment:
        then = board.of_company(moment)
        assert endings(then.by_company) == {"in_time": 15, "late": 1, "broken": 1}
        assert promisors(moment)[0] == "field"


def story(party: str, *endings: str) -> list[Message]:
    """Promises to a party, due day after day from the first of March on, and how each ended."""
    reports = []
    for day, ending in enumerate(endings, 1):
        name, due = f"{party}-{day}", f"2026-03-{day:02}"
        reports.append(made(party, name, "2026-02-01", due))
        if ending == "kept":
            reports.append(keep(party, name, due))
        else:
            reports.append(said("promise.broken.v1", party, due, promise_id=name))
    return reports


def test_who_was_let_down_and_recovered(empty: Told) -> None:
    good = ["kept"] * 3
    empty.report(*story("back", "kept", "broken", *good), *story("again", "broken", *good, "broken"))
    empty.report(*story("not-yet", "broken", *good[:2]), *story("never", *good), *story("at-once", "broken", *good))
    empty.report(*story("too-low", *["broken"] * 5, *good))
    empty.catch_up()
    with empty.now() as moment:
        answer = recovered.listed(moment, RecoveredWanted())
        first = recovered.listed(moment, RecoveredWanted(limit=1))
        second = recovered.listed(moment, RecoveredWanted(limit=1, cursor=first.next))
        sooner = recovered.listed(moment, RecoveredWanted(good=2))
    assert (answer.let_down_count, answer.recovered_count) == (5, 2)
    assert [each.party for each in answer.recovered] == ["back", "at-once"]
    assert [*first.recovered, *second.recovered] == answer.recovered
    assert second.next is None
    back, at_once = answer.recovered
    assert (back.reference, back.because, back.failure_count, back.good_count) == ("back-2", "broken", 1, 3)
    assert back.failed_micro < back.before_micro <= back.recovered_micro
    assert at_once.before_micro == 500_000  # nothing was known of it before
    assert back.now.score_micro < back.recovered_micro  # fading takes nothing back
    assert "not-yet" in [each.party for each in sooner.recovered]
    assert answer.asked.now == NOW
