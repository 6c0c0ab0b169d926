"""`troth doctor`, and what every command says of files that are damaged."""

import json
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra import wiring
from infra.doctor import views
from infra.drivers import driving
from tests.infra.story import Told
from tests.ledgers import made

Troth = Callable[..., tuple[int, str, str]]


def looked_at(troth: Troth, home: Path, expected: int = 1) -> list[dict[str, Any]]:
    """What the doctor looked at; it finds something wrong unless 0 is expected."""
    code, printed, wrong = troth(home, "doctor", "--json")
    assert (code, wrong) == (expected, ""), printed
    checks: list[dict[str, Any]] = json.loads(printed)["checks"]
    return checks


def test_the_doctor_finds_nothing_wrong_with_a_good_ledger(troth: Troth, told: Told) -> None:
    told.catch_up()
    checks = looked_at(troth, told.home, expected=0)
    assert {"Python", "SQLite", "folder", "disk", "clock", "positions", "newest entry", "views"} <= {
        each["name"] for each in checks
    }


def wrongs(troth: Troth, told: Told) -> dict[str, str]:
    """What the doctor finds wrong, and what it says to do."""
    return {each["name"]: each["do"] for each in looked_at(troth, told.home) if not each["ok"]}


def test_the_doctor_finds_a_gap_a_clock_that_is_behind_and_a_damaged_file(troth: Troth, told: Told) -> None:
    told.catch_up()
    with sqlite3.connect(told.home / "ledger.sqlite") as ledger:
        ledger.execute("DELETE FROM stored_events WHERE position = 3")
        ledger.execute("UPDATE stored_events SET state = replace(state, '\"recorded_at\":17', '\"recorded_at\":37')")
    ledger.close()
    found = wrongs(troth, told)
    assert set(found) == {"positions", "newest entry"}
    assert "backup" in found["positions"]
    (told.home / "views.sqlite").write_bytes(b"no database at all" * 1_000)
    for side in ("views.sqlite-wal", "views.sqlite-shm"):
        (told.home / side).unlink(missing_ok=True)
    assert "delete views.sqlite, " in wrongs(troth, told)["views.sqlite integrity"]


def test_the_doctor_finds_a_record_that_is_shorter_than_what_was_read_from_it(troth: Troth, told: Told) -> None:
    told.catch_up()
    (told.home / "ledger.sqlite").write_bytes(b"")
    assert troth(told.home, "status")[0] == 3
    assert "backup" in wrongs(troth, told)["ledger"]
    wiring.make(told.settings)  # as whoever records in it next does
    assert troth(told.home, "status")[0] == 3
    assert "backup" in wrongs(troth, told)["views"]


ALTERED = {
    "no JSON": (b".+", b"{", True),
    "no text": (b".+", b'{"kind": "\xff"}', True),
    "another field": (b'"promise_id":', b'"promise_di":', False),  # of the fact, which only questions decode
    "no standing": (b'"after":{"family":"promise"', b'"after":{"family":"premise"', True),
    "no standing at all": (b'"after":.+', b'"after":null}', True),
    "a standing that is no text": (b'"after":{"family":"promise"', b'"after":{"family":"pro\xffmise"', True),
}


@pytest.mark.parametrize("how", ALTERED)
def test_an_entry_that_was_altered_is_said_with_3_and_the_doctor_says_which(troth: Troth, told: Told, how: str) -> None:
    was, now, unreadable = ALTERED[how]
    with sqlite3.connect(told.home / "ledger.sqlite") as ledger:
        position, party, state = ledger.execute(
            "SELECT position, party, state FROM stored_events WHERE topic = 'promise.made.v1'"
        ).fetchone()
        altered = re.sub(was, lambda _: now, state, count=1, flags=re.DOTALL)
        ledger.execute("UPDATE stored_events SET state = ? WHERE position = ?", (altered, position))
    ledger.close()
    code, _, wrong = troth(told.home, "timeline", party, "--as-of", "2026-05-01T00:00:00Z")
    assert (code, "an entry on the record cannot be read" in wrong, "Traceback" in wrong) == (3, True, False)
    if unreadable:
        code, _, wrong = troth(told.home, "entries", "--position", str(position))
        assert (code, "an entry on the record cannot be read" in wrong, "Traceback" in wrong) == (3, True, False)
        assert f"position {position} " in str(looked_at(troth, told.home))


@pytest.mark.parametrize("file", ["ledger.sqlite", "views.sqlite"])
@pytest.mark.parametrize("from_page", [0, 1])
def test_a_damaged_file_is_said_with_3_and_the_doctor_says_which(troth: Troth, told: Told, file: str, from_page: int) -> None:
    told.catch_up()
    path = told.home / file
    whole = path.read_bytes()
    path.write_bytes(whole[: 4096 * from_page] + b"\xa5" * (len(whole) - 4096 * from_page))
    for command in ("parties", "status", "rebuild", "entries"):
        code, _, wrong = troth(told.home, command)
        assert (code, "`troth doctor`" in wrong, "Traceback" in wrong) == (3, True, False)
    assert f"{file} integrity" in wrongs(troth, told)


def test_the_doctor_names_a_schema_of_another_version(troth: Troth, told: Told) -> None:
    with sqlite3.connect(told.home / "ledger.sqlite") as ledger:
        ledger.execute("PRAGMA user_version=99")
    ledger.close()
    assert "the version of troth that wrote it" in wrongs(troth, told)["ledger.sqlite schema"]
    assert troth(told.home, "status")[0] == 3


def test_the_doctor_says_who_brings_views_on_that_are_behind(told: Told) -> None:
    told.catch_up()
    told.report(made("acme", "one-more"))
    with_kafka = told.settings.model_copy(update={"kafka": "127.0.0.1:1"})
    (alone,), (shared,) = views.looked_at(told.settings), views.looked_at(with_kafka)
    assert (alone.found, alone.do) == ("1 entries behind; nobody serves them now", "the next question brings them up to date")
    assert "`troth run project` or `troth serve` brings them on" in shared.found
    assert "`troth status`" in shared.do
    with driving(told.settings):
        (served,) = views.looked_at(told.settings)
        assert (served.found, served.do) == ("1 entries behind; a process serves them", "they are catching up")
        assert [*views.looked_at(with_kafka)] == [shared]


def test_the_doctor_works_where_there_is_no_ledger(troth: Troth, tmp_path: Path) -> None:
    code, printed, _ = troth(tmp_path / "none", "doctor")
    assert (code, "troth demo" in printed) == (0, True)
    assert not (tmp_path / "none").exists()
