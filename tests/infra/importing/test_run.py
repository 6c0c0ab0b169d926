"""The loop of an import: batches, marks, rejects, and going on where it was killed, however it was killed."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.intake import Incoming, Outcome
from consumers.ports import Conflict, Mark
from domain.entry import Receipt
from domain.refusal import MalformedData, Refusal
from domain.report import read as read_report
from domain.strictjson import read as read_json
from infra.importing import loading, run
from infra.importing.loading import MapRefused
from infra.importing.mapping import CLOUDEVENTS, Map
from infra.importing.run import Counts, dry_run, import_file, mark_name

TICKETS = loading.read("""
source = "urn:test"
party = "{who}"
key = "{n}"
[file]
format = "csv"
[times.t]
format = "%Y-%m-%d %H:%M"
zone = "UTC"
[columns.at]
time = "t"
same_time = "row_order"
[[facts]]
kind = "incident.opened.v1"
when = [{ row_of_key = "first" }]
id = "{n}:opened"
time = "at"
data = { incident_id = "{n}", severity = "{severity}" }
[[facts]]
kind = "incident.reassigned.v1"
when = [{ column = "team", changes = true }]
id = "{n}:{at}:reassigned"
time = "at"
data = { incident_id = "{n}", team = "{team}" }
[[facts]]
kind = "incident.closed.v1"
when = [{ row_of_key = "last" }]
id = "{n}:closed"
time = "at"
data = { incident_id = "{n}" }
""")


class Killed(Exception):
    """Stands for kill -9."""


class Ledger:
    """An intake and a log in memory: records each report once, moves the mark with it, and dies when it is told to."""

    def __init__(self) -> None:
        self.recorded: dict[tuple[str, str], object] = {}
        self.origins: list[str] = []
        self.marks: dict[str, str] = {}
        self.batches: list[int] = []
        self.dies_before: int | None = None
        self.dies_after: int | None = None

    def record(self, batch: Sequence[Incoming], mark: Mark | None = None) -> list[Outcome]:
        if self.dies_before == len(self.batches):
            raise Killed
        assert mark is not None
        if self.marks.get(mark.name) != mark.before:
            raise Conflict("moved by somebody else")
        self.marks[mark.name] = mark.after
        outcomes = [self._weigh(each) for each in batch]
        self.batches.append(len(batch))
        if self.dies_after == len(self.batches):
            raise Killed
        return outcomes

    def _weigh(self, incoming: Incoming) -> Outcome:
        try:
            message = incoming.message if incoming.raw is None else read_json(incoming.raw)
            report = read_report(message)
        except Refusal as refusal:
            self.origins.append(incoming.origin)
            return refusal
        repeated = (report.source, report.id) in self.recorded
        self.recorded[report.source, report.id] = message
        self.origins += [] if repeated else [incoming.origin]
        return Receipt(len(self.recorded), "", "counted", None, repeated)


def tickets(rows: int) -> str:
    lines = ["n,who,at,severity,team"]
    for row in range(rows):
        at = "nonsense" if row % 7 == 3 else f"2011-02-01 10:{row // 40:02}"
        lines.append(f"{row // 5},me,{at},{'low' if row % 50 else 'dire'},{row * 31 % 3}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tickets.csv"
    path.write_text(tickets(200), "utf-8")
    return path


def bring_in(ledger: Ledger, file: Path, of: Map = TICKETS) -> Counts:
    return import_file(file, of, ledger, ledger.marks.get, rejects=file.with_suffix(".rejects"))


def rejected(file: Path) -> list[int]:
    path = file.with_suffix(".rejects")
    return [json.loads(line)["line"] for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def test_a_file_is_recorded_with_its_lines_as_origins(file: Path) -> None:
    ledger = Ledger()
    counts = bring_in(ledger, file)
    assert counts.recorded == len(ledger.recorded) == 208
    assert counts.refused == 3
    assert counts.rejected == len(rejected(file)) == 29
    assert counts.results == 200 + 40
    assert ledger.origins[0] == "import:tickets.csv:2"
    assert len(set(ledger.origins)) > 100
    with file.with_suffix(".rejects").open("rb") as lines:
        assert json.loads(lines.readline()) == {
            "line": 5,
            "reason": "no_such_time",
            "message": "is no time as the map says times are written",
            "pointer": "/at",
            "row": "0,me,nonsense,low,0",
        }


def test_importing_again_sends_nothing_again(file: Path) -> None:
    ledger = Ledger()
    first = bring_in(ledger, file)
    again = bring_in(ledger, file)
    assert again == Counts(results=first.results, rejected=first.rejected, passed=first.results)
    assert len(rejected(file)) == first.rejected


def test_another_map_or_another_file_sends_everything_and_records_nothing_twice(file: Path) -> None:
    ledger = Ledger()
    first = bring_in(ledger, file)
    other = TICKETS.model_copy(update={"facts": TICKETS.facts[:2]})
    assert mark_name(file, TICKETS) != mark_name(file, other)
    assert bring_in(ledger, file, other).recorded == 0
    file.write_bytes(gzip.compress(file.read_bytes()))
    again = bring_in(ledger, file)
    assert (again.recorded, again.repeated) == (0, first.recorded)


@pytest.mark.parametrize("dies", ["before", "after"])
@given(st.data())
def test_an_import_that_is_killed_loses_and_doubles_nothing(
    tmp_path_factory: pytest.TempPathFactory, dies: str, data: st.DataObject
) -> None:
    """Not recorded, or recorded but nobody was told: killed over and over, it comes to the same."""
    file = tmp_path_factory.mktemp("import") / "tickets.csv"
    file.write_text(tickets(200), "utf-8")
    whole = Ledger()
    expected = bring_in(whole, file)
    all_rejects = rejected(file)
    file.with_suffix(".rejects").unlink()
    ledger = Ledger()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "REPORTS_OF_A_BATCH", data.draw(st.integers(1, 40), label="reports of a batch"))
        patch.setattr(run, "RESULTS_OF_A_BATCH", data.draw(st.integers(1, 40), label="results of a batch"))
        for _ in range(data.draw(st.integers(1, 5), label="kills")):
            setattr(ledger, f"dies_{dies}", len(ledger.batches) + data.draw(st.integers(0, 9), label="batches later"))
            try:
                bring_in(ledger, file)
            except Killed:
                assert sorted(rejected(file)) == sorted(set(rejected(file)))
        ledger.dies_before = ledger.dies_after = None
        counts = bring_in(ledger, file)
    assert ledger.recorded == whole.recorded
    assert ledger.origins == whole.origins
    assert rejected(file) == all_rejects
    assert (counts.results, counts.rejected, counts.repeated) == (expected.results, expected.rejected, 0)
    assert sum(ledger.batches) == sum(whole.batches)


def test_two_imports_of_one_file_at_once_are_a_conflict(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "REPORTS_OF_A_BATCH", 50)
    ledger = Ledger()
    ledger.marks[mark_name(file, TICKETS)] = "1"
    with pytest.raises(Conflict):
        import_file(file, TICKETS, ledger, lambda name: None, rejects=file.with_suffix(".rejects"))


def test_rows_that_say_nothing_move_the_mark_too(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "RESULTS_OF_A_BATCH", 10)
    lines = tickets(200).splitlines()
    file.write_text("\n".join([lines[0]] + ["x"] * 95), "utf-8")
    ledger = Ledger()
    assert bring_in(ledger, file) == Counts(results=95, rejected=95)
    assert ledger.batches == [0] * 10
    assert list(ledger.marks.values()) == ["95"]


def test_progress_is_told_in_bytes_of_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "REPORTS_OF_A_BATCH", 20)
    told: list[tuple[int, int, Counts]] = []
    ledger = Ledger()
    counts = import_file(
        file, TICKETS, ledger, ledger.marks.get, rejects=file.with_suffix(".r"), progress=lambda *now: told.append(now)
    )
    assert len(told) == len(ledger.batches) + 1
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert told[-1] == (file.stat().st_size, file.stat().st_size, counts)


def test_the_rejects_never_overwrite_the_file_that_is_imported(file: Path) -> None:
    with pytest.raises(ValueError, match="overwrite"):
        import_file(file, TICKETS, Ledger(), lambda name: None, rejects=file)
    assert file.exists()


def test_the_folder_of_the_rejects_is_made_when_a_row_is_rejected(file: Path, tmp_path: Path) -> None:
    rejects = tmp_path / "no" / "home" / "rejects.jsonl"
    counts = import_file(file, TICKETS, Ledger(), lambda name: None, rejects=rejects)
    assert len(rejects.read_text("utf-8").splitlines()) == counts.rejected > 0
    file.write_text(tickets(3), "utf-8")
    import_file(file, TICKETS, Ledger(), lambda name: None, rejects=tmp_path / "none" / "rejects.jsonl")
    assert not (tmp_path / "none").exists()


def test_rejects_of_an_earlier_run_are_gone_when_there_are_none_now(file: Path) -> None:
    bring_in(Ledger(), file)
    assert rejected(file)
    file.write_text(tickets(3), "utf-8")
    bring_in(Ledger(), file)
    assert not file.with_suffix(".rejects").exists()


def test_a_map_that_does_not_fit_the_file_is_refused_before_anything_is_recorded(file: Path) -> None:
    file.write_text("n,who,at,severity\n1,me,2011-02-01 10:00,low\n", "utf-8")
    ledger = Ledger()
    with pytest.raises(MapRefused, match="no column `team`"):
        bring_in(ledger, file)
    file.write_bytes(b"")
    with pytest.raises(MapRefused, match="names no columns"):
        bring_in(ledger, file)
    assert ledger.marks == {}


def test_reports_that_are_cloudevents_already_are_passed_on_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "reports.json"
    good = {
        "specversion": "1.0",
        "id": "1",
        "source": "urn:test",
        "type": "promise.kept.v1",
        "subject": "me",
        "time": "2011-02-01T10:00:00Z",
        "data": {"promise_id": "p"},
    }
    file.write_text(json.dumps([good, good | {"id": "2", "type": "promise.forgotten.v1"}, good | {"id": "3"}]), "utf-8")
    ledger = Ledger()
    assert bring_in(ledger, file, CLOUDEVENTS) == Counts(results=3, recorded=2, refused=1)
    found = dry_run(file, CLOUDEVENTS)
    assert dict(found.kinds) == {"promise.kept.v1": 2}
    assert [message["id"] for message in found.first] == ["1", "3"]
    [refusal] = found.refused
    assert refusal.startswith("UnknownType at /type: ")


def test_a_dry_run_shows_the_first_reports_and_counts_without_recording(file: Path) -> None:
    found = dry_run(file, TICKETS, show=2)
    assert [message["id"] for message in found.first] == [
        "0:2011-02-01T10:00:00.000001Z:reassigned",
        "0:2011-02-01T10:00:00.000002Z:reassigned",
    ]
    assert sum(found.kinds.values()) == 208
    [(refusal, times)] = found.refused.items()
    assert refusal.startswith("MalformedData at /data/severity: ")
    assert times == 3
    assert dict(found.rejected) == {"no_such_time at /at: is no time as the map says times are written": 29}
    assert [each.line for each in found.first_rejects] == [5, 12]
    assert found.counts == Counts(results=240, rejected=29, refused=3)
    assert not file.with_suffix(".rejects").exists()
    assert MalformedData.__name__ in refusal
