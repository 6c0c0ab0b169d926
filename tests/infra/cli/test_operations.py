"""The commands that run a ledger: report, quarantine, status, rebuild, policy, schema."""

import io
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer.main

from consumers.project import RebuildDiffers
from domain import policy as policies
from domain.kinds import KINDS
from infra import wiring
from infra.asking.quarantine import printable
from infra.cli.app import app
from infra.cli.policy import toml
from infra.demo import play
from infra.drivers import driving
from infra.http import front
from tests.infra.story import Told
from tests.ledgers import kept, made

Troth = Callable[..., tuple[int, str, str]]


def answer(troth: Troth, told: Told, *arguments: str, expected: int = 0) -> Any:
    """The JSON that a command answers with."""
    code, printed, wrong = troth(told.home, *arguments, "--json")
    assert (code, wrong) == (expected, "")
    return json.loads(printed)


def written(path: Path, content: bytes) -> str:
    """The path of a file with this content."""
    path.write_bytes(content)
    return str(path)


def raw(message: dict[str, Any]) -> bytes:
    """A report as its publisher wrote it."""
    return json.dumps(message).encode()


# Reporting

ONE, TWO, FAULTY = (
    made("acme", "a", ident="1"),
    kept("acme", "a", "2026-01-02", ident="2"),
    made("acme", "b") | {"time": "late"},
)


@pytest.mark.parametrize(
    ("content", "recorded", "refused"),
    [
        (raw(ONE), 1, 0),
        (json.dumps(ONE, indent=2).encode(), 1, 0),
        (raw(ONE) + b"\r\n\r\n" + raw(TWO), 2, 0),
        (json.dumps([ONE, TWO, FAULTY], indent=1).encode(), 2, 1),
        (raw(ONE) + b"\nno report\n" + raw(FAULTY) + b"\n", 1, 2),
        (b"nothing of the kind\nnor this", 0, 1),
        (b" \n", 0, 0),
    ],
    ids=["one", "one on many lines", "lines", "array", "lines with faults", "text", "nothing"],
)
def test_reports_are_read_one_by_one_from_an_array_or_from_lines(
    troth: Troth, empty: Told, tmp_path: Path, *, content: bytes, recorded: int, refused: int
) -> None:
    file = written(tmp_path / "reports", content)
    told = answer(troth, empty, "report", file, expected=1 if refused else 0)
    assert (told["recorded"], told["refused"], len(told["reports"])) == (recorded, refused, recorded + refused)
    again = answer(troth, empty, "report", file, expected=1 if refused else 0)
    assert (again["recorded"], again["repeated"]) == (0, recorded)


def test_reports_are_read_from_standard_input_into_a_new_ledger(
    troth: Troth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw(ONE) + b"\n" + raw(FAULTY))))
    code, printed, _ = troth(tmp_path / "new", "report", "-")
    assert code == 1
    assert "MalformedEnvelope" in printed
    assert "1 recorded, 0 repeated, 1 refused" in printed


# Quarantine


def test_a_folder_that_cannot_be_made_is_said_and_what_to_do(troth: Troth, tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_bytes(b"")
    code, _, wrong = troth(in_the_way / "home", "report", written(tmp_path / "event.json", raw(made("acme", "p"))))
    assert code == 3
    assert "no ledger can be made in" in wrong
    assert "TROTH_HOME" in wrong


def test_what_was_refused_is_listed_shown_corrected_and_discarded(troth: Troth, empty: Told, tmp_path: Path) -> None:
    troth(empty.home, "report", written(tmp_path / "faulty", json.dumps([FAULTY, ONE | {"type": "no.such.v1"}, 7]).encode()))
    assert [each["reason"] for each in answer(troth, empty, "quarantine", "list")["refused"]] == [
        "MalformedEnvelope",
        "UnknownType",
        "MalformedEnvelope",
    ]
    assert [each["number"] for each in answer(troth, empty, "quarantine", "list", "--reason", "UnknownType")["refused"]] == [2]
    shown = answer(troth, empty, "quarantine", "show", "2")
    assert (shown["pointer"], shown["receipt"], json.loads(shown["text"])["type"]) == ("/type", None, "no.such.v1")
    corrected = written(tmp_path / "corrected", raw(ONE))
    (tried,) = answer(troth, empty, "quarantine", "retry", "2", "--with", corrected)["reports"]
    assert (tried["number"], tried["status"], tried["position"]) == (2, "recorded", 1)
    assert answer(troth, empty, "quarantine", "show", "2")["receipt"]["position"] == 1
    assert answer(troth, empty, "quarantine", "discard", "--all") == {"discarded": 2}
    assert answer(troth, empty, "quarantine", "list")["refused"] == []
    assert len(answer(troth, empty, "quarantine", "list", "--all")["refused"]) == 3
    assert answer(troth, empty, "status")["entries"] == 2


def test_what_is_refused_again_stays_with_the_new_reason(troth: Troth, empty: Told, tmp_path: Path) -> None:
    troth(empty.home, "report", written(tmp_path / "faulty", raw(ONE | {"time": "2026-06-01T13:00:00Z"})))
    troth(empty.home, "report", written(tmp_path / "good", raw(ONE | {"data": {"promise_id": "x", "promisor": "party"}})))
    with sqlite3.connect(empty.home / "ledger.sqlite") as ledger:  # as if the hour had passed, and the bytes were of then
        ledger.execute("UPDATE quarantine SET raw = ?", (raw(ONE),))
    ledger.close()
    tried = answer(troth, empty, "quarantine", "retry", "--reason", "InTheFuture", expected=1)
    assert (tried["recorded"], tried["refused"], tried["reports"][0]["reason"]) == (0, 1, "SameIdOtherContent")
    (waiting,) = answer(troth, empty, "quarantine", "list")["refused"]
    assert (waiting["number"], waiting["reason"], waiting["times"]) == (1, "SameIdOtherContent", 2)


def test_many_that_wait_are_tried_again_at_once(
    troth: Troth, empty: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.cli.quarantine.AT_ONCE", 2)
    reports = [made("acme", f"p{number}", at="2026-06-01T12:30:00Z") for number in range(5)]
    troth(empty.home, "report", written(tmp_path / "early", json.dumps(reports).encode()))
    monkeypatch.setattr("infra.wiring.now", lambda: wiring_now() + 3_600_000_000)
    assert answer(troth, empty, "quarantine", "retry", "--all", expected=1)["refused"] == 5
    code, printed, _ = troth(empty.home, "quarantine", "retry", "--all")
    assert (code, "5 refused again" in printed) == (1, True)


wiring_now = wiring.now


def test_quarantine_asks_for_numbers_or_all_and_says_what_is_not_there(troth: Troth, empty: Told, tmp_path: Path) -> None:
    for wrong in (
        ("retry",),
        ("discard",),
        ("retry", "1", "--all"),
        ("retry", "--all", "--with", written(tmp_path / "x", b"{}")),
    ):
        assert troth(empty.home, "quarantine", *wrong)[0] == 2
    code, _, said = troth(empty.home, "quarantine", "show", "9")
    assert code == 1
    assert "troth quarantine list" in said


def test_bytes_are_shown_so_that_no_terminal_obeys_them() -> None:
    assert printable(b'{"a": "\x1b[2J\x9b\xff\xe2\x80\xae\r\n\xc3\xa9"}') == '{"a": "\\x1b[2J\\x9b\\xff\\u202e\\r\né"}'


# Status and rebuilding


def test_status_names_each_projection_with_version_position_and_digest(troth: Troth, told: Told) -> None:
    status = answer(troth, told, "status")
    assert {"name", "version", "position", "digest", "lag"} <= status["projections"][0].keys()
    assert {each["position"] for each in status["projections"]} == {status["entries"]}
    assert (status["ledger"], status["home"], status["parties"]) == ("main", str(told.home), 15)
    printed = troth(told.home, "status")[1]
    assert status["policy"]["hash"] in printed
    assert all(each["digest"][:16] in printed for each in status["projections"])


def test_a_rebuild_comes_to_the_same_digests(troth: Troth, told: Told) -> None:
    before = answer(troth, told, "status")["projections"]
    assert answer(troth, told, "rebuild")["projections"] == before
    (trust,) = answer(troth, told, "rebuild", "trust")["projections"]
    assert trust in before
    assert answer(troth, told, "status")["building"] == []
    code, _, wrong = troth(told.home, "rebuild", "nonsense")
    assert code == 1
    assert "agenda" in wrong


def alter_company(told: Told) -> None:
    """Do to what readers see what no projector would."""
    with sqlite3.connect(told.home / "views.sqlite") as views:
        (generation,) = views.execute("SELECT generation FROM projections WHERE name = 'company'").fetchone()
        views.execute(f"UPDATE promises__{generation} SET person = 'somebody else'")  # noqa: S608  # a number of ours
    views.close()


def test_a_rebuild_that_comes_to_something_else_is_kept_beside_what_readers_see_until_it_is_discarded(
    troth: Troth, told: Told
) -> None:
    before = answer(troth, told, "status")["projections"]
    alter_company(told)
    for command in (("rebuild", "company"), ("rebuild",), ("parties",)):
        code, _, wrong = troth(told.home, *command)
        assert (code, "differs from what readers see" in wrong, "`troth rebuild --discard`" in wrong) == (1, True, True)
        assert "delete views.sqlite, views.sqlite-wal and views.sqlite-shm" in wrong
    code, found, _ = troth(told.home, "doctor")
    assert (code, "wrong: rebuild of company" in found) == (1, True)
    dropped = answer(troth, told, "rebuild", "company", "--discard")["discarded"]
    assert [(each["name"], each["position"]) for each in dropped] == [("company", before[0]["position"])]
    assert "nothing is being built" in troth(told.home, "rebuild", "company", "--discard")[1]
    assert troth(told.home, "doctor")[0] == 0
    kept = {each["name"] for each in before if each in answer(troth, told, "status")["projections"]}
    assert {each["name"] for each in before} - kept == {"company"}
    for name in ("views.sqlite", "views.sqlite-wal", "views.sqlite-shm"):
        (told.home / name).unlink(missing_ok=True)
    assert answer(troth, told, "status")["projections"] == before


class Elsewhere:
    """Another process that projects: a step of it whenever one waits for it. Where what it builds differs, it stops."""

    def __init__(self, told: Told) -> None:
        self._told = told

    def wait(self, _: float) -> None:
        with driving(self._told.settings) as drivers, suppress(RebuildDiffers):
            drivers.projector.step()


def test_with_kafka_a_rebuild_says_who_brings_it_on(troth: Troth, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TROTH_KAFKA", "127.0.0.1:1")
    monkeypatch.setattr("infra.cli.status.Event", lambda: Elsewhere(told))
    code, printed, wrong = troth(told.home, "rebuild", "trust", "--json")
    assert (code, wrong.count("`troth run project` or `troth serve`")) == (0, 1)
    assert [each["name"] for each in json.loads(printed)["projections"]] == ["trust"]


def test_a_rebuild_that_differs_elsewhere_is_not_waited_for(troth: Troth, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    alter_company(told)
    monkeypatch.setenv("TROTH_KAFKA", "127.0.0.1:1")
    monkeypatch.setattr("infra.cli.status.Event", lambda: Elsewhere(told))
    code, _, wrong = troth(told.home, "rebuild", "company")
    assert (code, "company v" in wrong, "`troth rebuild --discard`" in wrong) == (1, True, True)


def test_what_another_process_is_building_is_not_discarded(troth: Troth, told: Told) -> None:
    with driving(told.settings):
        code, _, wrong = troth(told.home, "rebuild", "--discard")
    assert (code, "stop that process" in wrong) == (4, True)


# Policy


def test_the_policy_in_force_is_printed_as_the_file_that_can_be_adopted(troth: Troth, told: Told, tmp_path: Path) -> None:
    printed = troth(told.home, "policy", "show")[1]
    assert policies.read(printed) == wiring.shipped_policy()
    changed = printed.replace('version = "2026.1"', 'version = "2026.2"').replace("half_life_days = 180", "half_life_days = 90")
    adopted = answer(troth, told, "policy", "adopt", written(tmp_path / "policy.toml", changed.encode()))
    assert answer(troth, told, "policy", "show")["hash"] == adopted["hash"]
    status = answer(troth, told, "status")
    assert status["policy"] == {"version": "2026.2", "hash": adopted["hash"]}
    judged = {each["name"]: each["policy_hash"] for each in status["projections"] if each["policy_hash"]}
    assert set(judged.values()) == {adopted["hash"]}
    assert answer(troth, told, "policy", "show", "--version", "2026.1")["policy"]["trust"]["half_life_days"] == 180


def test_a_version_is_adopted_with_one_content_only(troth: Troth, told: Told, tmp_path: Path) -> None:
    changed = toml(wiring.shipped_policy()).replace("half_life_days = 180", "half_life_days = 90")
    before = answer(troth, told, "status")["entries"]
    code, _, wrong = troth(told.home, "policy", "adopt", written(tmp_path / "policy.toml", changed.encode()))
    assert (code, "another version" in wrong) == (1, True)
    code, _, wrong = troth(told.home, "policy", "adopt", written(tmp_path / "broken.toml", b"version ="))
    assert (code, "no TOML" in wrong) == (1, True)
    assert answer(troth, told, "status")["entries"] == before


def test_a_policy_whose_reasons_come_in_another_order_is_the_same_policy(troth: Troth, told: Told, tmp_path: Path) -> None:
    head, reasons = toml(wiring.shipped_policy()).replace('"2026.1"', '"2026.2"').split("[reasons]\n")
    backwards = "\n".join(reversed(reasons.splitlines()))
    given = [written(tmp_path / name, f"{head}[reasons]\n{each}".encode()) for name, each in (("a", reasons), ("b", backwards))]
    first, second = (answer(troth, told, "policy", "adopt", each, "--from", "2026-06-01T00:00:00Z") for each in given)
    assert first == second
    answer(troth, told, "policy", "adopt", given[1], "--from", "2026-06-01T06:00:00Z")
    assert not answer(troth, told, "status")["quarantine"]


# Schemas


def test_schema_prints_one_kind_and_lists_them_all(troth: Troth, told: Told, tmp_path: Path) -> None:
    assert {each["kind"] for each in answer(troth, told, "schema")} == set(KINDS)
    schema = json.loads(troth(told.home, "schema", "promise.made.v1")[1])
    assert schema["properties"]["type"]["const"] == "promise.made.v1"
    assert json.loads(troth(told.home, "schema", "--openapi")[1])["openapi"].startswith("3.1")
    assert troth(told.home, "schema", "promise.remembered.v1")[0] == 2
    assert troth(told.home, "schema", "--write", str(tmp_path / "contracts"))[0] == 0
    assert (tmp_path / "contracts" / "openapi.json").exists()


# The command line itself


def names() -> set[str]:
    """Every command, and the subcommands of those that have any."""
    group = typer.main.get_command(app)
    found = set()
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        found |= {name} | {f"{name} {inner}" for inner in getattr(command, "commands", {})}
    return found


def test_every_command_that_is_advertised_exists() -> None:
    advertised = [command.split() for command, _ in (*front.COMMANDS, *play.COMMANDS)]
    assert [words for words in advertised if not {words[1], " ".join(words[1:3])} & names()] == []


def test_the_version_is_the_packages(troth: Troth, told: Told) -> None:
    assert troth(told.home, "--version")[1] == f"troth {version('troth')}\n"


def test_the_shell_completes_commands_and_kinds() -> None:
    def completed(words: str, count: int) -> str:
        shell = {"_TROTH_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(count)}
        main = "import sys; sys.argv = ['troth']; from infra.cli.app import main; main()"
        ended = subprocess.run(
            [sys.executable, "-c", main], env=os.environ | shell, capture_output=True, text=True, check=False
        )
        return ended.stdout

    assert "quarantine" in completed("troth qua", 1)
    assert "promise.made.v1" in completed("troth schema promise.m", 2)


AT_FAULT = """
import sys
import infra.cli.app as app

def fail(*_):
    raise ValueError("of anna@example.org")

app.doctor.Settings = fail
sys.argv = ["troth", "doctor"]
app.main()
"""
THREAD_AT_FAULT = """
import infra.drivers
infra.drivers.Drivers.step = fail
sys.argv = ["troth", "serve", "--port", "0"]
app.main()
"""


@pytest.mark.parametrize("which", ["the command", "a thread"])
def test_what_nobody_expected_ends_with_70_and_where_it_was_and_quotes_nothing(tmp_path: Path, which: str) -> None:
    program = AT_FAULT if which == "the command" else AT_FAULT.partition("app.doctor")[0] + THREAD_AT_FAULT
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"TROTH_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 70
    assert "in fail" in ended.stderr
    assert "ValueError" in ended.stderr
    assert "anna" not in ended.stdout + ended.stderr
