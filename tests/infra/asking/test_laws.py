"""What holds of every answer, whatever was reported: shown on a crowd of publishers that contradict and correct each other."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine

from domain.entry import decode
from domain.instant import DAY, month_end, month_of, text
from domain.interaction import InteractionStanding
from infra.asking import company, incidents, layers, theirs, timeline
from infra.asking.grounds import SHOWN
from infra.asking.incidents import IncidentsWanted
from infra.asking.standings import standings
from infra.asking.timeline import TimelineWanted
from tests.crowd import crowd
from tests.infra.story import Told
from tests.ledgers import NOW

PARTIES = [f"party-{number}" for number in range(5)]
WHEN = {"asked", "as_of", "known_at"}


@pytest.fixture(scope="module")
def crowded_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a ledger that a crowd reported to."""
    told = Told(tmp_path_factory.mktemp("crowd") / "home")
    told.report(*crowd(7, 120, parties=len(PARTIES)))
    told.catch_up()
    return told.home


@pytest.fixture
def crowded(crowded_once: Path, tmp_path: Path) -> Iterator[Told]:
    """A ledger of the test's own that a crowd reported to."""
    shutil.copytree(crowded_once, tmp_path / "home")
    with time_machine.travel("2026-06-01T12:00:00Z", tick=False):
        yield Told(tmp_path / "home")


@pytest.mark.parametrize("party", PARTIES)
def test_as_of_now_every_answer_is_what_it_is_now(crowded: Told, party: str) -> None:
    with crowded.now() as now, crowded.then(party, as_of=text(NOW)) as then:
        assert timeline.of_party(now, party, TimelineWanted()).lines == timeline.of_party(then, party, TimelineWanted()).lines
        for seat in (company.ours, theirs.theirs):
            # Of the past, views do not hold what was corrected or taken back: it never happened.
            left_out = WHEN | {"unsettled", "unsettled_count"}
            assert seat(now, party).model_dump(exclude=left_out) == seat(then, party).model_dump(exclude=left_out)


@pytest.mark.parametrize("party", PARTIES)
def test_the_timeline_has_every_entry_and_agrees_with_the_views_on_what_does_not_count(crowded: Told, party: str) -> None:
    with crowded.now() as moment:
        lines = timeline.of_party(moment, party, TimelineWanted(limit=1000)).lines
        assert sorted(each.position for each in lines) == [each.position for each in moment.log.of_party(party)]
        not_counting = sum(each.outcome != "counted" for each in lines)
        assert not_counting == company.ours(moment, party).unsettled_count


@pytest.mark.parametrize("party", PARTIES)
def test_promises_add_up_and_no_duration_is_negative(crowded: Told, party: str) -> None:
    with crowded.now() as moment:
        view = company.ours(moment, party)
        for of in (view.promised_to_them.counts, view.promised_to_us.counts):
            assert of.total == of.open + of.kept_early + of.kept_on_time + of.kept_late + of.broken + of.withdrawn
            assert max(of.due, of.overdue) <= of.open
        for each in incidents.listed(moment, IncidentsWanted(party=party, limit=1000)).incidents:
            assert min(each.respond_seconds or 0, each.resolve_seconds or 0, each.running_seconds or 0) >= 0
            assert (each.running_seconds is None) == (each.status in ("resolved", "closed"))


MEETS = {"interaction.recorded.v1", "promise.made.v1", "incident.opened.v1", "feedback.received.v1"}
RESOLVES = {"incident.resolved.v1", "incident.closed.v1"}
SPEAKS = (MEETS - {"promise.made.v1"}) | RESOLVES | {"feedback.answered.v1"}
BEHIND = {
    "tenure_days": MEETS,
    "dialog_micro": SPEAKS,
    "kept_by_company": {"promise.kept.v1"},
    "kept_by_party": {"promise.kept.v1"},
    "troubles_survived": RESOLVES,
    "channels": MEETS,
    "topics": MEETS,
    "touchpoints": MEETS,
}
"""The kinds of entries that may be behind each condition of a layer."""


@pytest.mark.parametrize("days", [None, 0, 100, 300])
@pytest.mark.parametrize("party", PARTIES)
def test_the_entries_behind_a_layer_are_the_partys_own_of_the_right_kind_and_count(
    crowded: Told, party: str, days: int | None
) -> None:
    past = {} if days is None else {"as_of": text(NOW - days * DAY)}
    with crowded.then(party, **past) if past else crowded.now() as moment:
        for condition in layers.of_party(moment, party).next_asks:
            entries = [decode(each.state) for each in moment.log.at(condition.entries)]
            assert {each.party for each in entries} <= {party}
            assert {each.kind for each in entries} <= BEHIND.get(condition.name, set())
            assert all(each.happened_at <= moment.now for each in entries)
            reached = standings(moment, {each.stream for each in entries})
            assert all(each.version in reached[each.stream].by for each in entries)
            assert len(condition.entries) == len(entries)
            if condition.name in BEHIND and not condition.name.endswith(("_days", "_micro")):
                assert (condition.entry_count, len(entries)) == (condition.value, min(condition.value, SHOWN))


@pytest.mark.parametrize("days", [0, 200])
@pytest.mark.parametrize("party", PARTIES)
def test_tenure_and_dialog_follow_from_the_entries_behind_them(crowded: Told, party: str, days: int) -> None:
    with crowded.then(party, as_of=text(NOW - days * DAY)) as moment:
        found = {each.name: each for each in layers.of_party(moment, party).next_asks}
        (first,) = (decode(each.state).happened_at for each in moment.log.at(found["tenure_days"].entries))
        assert found["tenure_days"].value == moment.now // DAY - first // DAY
        half_life, spoken = moment.policy.layers.dialog_half_life_days * DAY, {"inbound": 0, "outbound": 0}
        for each in moment.log.at(found["dialog_micro"].entries):
            entry = decode(each.state)
            way = "inbound" if entry.kind in MEETS else "outbound"
            if isinstance(entry.after, InteractionStanding):
                way = entry.after.direction
            ended_at = min(month_end(month_of(entry.happened_at)), moment.now)
            spoken[way] += 1_000_000 >> (moment.now - ended_at) // half_life
        dialog, named = found["dialog_micro"], 2 * min(spoken.values())
        assert dialog.value == named if dialog.entry_count == len(dialog.entries) else dialog.value >= named
