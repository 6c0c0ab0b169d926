"""`troth serve` as a process: it says where it listens, takes reports, answers, drains when told to end, and starts again."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.ledgers import kept, made
from tests.stories.served import SECONDS, TROTH, Served, serving

pytestmark = pytest.mark.service


def troth(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    environment = os.environ | {"TROTH_HOME": str(home), "COLUMNS": "200"}
    return subprocess.run([*TROTH, *arguments], env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)


def until(served: Served, path: str, met: Any) -> Any:
    """The first answer that meets the condition."""
    for _ in range(2_000):
        answer = served.ask(path)
        if met(answer):
            return answer
    raise AssertionError(answer)


def test_a_promise_is_reported_kept_and_scored_and_the_answers_survive_the_process(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        assert served.ask("/readyz")["ready"] or until(served, "/readyz", lambda answer: answer["ready"])
        receipt = served.ask("/reports", made("acme", "p", "2026-01-01", "2026-01-10"))
        assert receipt["outcome"] == "counted"
        assert served.ask("/reports", kept("acme", "p", "2026-01-09"))["position"] > receipt["position"]
        until(served, "/parties/acme/trust", lambda answer: answer.get("in_us", {}).get("as_desired_count") == 1)
        explained = served.ask("/parties/acme/explanation?as_of=2026-02-01T00:00:00Z")
        projections = until(served, "/projections", lambda answer: all(each["lag"] == 0 for each in answer["projections"]))
        code, log, rest = served.end()
    assert (code, rest) == (0, "")
    assert [line["event"] for line in log] == ["serving", "stopping", "stopped"]
    assert log[0]["address"] == served.url
    with serving(tmp_path) as served:
        assert served.ask("/projections") == projections
        again = served.ask("/parties/acme/explanation?as_of=2026-02-01T00:00:00Z")
        assert {name: each for name, each in again.items() if name != "asked"} == {
            name: each for name, each in explained.items() if name != "asked"
        }
        assert served.end(signal.SIGINT)[0] == 0


def test_what_was_under_way_is_answered_before_it_ends(tmp_path: Path) -> None:
    def batch(number: int) -> list[dict[str, Any]]:
        return [made(f"p{number}", f"{each}", ident=f"{number}-{each}") for each in range(500)]

    with serving(tmp_path) as served, ThreadPoolExecutor(4) as requests:
        media = "application/cloudevents-batch+json"
        answers = [requests.submit(served.ask, "/reports", batch(number), media=media) for number in range(4)]
        answers[0].result(SECONDS)
        code, _, _ = served.end()
        receipts: list[dict[str, Any]] = []
        for answer in answers:
            if answer.exception(SECONDS) is None:  # the server had not taken its connection yet
                receipts += answer.result()
    assert code == 0
    assert len(receipts) >= 500
    with sqlite3.connect(tmp_path / "ledger.sqlite") as ledger:
        recorded = {position for (position,) in ledger.execute("SELECT position FROM stored_events")}
    ledger.close()
    assert {each["position"] for each in receipts} <= recorded
    assert recorded == set(range(len(recorded)))


def test_a_second_one_on_the_same_folder_says_so_and_binds_nothing(tmp_path: Path) -> None:
    with serving(tmp_path), socket.create_server(("127.0.0.1", 0)) as taken:
        # Its port is taken too: that it does not say so shows that it did not come to binding.
        ended = troth(tmp_path, "serve", "--port", str(taken.getsockname()[1]))
    assert ended.returncode == 4
    assert "another process" in ended.stderr
    assert "cannot listen" not in ended.stderr


@pytest.mark.parametrize(
    ("command", "instead"), [("serve --port", "--port of `troth serve`"), ("run clock --health", "another with --health")]
)
def test_a_port_that_is_taken_is_named_and_how_to_choose_another(tmp_path: Path, command: str, instead: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = troth(tmp_path, *command.split(), str(port))
    assert ended.returncode == 4
    assert f"cannot listen on port {port} of 127.0.0.1" in ended.stderr
    assert instead in ended.stderr


def test_drivers_that_fail_stop_the_process_with_what_to_do(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        for number in range(3):
            served.ask("/reports", made("acme", f"p{number}"))
        until(served, "/projections", lambda answer: all(each["lag"] == 0 for each in answer["projections"]))
        with sqlite3.connect(tmp_path / "ledger.sqlite") as ledger:
            ledger.execute("UPDATE stored_events SET position = position + 10 WHERE position = 3")
        ledger.close()
        code, log, rest = served.ended()
    assert code == 3
    assert "loop_failed" in [line["event"] for line in log]
    assert "an entry is missing" in rest
    assert "troth doctor" in rest


def test_a_record_that_is_damaged_stops_the_process_and_is_not_served_again(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        until(served, "/readyz", lambda answer: answer["ready"])
        record = tmp_path / "ledger.sqlite"
        record.write_bytes(b"\xa5" * record.stat().st_size)
        assert served.ask("/reports", made("acme", "p"))["title"] == "NotRecorded"
        code, log, rest = served.ended()
    assert code == 3
    assert "intake_failed" in [line["event"] for line in log]
    assert "troth doctor" in rest
    again = troth(tmp_path, "serve", "--port", "0")
    assert (again.returncode, "Traceback" in again.stderr) == (3, False)
    assert f"{record}: file is not a database" in again.stderr


def test_commands_work_beside_it_and_a_rebuild_is_done_by_it(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        served.ask("/reports", made("acme", "p"))
        until(served, "/parties", lambda answer: answer["parties"])
        shown = json.loads(troth(tmp_path, "status", "--json").stdout)
        assert shown["entries"] == 2
        rebuilt = troth(tmp_path, "rebuild", "trust", "--json")
        assert rebuilt.returncode == 0, rebuilt.stderr
        (trust,) = json.loads(rebuilt.stdout)["projections"]
        assert trust in shown["projections"]
        report = tmp_path / "report.json"
        report.write_text(json.dumps(kept("acme", "p", "2026-01-02")))
        assert troth(tmp_path, "report", str(report)).returncode == 0
        until(served, "/parties/acme/trust", lambda answer: answer["in_us"]["as_desired_count"] == 1)
        assert troth(tmp_path, "doctor").returncode == 0
        assert served.end()[0] == 0


def test_a_rebuild_that_differs_stops_it_until_somebody_has_decided(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        served.ask("/reports", made("acme", "p"))
        until(served, "/parties", lambda answer: answer["parties"])
        with sqlite3.connect(tmp_path / "views.sqlite") as views:
            (generation,) = views.execute("SELECT generation FROM projections WHERE name = 'company'").fetchone()
            views.execute(f"UPDATE promises__{generation} SET person = 'somebody else'")  # noqa: S608  # a number of ours
        views.close()
        assert served.ask("/projections/company/rebuild", {})["name"] == "company"
        code, _, rest = served.ended()
    assert (code, "`troth rebuild --discard`" in rest) == (1, True)
    assert "rebuild of company" in troth(tmp_path, "doctor").stdout
    again = troth(tmp_path, "serve", "--port", "0")
    assert (again.returncode, "`troth rebuild --discard`" in again.stderr) == (1, True)
    assert troth(tmp_path, "rebuild", "--discard").returncode == 0
    with serving(tmp_path) as served:
        assert until(served, "/parties", lambda answer: answer["parties"])
        assert served.end()[0] == 0


def test_the_demo_is_served_with_commands_to_try(tmp_path: Path) -> None:
    with serving(tmp_path, "demo", "--port", "0", "--until", "2026-06-30") as served:
        assert len(served.ask("/parties?limit=1000")["parties"]) == 25
        assert served.ask("/parties/harbour-hotel/trust")["in_us"]["evidence_count"] > 30
        assert served.end()[0] == 0
