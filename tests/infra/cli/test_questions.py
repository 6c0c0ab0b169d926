"""Questions on the command line: tables for people, JSON for programs, and exit codes."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.infra.story import ADDRESS, CROWD, Told
from tests.ledgers import contact, made, said

Troth = Callable[..., tuple[int, str, str]]


def asked(troth: Troth, told: Told, *arguments: str) -> Any:
    """The JSON that a command answers with."""
    code, printed, wrong = troth(told.home, *arguments, "--json")
    assert (code, wrong) == (0, "")
    return json.loads(printed)


def table(troth: Troth, told: Told, *arguments: str) -> str:
    """What a command prints for people."""
    code, printed, wrong = troth(told.home, *arguments)
    assert (code, wrong) == (0, "")
    return printed


def test_parties_as_a_table_show_trust_with_its_interval_and_its_evidence(troth: Troth, told: Told) -> None:
    printed = table(troth, told, "parties", "--sort", "overdue", "--limit", "3")
    heading, acme, *_ = printed.splitlines()
    assert " ".join(heading.split()) == "party name kind grade trust interval evidence layer overdue incidents last"
    assert acme.split()[:5] == ["acme", "Acme", "Ltd", "customer", "poor"]
    assert "3 of 15" in printed
    assert "--cursor" in printed


def test_parties_as_json_are_walked_by_cursor(troth: Troth, told: Told) -> None:
    found, more = [], ["--sort", "id", "--limit", "4"]
    while True:
        page = asked(troth, told, "parties", *more)
        found += [each["party"] for each in page["parties"]]
        if page["next"] is None:
            break
        more = ["--sort", "id", "--limit", "4", "--cursor", page["next"]]
    assert found == sorted(["acme", "bolt", ADDRESS, *CROWD])


def test_a_name_cannot_move_the_cursor_of_a_terminal(troth: Troth, told: Told) -> None:
    told.report(said("party.registered.v1", "bad", "2026-05-21", kind="community", name="up\x1b[2Jto\nno\x9b1Agood"))
    printed = table(troth, told, "parties", "--kind", "community")
    assert "up [2Jto no 1Agood" in printed
    assert "\x1b" not in table(troth, told, "show", "bad")
    report = str(told.report(said("party.contact_changed.v1", "bad", "2026-05-22", contact="\x9b2J"))[0].position)
    assert "\x9b" not in table(troth, told, "entries", "--position", report)


def test_show_prints_the_company_view_from_our_seat(troth: Troth, told: Told) -> None:
    printed = table(troth, told, "show", "acme")
    assert printed.startswith("acme (Acme Ltd, customer)\n")
    for line in (
        "their trust in us: poor, 0.416, interval 0.164 to 0.695, from 10 pieces of evidence",
        "layer: exploratory",
        "We promised them: 9, open 3 (overdue 1, due 1), kept early 3, on time 1, late 0, broken 1, disputed 1",
        "They promised us: 2, open 1",
        "Incidents: 3, not resolved 2, past their target 1",
    ):
        assert line in printed
    assert [line.split()[:3] for line in printed.splitlines() if line.startswith("keep promise")] == [
        ["keep", "promise", "overdue"]
    ]


def test_show_prints_what_the_layer_stands_on_with_the_latest_entries_behind_it(troth: Troth, told: Told) -> None:
    told.report(*(contact("acme", f"call {number}", "2026-05-30") for number in range(9)))
    printed = table(troth, told, "show", "acme")
    lines = [" ".join(line.split()) for line in printed.split("What the layer stands on")[1].splitlines()[1:9]]
    conditions = {each["name"]: each for each in asked(troth, told, "show", "acme")["held_by"]}
    latest = {name: ", ".join(map(str, each["entries"][:5])) for name, each in conditions.items()}
    assert lines[0] == "condition there is it takes entries"
    assert f"kept by company 4 1 to stay exploratory {latest['kept_by_company']}" in lines
    more = conditions["dialog_micro"]["entry_count"] - 5
    assert f"dialog 4.000 1.600 to stay exploratory {latest['dialog_micro']} and {more} more" in lines
    assert "trust lower bound 0.164 0.400 to become affective see `troth explain`" in lines


def test_show_prints_what_the_party_sees_and_no_score(troth: Troth, told: Told) -> None:
    printed = table(troth, told, "show", "acme", "--seat", "theirs")
    assert "Promised to me: 9, open 3 (overdue 1), kept in time 4, late 0, broken 1" in printed
    assert not any(word in printed for word in ("trust", "layer", "poor", "interval", "void", "already"))
    assert asked(troth, told, "show", "acme", "--seat", "theirs")["seat"] == "theirs"


def test_every_question_is_asked_of_any_moment(troth: Troth, told: Told) -> None:
    then = ["--as-of", "2026-01-15T00:00:00Z"]
    assert "We promised them: 3, open 2" in table(troth, told, "show", "acme", *then)
    assert len(asked(troth, told, "timeline", "acme", *then)["lines"]) == 7
    assert asked(troth, told, "promises", "--state", "open", *then)["counts"]["open"] == 2
    assert asked(troth, told, "incidents", *then)["counts"]["total"] == 0
    known = asked(troth, told, "promises", "--party", "acme", "--state", "late", "--known-at", "2026-03-02T00:00:00Z")
    assert [each["promise_id"] for each in known["promises"]] == ["late"]


def test_a_timeline_says_what_each_entry_did(troth: Troth, told: Told) -> None:
    printed = table(troth, told, "timeline", "acme", "--order", "oldest", "--family", "promise", "--limit", "6")
    assert "void: already_kept" in printed
    assert "--cursor" in printed
    assert len(asked(troth, told, "timeline", ADDRESS)["lines"]) == 2


def test_promises_as_a_table_name_the_party_and_how_late_they_are(troth: Troth, told: Told) -> None:
    printed = table(troth, told, "promises", "--state", "overdue")
    assert printed.splitlines()[1].split()[:3] == ["acme", "owed", "overdue"]
    assert "17 d 12 h" in printed
    assert "of 25: open 4 (overdue 2, due 1), kept early 17, on time 1, late 0, broken 2" in printed


def test_promises_are_asked_by_whom_and_at_whom(troth: Troth, told: Told) -> None:
    for option, value, which in (
        ("--team", "Roads / North", ["pothole"]),
        ("--person", "bo", ["early", "overdue", "punctual"]),
        ("--guarantor", "cy", ["early"]),
        ("--category", "refund", ["broken", "late"]),
        ("--by", "party", ["owed", "steel", "theirs"]),
        ("--party", ADDRESS, ["pothole"]),
    ):
        found = asked(troth, told, "promises", option, value)["promises"]
        assert sorted(each["promise_id"] for each in found) == which


def test_incidents_as_a_table_show_how_long_they_took(troth: Troth, told: Told) -> None:
    printed = table(troth, told, "incidents")
    assert "22 h 0 min" in printed
    assert "open, past target" in printed
    assert "of 3: open 1, paused 1, resolved 1, closed 0, past their target 1" in printed
    assert [each["incident_id"] for each in asked(troth, told, "incidents", "--past-target")["incidents"]] == ["stuck"]


def test_an_incident_that_a_pause_holds_back_says_so_in_place_of_its_target(troth: Troth, told: Told) -> None:
    targets = {"resolve_by": "2026-05-25"}
    told.report(
        said("incident.opened.v1", "bolt", "2026-05-21", incident_id="x", severity="low", **targets),
        said("incident.paused.v1", "bolt", "2026-05-22", incident_id="x"),
    )
    told.catch_up()
    assert "held by a pause" in table(troth, told, "incidents", "--party", "bolt")
    assert "held by a pause" in table(troth, told, "show", "bolt", "--seat", "theirs")


def test_entries_are_shown_by_position_by_report_page_by_page_and_counted(troth: Troth, told: Told) -> None:
    entry = asked(troth, told, "entries", "--source", "crm", "--id", "early-kept")
    assert asked(troth, told, "entries", "--position", str(entry["position"])) == entry
    assert '"promise_id": "early"' in table(troth, told, "entries", "--position", str(entry["position"]))
    assert [each["position"] for each in asked(troth, told, "entries", "--after", "9", "--limit", "2")["entries"]] == [10, 11]
    assert "--after 1" in table(troth, told, "entries", "--limit", "2")
    counts = asked(troth, told, "entries", "--count-by", "kind")
    assert (counts["promise.made.v1"], sum(counts.values())) == (25, 73)
    assert "73 entries" in table(troth, told, "entries", "--count-by", "kind")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["show", "nobody"], 1, "troth parties"),
        (["timeline", "nobody"], 1, "nothing is recorded about this party"),
        (["promises", "--party", "nobody"], 1, "nothing is recorded"),
        (["incidents", "--party", "nobody"], 1, "nothing is recorded"),
        (["show", "acme", "--as-of", "2025-01-01T00:00:00Z"], 1, "nothing is recorded"),
        (["entries", "--position", "1000"], 1, "no entry has position 1000"),
        (["entries", "--source", "crm", "--id", "never"], 1, "was it refused?"),
        (["entries", "--source", "crm"], 2, "--source and --id together"),
        (["entries", "--position", "1", "--count-by", "kind"], 2, "three different questions"),
        (["parties", "--cursor", "x"], 2, "--cursor: this is no cursor of ours: start again without one"),
        (["parties", "--grade", "splendid"], 2, "the grades are unknown"),
        (["parties", "--sort", "size"], 2, "Invalid value"),
        (["parties", "--limit", "0"], 2, "Invalid value"),
        (["promises", "--as-of", "yesterday"], 2, "RFC 3339"),
        (["show", "acme", "--as-of", "2026-06-01T12:06:00Z"], 2, "--as-of: this moment is yet to come"),
        (["board", "--known-at", "2026-06-05T00:00:00Z"], 2, "--known-at: this moment is yet to come"),
        (["explain", "acme", "--as-of", "2030-01-01T00:00:00Z"], 2, "name one that has passed, or leave it out"),
        (["show"], 2, "Missing argument"),
    ],
)
def test_what_cannot_be_answered_ends_with_its_code_and_says_why(
    troth: Troth, told: Told, arguments: list[str], code: int, says: str
) -> None:
    ended, printed, wrong = troth(told.home, *arguments)
    assert (ended, printed) == (code, "")
    assert says in " ".join(wrong.split())


def test_where_there_is_no_ledger_every_question_says_what_to_do(troth: Troth, tmp_path: Path) -> None:
    for command in (["parties"], ["show", "x"], ["timeline", "x"], ["promises"], ["incidents"], ["entries"]):
        code, _, wrong = troth(tmp_path / "nowhere", *command)
        assert code == 3
        assert "troth demo" in wrong
    assert not (tmp_path / "nowhere").exists()


def test_a_ledger_of_nobody_says_so(troth: Troth, empty: Told) -> None:
    assert "Nothing is recorded yet." in table(troth, empty, "parties")
    assert "No promise meets the question." in table(troth, empty, "promises")
    assert "No incident meets the question." in table(troth, empty, "incidents")
    assert asked(troth, empty, "parties")["parties"] == []


def test_what_was_just_recorded_is_seen_though_nothing_serves(troth: Troth, told: Told) -> None:
    told.report(made("newcomer", "p", "2026-05-31"))
    assert asked(troth, told, "parties", "--search", "newcomer")["count"] == 1


def test_the_program_itself_answers_and_ends_with_its_code(told: Told) -> None:
    program = [sys.executable, "-c", "from infra.cli.app import main; main()"]
    here = Path(__file__).resolve().parents[3]
    environment = {**os.environ, "TROTH_HOME": str(told.home), "PYTHONPATH": str(here)}
    done = subprocess.run(
        [*program, "show", ADDRESS, "--json"], env=environment, cwd=here, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["promised_to_them"]["counts"]["kept_early"] == 1
    done = subprocess.run([*program, "show", "nobody"], env=environment, cwd=here, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "nothing is recorded about this party" in done.stderr
