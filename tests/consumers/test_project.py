"""Projecting: the same views whatever the way to them; built anew beside what readers see, and swapped when they agree."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers import project, together
from consumers.feed import LogFeed
from consumers.policy import NoPolicy
from consumers.project import Projector, RebuildDiffers
from domain.instant import MINUTE
from domain.policy import Policy
from infra import wiring
from infra.sqlite import log as sqlite_log
from infra.sqlite.log import SQLiteLog
from infra.sqlite.views import open_views
from projections import board, evidence, trust
from projections.catalog import PROJECTIONS
from projections.fold import Projection
from tests.crowd import crowd
from tests.ledgers import Hands, Ledger, contact, made
from tests.shelves import Shelf, tamper

NAMES = [each.name for each in PROJECTIONS]


@pytest.fixture
def ledger(shelf: Shelf, tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path, shelf=shelf) as ledger:
        ledger.receipts(*crowd(5, 150))
        yield ledger


def live(ledger: Ledger) -> dict[str, tuple[int, str]]:
    """What readers see of each projection: its generation, and the policy it was computed under."""
    return {each.name: (each.generation, each.policy_hash) for each in ledger.views.built() if each.live}


def another_policy(version: str = "another", half_life_days: int = 30) -> Policy:
    document = wiring.shipped_policy().model_dump()
    document["trust"] = document["trust"] | {"half_life_days": half_life_days}
    return Policy.model_validate({**document, "version": version})


def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page an entry, and a transaction a page: so that there is something between the beginning and the end."""
    monkeypatch.setattr(project, "PAGE", 25)
    monkeypatch.setattr(project, "PENDING_AT_MOST", 0)
    monkeypatch.setattr(together, "STREAMS_AT_MOST", 0)


# The same views


@settings(max_examples=10)
@given(
    seed=st.integers(0, 10**6),
    batches=st.lists(st.integers(1, 60), min_size=1),
    page=st.integers(1, 50),
    at_most=st.tuples(st.integers(0, 40), st.sampled_from([0, 1, 5, 20_000])),
)
def test_whatever_the_pages_and_wherever_it_begins_again_the_digests_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, seed: int, batches: list[int], page: int, at_most: tuple[int, int]
) -> None:
    reports, begun = crowd(seed, 30), 0
    with Ledger(tmp_path_factory.mktemp("at-once")) as at_once, Ledger(tmp_path_factory.mktemp("bit-by-bit")) as ledger:
        at_once.receipts(*reports)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(project, "PAGE", page)
            patched.setattr(project, "PENDING_AT_MOST", at_most[0])
            patched.setattr(together, "STREAMS_AT_MOST", at_most[1])
            while begun < len(reports):
                size = batches[begun % len(batches)]
                ledger.receipts(*reports[begun : begun + size])
                begun += size
                ledger.another_projector().step()
            ledger.another_projector().catch_up()
        assert ledger.digests() == at_once.catch_up()


def test_projections_that_are_at_different_positions_meet(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    some, others = PROJECTIONS[:3], PROJECTIONS[3:]
    ledger.another_projector(some).catch_up()
    ledger.receipts(*crowd(6, 20))
    slowly(monkeypatch)
    ledger.another_projector(others).step()
    before = {each.position for each in ledger.views.built()}
    assert len(before) == 2
    ledger.projector.catch_up()
    assert {each.position for each in ledger.views.built()} == {ledger.log.end()}


def test_progress_is_told_and_ends_at_the_end(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    slowly(monkeypatch)
    told: list[tuple[int, int]] = []
    ledger.projector.catch_up(lambda done, total: told.append((done, total)))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (ledger.log.end(), ledger.log.end())
    assert len(told) > 5


def test_without_a_policy_nothing_is_judged(tmp_path: Path) -> None:
    sqlite_log.create(tmp_path, "test", 0)
    views = open_views(tmp_path)
    with pytest.raises(NoPolicy):
        Projector(log := SQLiteLog(tmp_path, Hands()), LogFeed(log), views, PROJECTIONS, Hands())
    views.close()


# Built anew


def test_a_rebuild_ends_in_the_same_digests_and_other_tables(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    digests, before = ledger.catch_up(), live(ledger)
    slowly(monkeypatch)
    ledger.projector.rebuild(NAMES)
    steps = 0
    while ledger.projector.step():
        steps += 1
        assert ledger.digests() == digests
    assert steps > 3
    assert ledger.digests() == digests
    assert {name: live(ledger)[name][0] > before[name][0] for name in NAMES} == dict.fromkeys(NAMES, True)
    assert all(each.live for each in ledger.views.built())


class Busy:
    """A log to which somebody else adds whenever it is read: its reader never finds itself at the end."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.added = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._ledger.log, name)

    def page(self, start: int, limit: int) -> object:
        page = self._ledger.log.page(start, limit)
        for _ in range(2):
            self.added += 1
            self._ledger.receipts(contact("busy", f"during {self.added}"))
        return page


def test_a_rebuild_is_swapped_in_however_fast_entries_come(ledger: Ledger) -> None:
    ledger.catch_up()
    before = live(ledger)
    projector = Projector(ledger.log, LogFeed(Busy(ledger)), ledger.views, PROJECTIONS, ledger.clock)  # type: ignore[arg-type]
    projector.rebuild(NAMES)
    for _ in range(4):
        assert projector.step()
    assert all(live(ledger)[name] > before[name] for name in NAMES)
    with Ledger(ledger.home / "fresh") as fresh:
        fresh.log.append(
            [(each, stored.state) for each, stored in list(zip(ledger.entries(), ledger.stored(), strict=True))[1:]], [], None
        )
        assert ledger.catch_up() == fresh.catch_up()


def test_another_policys_views_are_swapped_in_however_fast_entries_come(ledger: Ledger) -> None:
    ledger.catch_up()
    wiring.adopt(ledger.intake, another_policy(), in_force_from=ledger.clock())
    projector = Projector(ledger.log, LogFeed(Busy(ledger)), ledger.views, PROJECTIONS, ledger.clock)  # type: ignore[arg-type]
    for _ in range(4):
        assert projector.step()
    assert live(ledger)["trust"][1] == another_policy().hash


def test_tables_that_were_tampered_with_are_found_out_by_a_rebuild_and_stay_for_who_looks_into_it(ledger: Ledger) -> None:
    ledger.catch_up()
    tamper(ledger.views, f"UPDATE board_promises__{live(ledger)['board'][0]} SET late_count = 9")  # noqa: S608
    tampered = ledger.digests()
    ledger.projector.rebuild(["board"])
    for _ in range(2):
        with pytest.raises(RebuildDiffers, match=r"board v1: at \d+ the rebuild differs from what readers see"):
            ledger.projector.catch_up()
    assert ledger.digests() == tampered


def test_a_new_version_is_built_beside_the_old_one_which_needs_not_agree(ledger: Ledger) -> None:
    ledger.catch_up()
    before = live(ledger)
    changed = Projection("board", 2, board.PROJECTION.tables, lambda standing, context: [])
    projector = ledger.another_projector([*(each for each in PROJECTIONS if each.name != "board"), changed])
    projector.catch_up()
    after = live(ledger)
    assert {name for name in NAMES if after[name] != before[name]} == {"board"}
    assert ledger.views.reader.execute("SELECT COUNT(*) FROM board_promises").fetchone() == (0,)


def test_what_a_killed_projector_left_half_built_is_finished(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = ledger.catch_up()
    slowly(monkeypatch)
    ledger.projector.rebuild(["trust", "board"])
    ledger.projector.step()
    ledger.another_projector().catch_up()
    assert ledger.digests() == digests
    assert all(each.live for each in ledger.views.built())


def test_what_nobody_knows_how_to_fold_is_left_alone(ledger: Ledger) -> None:
    ledger.catch_up()
    ledger.projector.rebuild(["trust"])
    without = ledger.another_projector([each for each in PROJECTIONS if each.name != "trust"])
    ledger.receipts(made("acme", "p"))
    without.catch_up()
    assert {each.position for each in ledger.views.built() if each.name != "trust"} == {ledger.log.end()}
    ledger.projector.catch_up()
    assert {each.position for each in ledger.views.built()} == {ledger.log.end()}


# Policies


def test_under_another_policy_trust_is_built_anew_while_readers_see_the_old_one(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.catch_up()
    before, seen = live(ledger), trust_sums(ledger)
    slowly(monkeypatch)
    wiring.adopt(ledger.intake, another_policy(), in_force_from=ledger.clock())
    steps = 0
    while ledger.projector.step() and live(ledger)["trust"] == before["trust"]:
        steps += 1
        assert trust_sums(ledger) == seen
    assert steps > 3
    ledger.catch_up()
    after = live(ledger)
    assert (after["trust"][1], after["trust"] != before["trust"]) == (another_policy().hash, True)
    assert {name for name in NAMES if after[name] != before[name]} == {each.name for each in PROJECTIONS if each.judges}
    assert trust_sums(ledger) != seen
    assert ledger.projector.policy.hash == another_policy().hash


def trust_sums(ledger: Ledger) -> list[object]:
    return ledger.views.reader.execute("SELECT * FROM trust_sums ORDER BY subject_kind, subject, direction").fetchall()


def test_trust_under_another_policy_is_what_it_would_be_had_it_been_in_force_from_the_beginning(tmp_path: Path) -> None:
    with Ledger(tmp_path / "later") as later, Ledger(tmp_path / "at-once") as at_once:
        wiring.adopt(at_once.intake, another_policy(), in_force_from=at_once.clock())
        for each in (later, at_once):
            each.receipts(*crowd(8, 60))
        later.catch_up()
        wiring.adopt(later.intake, another_policy(), in_force_from=later.clock())
        assert later.catch_up() == at_once.catch_up()


def test_a_policy_adopted_for_later_comes_into_force_when_its_time_has_come(ledger: Ledger) -> None:
    ledger.catch_up()
    before = live(ledger)
    wiring.adopt(ledger.intake, another_policy(), in_force_from=ledger.clock() + 4 * MINUTE)
    ledger.catch_up()
    assert live(ledger) == before
    ledger.clock.at += 4 * MINUTE
    ledger.catch_up()
    assert live(ledger)["trust"][1] == another_policy().hash


def test_a_policy_adopted_for_the_past_does_not_push_out_the_one_adopted_since(ledger: Ledger) -> None:
    wiring.adopt(ledger.intake, another_policy(), in_force_from=ledger.clock())
    wiring.adopt(ledger.intake, another_policy("older", 10), in_force_from=ledger.clock() - MINUTE)
    ledger.catch_up()
    assert live(ledger)["trust"][1] == another_policy().hash


def test_a_policy_that_is_adopted_while_another_is_being_built_takes_its_place(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.catch_up()
    slowly(monkeypatch)
    for version, days in (("second", 30), ("third", 10)):
        wiring.adopt(ledger.intake, another_policy(version, days), in_force_from=ledger.clock())
        ledger.clock.at += 1
        for _ in range(3):
            ledger.projector.step()
    ledger.catch_up()
    assert live(ledger)["trust"][1] == another_policy("third", 10).hash
    assert all(each.live for each in ledger.views.built())


def test_only_trust_and_the_evidence_for_it_judge() -> None:
    assert [each.name for each in PROJECTIONS if each.judges] == [trust.PROJECTION.name, evidence.PROJECTION.name]
