"""The demo: the same year from the same seed, everything that can be recorded in it, and only ever in a folder of its own."""

import json
import re
import shlex
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from domain.entry import Entry, decode
from domain.kinds import KINDS
from infra.asking.status import Digests, status
from infra.demo import cast, play, year
from infra.demo.play import NotTheDemos, Played
from infra.http import front
from infra.http.app import create
from infra.settings import Settings
from infra.wiring import open_log
from tests.infra.story import Told
from tests.ledgers import made

UNTIL = date(2026, 6, 30)
Troth = Callable[..., tuple[int, str, str]]


class Killed(Exception):
    """The process was killed here."""


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Played]:
    """A year that was played, and the settings of its folder."""
    settings = Settings(home=tmp_path_factory.mktemp("demo") / "home")
    return settings, play.play(settings, until=UNTIL)


def digests(settings: Settings) -> dict[str, str | None]:
    """The digest of every projection."""
    return {each.name: each.digest for each in status(settings, Digests()).projections}


def test_the_year_is_one_of_a_small_company(played: tuple[Settings, Played]) -> None:
    _, it = played
    assert 4_000 <= it.entries <= 6_500
    assert it.parties == len(cast.PARTIES) == 25
    assert {party.kind for party in cast.PARTIES} == {"customer", "partner", "supplier", "employee", "community"}
    assert (len(cast.TEAMS), sum(map(len, cast.TEAMS.values()))) == (4, 12)


def test_every_kind_and_every_outcome_occurs(played: tuple[Settings, Played]) -> None:
    settings, _ = played
    assert {entry.kind for entry in entries(settings)} == set(KINDS)
    reasons = {void.reason for entry in entries(settings) for void in entry.after.void}
    assert {"renegotiated_without_consent", "renegotiated_after_due", "already_kept", "corrected", "retracted"} <= reasons
    assert set(status(settings).quarantine) == {
        "InTheFuture",
        "MalformedData",
        "MalformedEnvelope",
        "MalformedJson",
        "SameIdOtherContent",
        "UnknownType",
    }


def test_it_goes_with_them_as_the_demo_says(played: tuple[Settings, Played], troth: Troth) -> None:
    def asked(*question: str) -> Any:
        return json.loads(troth(played[0].home, *question, "--json", "--as-of", f"{UNTIL}T23:59:59Z")[1])

    assert asked("explain", "old-mill-cafe")["score"]["grade"] in {"weak", "poor"}
    assert asked("explain", "harbour-hotel")["score"]["grade"] in {"good", "fair"}
    assert "harbour-hotel" in [each["party"] for each in asked("board", "--recovered", "--limit", "100")["recovered"]]
    assert asked("show", "northgate-offices")["interactions"][0]["happened_at"] < "2026-01-15"


def test_the_year_is_lived_by_day() -> None:
    kept = [each.raw for each in year.reports(play.SEED, UNTIL) if b"promise.kept.v1" in each.raw]
    by_day = [raw for raw in kept if re.search(rb'"time":"[-0-9]{10}T(0[7-9]|1[0-8]):', raw)]
    assert len(by_day) > 0.9 * len(kept) > 500


def test_reports_come_late_twice_and_never_before_they_happened() -> None:
    reports = year.reports(play.SEED, UNTIL)
    assert [each.at for each in reports] == sorted(each.at for each in reports)
    twice = [raw for raw, count in Counter(each.raw for each in reports).items() if count > 1]
    assert len(twice) > 50
    assert year.begins_at(UNTIL) <= reports[0].at <= reports[-1].at < year.ends_at(UNTIL)


def test_the_same_seed_and_day_are_the_same_year_and_others_another() -> None:
    reports = year.reports(play.SEED, UNTIL)
    assert year.reports(play.SEED, UNTIL) == reports
    assert year.reports(2, UNTIL) != reports
    assert year.reports(play.SEED, date(2026, 6, 29)) != reports


def test_a_year_that_was_interrupted_comes_to_the_same_digests(
    played: tuple[Settings, Played], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, it = played
    again = Settings(home=tmp_path / "again")
    bring_on, days = play._bring_on, iter(range(200))

    def until_it_is_killed(drivers: play.Drivers) -> None:
        if next(days, None) is None:
            raise Killed
        bring_on(drivers)

    with monkeypatch.context() as patched:
        patched.setattr(play, "_bring_on", until_it_is_killed)
        with pytest.raises(Killed):
            play.play(again, until=UNTIL)
    assert play.play(again) == it
    assert digests(again) == digests(settings)


def test_what_was_known_when_can_be_asked(played: tuple[Settings, Played]) -> None:
    settings, _ = played
    recorded = [(entry.recorded_at, entry.happened_at) for entry in entries(settings)[1:]]
    assert recorded == sorted(recorded, key=lambda each: each[0])
    assert all(recorded_at >= happened_at for recorded_at, happened_at in recorded)


def test_a_folder_that_holds_the_year_is_only_served(played: tuple[Settings, Played]) -> None:
    settings, it = played
    assert play.play(settings) == it
    assert play.play(settings, until=UNTIL) == it
    for seed in (0, 2):
        with pytest.raises(NotTheDemos, match="holds the demo's year until 2026-06-30 of seed 1"):
            play.play(settings, seed=seed)


def test_a_folder_that_holds_another_ledger_is_left_alone(empty: Told, troth: Troth) -> None:
    empty.report(made("acme", "p"))
    code, _, wrong = troth(empty.home, "demo", "--no-serve")
    assert code == 1
    assert "is not the demo's" in wrong
    assert "set TROTH_HOME to another folder" in wrong


def test_a_year_that_has_not_ended_cannot_be_told(tmp_path: Path) -> None:
    with pytest.raises(NotTheDemos, match="has not happened yet"):
        play.play(Settings(home=tmp_path / "future"), until=date(2100, 1, 1))
    assert not (tmp_path / "future").exists()


def test_with_kafka_no_year_is_played_and_nothing_is_made(
    troth: Troth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TROTH_KAFKA", "127.0.0.1:1")
    code, _, wrong = troth(tmp_path / "new", "demo", "--no-serve")
    assert (code, "unset TROTH_KAFKA" in wrong) == (2, True)
    assert not (tmp_path / "new").exists()


def test_every_command_that_is_worth_trying_works(played: tuple[Settings, Played], troth: Troth, tmp_path: Path) -> None:
    home = shutil.copytree(played[0].home, tmp_path / "home")
    code, printed, _ = troth(home, "demo", "--no-serve")
    assert code == 0
    assert len(play.COMMANDS) == 5
    for command, _ in play.COMMANDS:
        assert command in printed
        code, shown, wrong = troth(home, *shlex.split(command)[1:])
        assert (code, wrong) == (0, "")
        assert len(shown.splitlines()) >= 5


def test_what_the_front_page_says_is_worth_seeing_is_there(played: tuple[Settings, Played], tmp_path: Path) -> None:
    home = shutil.copytree(played[0].home, tmp_path / "home")
    with TestClient(create(Settings(home=home)), base_url="http://localhost") as served:
        page = served.get("/").text
        assert "the demo" in page
        links = re.findall(r'<a href="(/[^"]*)"', page)
        assert {path for path, _ in front.DEMO} | {"/quarantine/1"} <= set(links)
        assert {link: served.get(link).status_code for link in links} == dict.fromkeys(links, 200)


def entries(settings: Settings) -> list[Entry]:
    """The whole record."""
    with closing(open_log(settings)) as log:
        return [decode(each.state) for each in log.page(0, 10**6)]
