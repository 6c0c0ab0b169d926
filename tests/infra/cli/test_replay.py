"""`troth replay`: what readers see is computed again from the record, and compared."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from infra import replaying
from infra.exporting.manifest import beside
from infra.sqlite.shadow import DIFFERS, FILE
from tests.infra.story import Told
from tests.ledgers import made

Troth = Callable[..., tuple[int, str, str]]
COUNT = 73
"""How many entries there are once all was told that `told` tells, and what lapsed."""


def replayed(troth: Troth, home: Path, *arguments: str, expected: int = 0) -> Any:
    """What `troth replay --json` answers."""
    code, printed, wrong = troth(home, "replay", *arguments, "--json")
    assert (code, wrong) == (expected, ""), (printed, wrong)
    return json.loads(printed)


def exported(troth: Troth, told: Told, path: Path) -> str:
    """The path of an export of all that was told."""
    assert troth(told.home, "export", str(path))[0] == 0
    return str(path)


def change(home: Path, statement: str) -> None:
    """Do to the live views what no projector would."""
    with closing(sqlite3.connect(home / "views.sqlite")) as views, views:
        assert views.execute(statement).rowcount > 0


@pytest.mark.parametrize("source", ["store", "told.jsonl", "told.parquet"])
def test_what_readers_see_agrees_with_the_record_wherever_it_is_read(
    troth: Troth, told: Told, tmp_path: Path, source: str
) -> None:
    told.catch_up()
    where = source if source == "store" else exported(troth, told, tmp_path / source)
    answer = replayed(troth, told.home, "--from", where)
    live = {each["name"]: each["digest"] for each in json.loads(troth(told.home, "status", "--json")[1])["projections"]}
    assert {each["name"]: each["digest"] for each in answer["projections"]} == live
    assert all(each["agrees"] and each["digest"] == each["live_digest"] for each in answer["projections"])
    assert {each["entries"] for each in answer["projections"]} == {COUNT}
    assert (answer["agrees"], answer["went_on_at"], answer["kept"]) == (True, 0, None)
    assert not list(told.home.glob("replay*sqlite*"))


def test_one_that_differs_is_named_and_kept(troth: Troth, told: Told) -> None:
    told.catch_up()
    change(told.home, "UPDATE trust_sums__1 SET failed_count = failed_count + 1 WHERE subject = 'acme' AND direction = 'in_us'")
    answer = replayed(troth, told.home, expected=1)
    assert [each["name"] for each in answer["projections"] if not each["agrees"]] == ["trust"]
    assert answer["kept"] == str(told.home / DIFFERS)
    code, printed, _ = troth(told.home, "replay", "trust", "evidence")
    assert code == 1
    assert [line.split()[-1] for line in printed.splitlines()[2:4]] == ["DIFFERS", "agrees"]
    with closing(sqlite3.connect(told.home / DIFFERS)) as kept, closing(sqlite3.connect(told.home / "views.sqlite")) as live:
        counted = "SELECT SUM(failed_count) FROM {}"
        (name,) = kept.execute("SELECT name FROM sqlite_schema WHERE name LIKE 'trust_sums!_!_%' ESCAPE '!'").fetchone()
        assert kept.execute(counted.format(name)).fetchone()[0] + 1 == live.execute(counted.format("trust_sums")).fetchone()[0]


def test_only_what_is_named_is_replayed_and_no_name_is_made_up(troth: Troth, told: Told) -> None:
    told.catch_up()
    assert [each["name"] for each in replayed(troth, told.home, "board", "agenda")["projections"]] == ["board", "agenda"]
    code, _, wrong = troth(told.home, "replay", "bord")
    assert code == 1
    assert "there are trust, evidence" in wrong


def test_an_empty_ledger_agrees(troth: Troth, empty: Told, tmp_path: Path) -> None:
    for where in ("store", exported(troth, empty, tmp_path / "e.jsonl"), exported(troth, empty, tmp_path / "e.parquet")):
        assert replayed(troth, empty.home, "--from", where)["agrees"]


# As far as readers see


def test_it_goes_only_as_far_as_readers_see(troth: Troth, told: Told, tmp_path: Path) -> None:
    told.catch_up()
    told.report(*(made("late", f"p{number}") for number in range(30)))
    for where in ("store", exported(troth, told, tmp_path / "f.jsonl"), exported(troth, told, tmp_path / "f.parquet")):
        answer = replayed(troth, told.home, "--from", where)
        assert {each["entries"] for each in answer["projections"]} == {COUNT}


@pytest.mark.parametrize("name", ["old.jsonl", "old.parquet"])
def test_what_was_recorded_after_an_export_comes_from_the_store(troth: Troth, told: Told, tmp_path: Path, name: str) -> None:
    told.catch_up()
    old = exported(troth, told, tmp_path / name)
    told.report(*(made("acme", f"p{number}") for number in range(30)))
    told.catch_up()
    answer = replayed(troth, told.home, "--from", old)
    assert {each["entries"] for each in answer["projections"]} == {COUNT + 30}


def test_it_follows_what_comes_meanwhile(troth: Troth, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    told.catch_up()
    numbers = iter(range(10**6))

    def meanwhile(_: str) -> None:
        told.report(made("acme", f"p{next(numbers)}"))
        told.catch_up()

    monkeypatch.setattr(replaying, "failpoint", meanwhile)
    answer = replayed(troth, told.home)
    assert min(each["entries"] for each in answer["projections"]) > COUNT


def test_without_views_to_compare_with_there_is_no_agreement(troth: Troth, told: Told) -> None:
    told.catch_up()
    for each in told.home.glob("views.sqlite*"):
        each.unlink()
    answer = replayed(troth, told.home, "trust", expected=1)
    (trust,) = answer["projections"]
    assert (trust["entries"], trust["live_digest"], trust["agrees"]) == (COUNT, None, None)
    assert "readers see none" in troth(told.home, "replay", "trust")[1]


# Files


def test_a_file_is_replayed_where_there_is_no_ledger(troth: Troth, told: Told, tmp_path: Path) -> None:
    told.catch_up()
    here = replayed(troth, told.home)
    for name in ("told.jsonl", "told.parquet"):
        there = replayed(troth, tmp_path / "elsewhere", "--from", exported(troth, told, tmp_path / name), expected=1)
        digests = [[each["digest"] for each in answer["projections"]] for answer in (here, there)]
        assert digests[0] == digests[1]
        assert {each["live_digest"] for each in there["projections"]} == {None}
    assert troth(tmp_path / "elsewhere", "replay")[0] == 3


def test_a_file_of_another_ledger_or_one_that_was_altered_is_refused(
    troth: Troth, told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(exported(troth, told, tmp_path / "told.jsonl"))
    monkeypatch.setenv("TROTH_LEDGER", "other")
    assert troth(tmp_path / "other", "report", os.devnull)[0] == 0
    code, _, wrong = troth(tmp_path / "other", "replay", "--from", str(path))
    assert (code, "the ledger main, and this one is other" in wrong) == (1, True)
    path.write_bytes(path.read_bytes().replace(b'"2026.1:0"', b'"2026.1:1"', 1))
    code, _, wrong = troth(told.home, "replay", "--from", str(path))
    assert (code, "lines 1 to" in wrong, "export it again" in wrong) == (1, True, True)
    beside(path).unlink()
    code, _, wrong = troth(told.home, "replay", "--from", str(path))
    assert (code, "an export is the file and the manifest beside it" in wrong) == (1, True)


def test_without_the_extra_it_is_said_what_to_install(
    troth: Troth, told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = exported(troth, told, tmp_path / "told.parquet")
    monkeypatch.delitem(sys.modules, "infra.exporting.parquet", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    code, _, wrong = troth(told.home, "replay", "--from", path)
    assert (code, "pip install 'troth[parquet]'" in wrong) == (1, True)


# Stopped


def killed(told: Told, times: int, *arguments: str) -> None:
    """A replay that is killed when it has come so far."""
    smaller = "import consumers.replay as r; r.PAGE = 20; r.ENTRIES_AT_MOST = 20"
    main = f"import sys; sys.argv = {['troth', 'replay', *arguments]}; from infra.cli.app import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", f"{smaller}; {main}"],
        env=os.environ | {"TROTH_HOME": str(told.home), "TROTH_FAILPOINT": f"inside_replay:{times}"},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr


@pytest.mark.crash
@pytest.mark.parametrize("source", ["store", "told.jsonl"])
def test_one_that_was_killed_goes_on_where_it_was(troth: Troth, told: Told, tmp_path: Path, source: str) -> None:
    told.catch_up()
    where = source if source == "store" else exported(troth, told, tmp_path / source)
    killed(told, 4, "--from", where)
    code, printed, wrong = troth(told.home, "replay", "--from", where, "--json")
    assert code == 0
    assert json.loads(printed)["went_on_at"] > 0
    assert "goes on behind" in wrong
    assert not list(told.home.glob("replay*sqlite*"))


@pytest.mark.crash
def test_one_that_was_killed_begins_again_when_told_to_or_from_another_source(troth: Troth, told: Told, tmp_path: Path) -> None:
    told.catch_up()
    path = exported(troth, told, tmp_path / "told.parquet")
    killed(told, 4)
    assert (told.home / FILE).exists()
    assert replayed(troth, told.home, "--anew")["went_on_at"] == 0
    killed(told, 4)
    assert replayed(troth, told.home, "--from", path)["went_on_at"] == 0
    killed(told, 3, "--from", path)
    assert replayed(troth, told.home)["went_on_at"] == 0


def test_two_at_once_are_in_each_others_way(troth: Troth, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    told.catch_up()
    codes = []

    def another(_: str) -> None:
        if not codes:
            codes.append(0)
            codes.append(troth(told.home, "replay", "trust")[0])

    monkeypatch.setattr(replaying, "failpoint", another)
    assert troth(told.home, "replay", "trust")[0] == 0
    assert codes == [0, 4]


def test_a_damaged_shadow_is_begun_again(troth: Troth, told: Told) -> None:
    told.catch_up()
    (told.home / FILE).write_bytes(b"no database, and longer than the header of one would be" * 20)
    assert replayed(troth, told.home)["agrees"]
