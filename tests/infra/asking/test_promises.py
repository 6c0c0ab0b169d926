"""Promises by how they stand, by whom and at whom."""

import pytest

from infra.asking import promises
from infra.asking.answers import BadQuestion, NotFound
from infra.asking.moment import Moment
from infra.asking.promises import PromiseShown, PromisesWanted
from tests.infra.story import ADDRESS, CROWD, Told
from tests.ledgers import NOW, kept, made
from tests.telling import on


def walked(moment: Moment, **wanted: object) -> list[PromiseShown]:
    """All pages, one after the other."""
    found: list[PromiseShown] = []
    asked = PromisesWanted.model_validate(wanted)
    while True:
        answer = promises.listed(moment, asked)
        assert len(answer.promises) <= asked.limit
        found += answer.promises
        if answer.next is None:
            return found
        asked = asked.model_copy(update={"cursor": answer.next})


def ids(moment: Moment, **wanted: object) -> list[str]:
    """The ids of all that meet the question."""
    return [each.promise_id for each in walked(moment, **wanted)]


@pytest.mark.parametrize(
    ("state", "which"),
    [
        ("open", ["owed", "overdue", "due", "sometime"]),
        ("due", ["due"]),
        ("overdue", ["owed", "overdue"]),
        ("kept", ["disputed", "theirs", "early", "late", "punctual"]),
        ("late", []),
        ("broken", ["broken"]),
        ("withdrawn", ["let-off"]),
        ("disputed", ["disputed"]),
    ],
)
def test_promises_are_found_by_how_they_stand(told: Told, state: str, which: list[str]) -> None:
    with told.now() as moment:
        found = ids(moment, party="acme", state=state, limit=2)
    assert sorted(found) == sorted(which)
    if state in ("open", "due", "overdue"):
        assert found == which  # by when they are due, those without a due time last


def test_due_is_what_falls_due_within_the_days_asked_for(told: Told) -> None:
    with told.now() as moment:
        assert ids(moment, state="due", within_days=2) == []
        assert ids(moment, state="due", within_days=3) == ["due"]


def test_at_its_due_time_a_promise_is_due_and_after_it_overdue(told: Told) -> None:
    due_at = on("2026-06-04")
    with told.now(due_at) as moment:
        assert ids(moment, state="due", within_days=0) == ["due"]
    with told.now(due_at + 1) as moment:
        (late,) = [each for each in walked(moment, state="overdue") if each.promise_id == "due"]
        assert (late.status, late.late_by_seconds) == ("overdue", 0)


@pytest.mark.parametrize(
    ("asked", "which"),
    [
        ({"team": "Roads / North"}, ["pothole"]),
        ({"person": "bo"}, ["overdue", "early", "punctual"]),
        ({"guarantor": "cy"}, ["early"]),
        ({"category": "refund"}, ["broken", "late"]),
        ({"promisor": "party", "state": "overdue"}, ["owed"]),
        ({"promisor": "party", "party": "bolt"}, ["steel"]),
        ({"party": ADDRESS}, ["pothole"]),
        ({"team": "nobody's"}, []),
    ],
)
def test_promises_are_found_by_whom_and_at_whom(told: Told, asked: dict[str, str], which: list[str]) -> None:
    with told.now() as moment:
        assert sorted(ids(moment, **asked)) == sorted(which)


def test_the_counts_add_up_and_are_of_all_states_whatever_state_is_asked_for(told: Told) -> None:
    with told.now() as moment:
        counts = promises.listed(moment, PromisesWanted(party="acme", state="late")).counts
        everything = promises.listed(moment, PromisesWanted()).counts
    assert counts is not None
    assert everything is not None
    assert counts.model_dump() == {
        "total": 11,
        "open": 4,
        "due": 1,
        "overdue": 2,
        "kept_early": 4,
        "kept_on_time": 1,
        "kept_late": 0,
        "broken": 1,
        "withdrawn": 1,
        "disputed": 1,
    }
    kept_ = everything.kept_early + everything.kept_on_time + everything.kept_late
    assert everything.total == everything.open + kept_ + everything.broken + everything.withdrawn == 11 + 2 + len(CROWD)


def test_a_promise_kept_late_says_by_how_much(told: Told) -> None:
    told.report(made("bolt", "slow", "2026-05-21", "2026-05-25"), kept("bolt", "slow", "2026-05-27"))
    told.catch_up()
    with told.now() as moment:
        (late,) = walked(moment, state="late")
    assert (late.promise_id, late.status, late.late_by_seconds) == ("slow", "late", 2 * 86_400)


@pytest.mark.parametrize("order", [None, "ascending", "descending"])
@pytest.mark.parametrize("sort", ["due", "made"])
def test_the_pages_hold_every_promise_once_though_a_dozen_have_equal_keys(told: Told, sort: str, order: str | None) -> None:
    with told.now() as moment:
        found = walked(moment, sort=sort, order=order, limit=2)
        assert len({(each.party, each.promise_id) for each in found}) == len(found) == 25
    keys = [(each.due_at or 2**63) if sort == "due" else each.made_at for each in found]
    descending = order == "descending" if order else sort == "made"
    assert keys == sorted(keys, reverse=descending)


def test_what_comes_in_between_two_pages_shifts_nothing(told: Told) -> None:
    with told.now() as moment:
        first = promises.listed(moment, PromisesWanted(limit=5))
    told.report(made("acme", "new", "2026-05-31"), made("acme", "old", "2025-01-01"))
    told.catch_up()
    with told.now() as moment:
        rest = walked(moment, limit=5, cursor=first.next)
    found = [each.promise_id for each in (*first.promises, *rest)]
    assert len(found) == 26
    assert found[-1] == "old"
    assert "new" not in found


def test_a_cursor_of_another_order_is_refused(told: Told) -> None:
    with told.now() as moment:
        cursor = promises.listed(moment, PromisesWanted(limit=1, sort="due")).next
        with pytest.raises(BadQuestion):
            promises.listed(moment, PromisesWanted(limit=1, sort="made", cursor=cursor))


def test_as_of_a_moment_a_promise_stands_as_it_stood_then(told: Told) -> None:
    with told.then("acme", as_of="2026-01-07") as moment:
        assert ids(moment, party="acme", state="open") == ["early", "punctual", "late"]
    with told.then("acme", as_of="2026-02-16") as moment:
        assert ids(moment, party="acme", state="overdue") == []
    with told.then(as_of="2026-05-31") as moment:
        assert sorted(ids(moment, state="overdue")) == ["overdue", "owed"]
        assert moment.as_of == on("2026-05-31")


def test_as_known_at_a_moment_what_came_later_had_not_happened(told: Told) -> None:
    with told.then("acme", known_at="2026-03-02") as moment:
        (late,) = walked(moment, party="acme", state="late")  # corrected only in May
        assert (late.promise_id, late.late_by_seconds) == ("late", 2 * 86_400)
        assert ids(moment, party="acme", state="overdue") == []
    with told.then(known_at="2026-03-02") as moment:
        assert len(walked(moment)) == 6 + 2 + len(CROWD)
        counts = promises.counted(moment, [])
        assert counts.disputed == 0


def test_a_party_that_nothing_is_recorded_about_is_not_found_and_other_names_find_nothing(told: Told) -> None:
    with told.now() as moment:
        with pytest.raises(NotFound):
            promises.listed(moment, PromisesWanted(party="nobody"))
        assert promises.listed(moment, PromisesWanted(person="nobody")).promises == []


def test_a_ledger_without_promises_has_none(empty: Told) -> None:
    with empty.now() as moment:
        answer = promises.listed(moment, PromisesWanted())
    assert (answer.promises, answer.next) == ([], None)
    assert answer.counts is not None
    assert answer.counts.total == 0
    assert answer.asked.now == NOW
