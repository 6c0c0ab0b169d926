"""What holds of every answer, whatever was reported: shown on a crowd of publishers that contradict and correct each other."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine

from domain.instant import text
from infra.asking import company, incidents, theirs, timeline
from infra.asking.incidents import IncidentsWanted
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
