"""Exporting: all of the record, byte by byte, in a file that is there whole or not at all."""

import json
import os
import resource
import signal
import subprocess
import sys
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet
import pytest

from consumers.ports import LOG, Reached, Stored
from domain.entry import Entry, encode, leaf_hash
from infra.exporting.export import export
from infra.exporting.files import MissingExtra, open_feed
from infra.exporting.manifest import DamagedFile, Form, Manifest, NoExportHere, beside
from infra.exporting.whole import NotExported
from tests.crowd import crowd
from tests.ledgers import NOW, Ledger

FORMS: list[Form] = ["jsonl", "parquet"]


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """A ledger with some thousand entries."""
    ledger = Ledger(tmp_path_factory.mktemp("ledger"))
    reports = crowd(1, 1_000, parties=20)
    for begun in range(0, len(reports), 500):
        ledger.report(*reports[begun : begun + 500])
    return ledger


@pytest.fixture
def small(tmp_path: Path) -> Ledger:
    """A ledger that holds nothing but the policy."""
    return Ledger(tmp_path / "small")


def exported(ledger: Ledger, path: Path, form: Form) -> Manifest:
    """The manifest of the whole record, exported."""
    return export(ledger.log, path, form, NOW)


def plain(entry: Entry) -> Entry:
    """The entry without its place on the record."""
    return Entry(*(getattr(entry, name) for name in Entry.__struct_fields__))


def read(path: Path, limit: int = 700) -> list[Stored]:
    """All that is in an exported file."""
    feed, _ = open_feed(path)
    at, found = Reached(), []
    while runs := feed.take({LOG: at}, limit):
        (run,) = runs
        found += [Stored(position, encode(plain(entry))) for position, entry in run.entries]
        at = Reached(run.entries[-1][0] + 1, run.offset)
    assert at.offset == feed.ends()[LOG]
    assert not feed.more
    feed.close()
    return found


@pytest.mark.parametrize("form", FORMS)
def test_what_is_exported_is_read_again_byte_by_byte(ledger: Ledger, tmp_path: Path, form: Form) -> None:
    path = tmp_path / "file"
    manifest = exported(ledger, path, form)
    assert read(path) == ledger.stored()
    assert manifest.entries == ledger.log.end() > 2_500
    assert (manifest.first_position, manifest.last_position) == (0, manifest.entries - 1)
    assert manifest.sha256 == sha256(path.read_bytes()).hexdigest()
    leaves = b"".join(bytes.fromhex(leaf_hash(each.state)) for each in ledger.stored())
    assert manifest.entries_sha256 == sha256(leaves).hexdigest()
    assert Manifest.model_validate_json(beside(path).read_bytes()) == manifest


@pytest.mark.parametrize("form", FORMS)
def test_reading_goes_on_at_any_position(ledger: Ledger, tmp_path: Path, form: Form) -> None:
    exported(ledger, tmp_path / "file", form)
    feed, _ = open_feed(tmp_path / "file")
    (first,) = feed.take({LOG: Reached()}, 1_234)
    begun = Reached(1_234, first.offset)
    (second,) = feed.take({LOG: begun}, 10)
    (again,) = feed.take({LOG: begun}, 10)
    assert [position for position, _ in second.entries] == [*range(1_234, 1_244)] == [position for position, _ in again.entries]
    assert feed.of_party("party-7") == ledger.log.of_party("party-7") != []
    feed.close()


@pytest.mark.parametrize("form", FORMS)
def test_a_record_with_next_to_nothing_in_it_can_be_exported(small: Ledger, tmp_path: Path, form: Form) -> None:
    assert exported(small, tmp_path / "file", form).entries == 1
    assert read(tmp_path / "file") == small.stored()


@pytest.mark.parametrize("form", FORMS)
def test_a_record_with_nothing_in_it_can_be_exported(
    small: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Form
) -> None:
    monkeypatch.setattr(small.log, "end", lambda: 0)
    manifest = exported(small, tmp_path / "file", form)
    assert (manifest.entries, manifest.first_position, manifest.last_position) == (0, None, None)
    assert read(tmp_path / "file") == []


def test_what_comes_while_it_is_exported_is_left_for_the_next_time(small: Ledger, tmp_path: Path) -> None:
    reports = crowd(2, 900)
    small.report(*reports[:1_500])
    small.report(*reports[1_500:2_400])
    end = small.log.end()
    manifest = export(
        small.log, tmp_path / "file", "jsonl", NOW, progress=lambda done, _: small.report(*reports[2_400:]) and None
    )
    assert manifest.entries == end < small.log.end()
    assert read(tmp_path / "file") == small.stored()[:end]


def test_the_columns_of_parquet_say_what_the_entries_say(ledger: Ledger, tmp_path: Path) -> None:
    manifest = exported(ledger, tmp_path / "file.parquet", "parquet")
    file = pyarrow.parquet.ParquetFile(tmp_path / "file.parquet")
    rows = file.read().to_pylist()
    for row, stored, entry in zip(rows, ledger.stored(), ledger.entries(), strict=True):
        assert (row["position"], row["state"]) == stored
        assert [row[name] for name in ("kind", "party", "stream", "version", "source", "id")] == [
            getattr(entry, name) for name in ("kind", "party", "stream", "version", "source", "id")
        ]
        assert row["after"] == encode(entry.after)
        assert row["happened_at"].timestamp() == pytest.approx(entry.happened_at / 1e6)
    said = json.loads(file.metadata.metadata[b"troth"])
    assert said["entries_sha256"] == manifest.entries_sha256


def test_both_forms_hold_the_same_entries(ledger: Ledger, tmp_path: Path) -> None:
    assert len({exported(ledger, tmp_path / form, form).entries_sha256 for form in FORMS}) == 1


# What is altered


def altered(lines: list[bytes], how: str) -> list[bytes]:
    """The lines, the one of position 1,499 altered."""
    at = 1_499
    match how:
        case "missing":
            return lines[:at] + lines[at + 1 :]
        case "doubled":
            return lines[: at + 1] + lines[at:]
        case "swapped":
            return [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]
        case "changed":
            return [*lines[:at], lines[at].replace(b'"recorded_at":1', b'"recorded_at":2'), *lines[at + 1 :]]
        case "no json":
            return [*lines[:at], lines[at].replace(b"{", b"[", 1), *lines[at + 1 :]]
        case "cut off":
            return [*lines[:at], lines[at][:-9]]
        case "ended":
            return lines[:at]
        case _:
            return [*lines, lines[-1]]


@pytest.mark.parametrize(
    ("how", "where"),
    [
        ("missing", "line 1,500 of"),
        ("doubled", "line 1,501 of"),
        ("swapped", "line 1,500 of"),
        ("changed", "lines 1,001 to 2,000 of"),
        ("no json", "line 1,500 of"),
        ("cut off", "line 1,500 of"),
        ("ended", "behind line 1,499 of"),
        ("gone on", "line 2,744 of"),
    ],
)
def test_an_altered_line_is_found_and_said_which(ledger: Ledger, tmp_path: Path, how: str, where: str) -> None:
    path = tmp_path / "file"
    exported(ledger, path, "jsonl")
    path.write_bytes(b"".join(altered(path.read_bytes().splitlines(keepends=True), how)))
    with pytest.raises(DamagedFile, match=where):
        open_feed(path)


@pytest.mark.parametrize("place", ["rows", "end", "cut off"])
def test_altered_parquet_is_found(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.setattr("infra.exporting.parquet.ROWS_OF_A_GROUP", 1_000)
    path = tmp_path / "file"
    exported(ledger, path, "parquet")
    whole = bytearray(path.read_bytes())
    where = "its end"
    if place == "rows":
        group = pyarrow.parquet.ParquetFile(path).metadata.row_group(2)
        whole[group.column(10).data_page_offset + 500] ^= 1
        where = "positions 2,000 to 2,742"
    elif place == "end":
        whole[-20] ^= 0xFF
    else:
        del whole[-100:]
    path.write_bytes(whole)
    with pytest.raises(DamagedFile, match=where):
        open_feed(path)


def test_a_file_without_its_manifest_or_with_one_of_the_future_is_no_export(small: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "file"
    manifest = exported(small, path, "jsonl")
    beside(path).write_text(manifest.model_copy(update={"format_version": 2}).model_dump_json(), "utf-8")
    with pytest.raises(NoExportHere, match=r"exported by troth 0\.1\.0"):
        open_feed(path)
    beside(path).write_bytes(b"{}")
    with pytest.raises(DamagedFile, match="no manifest"):
        open_feed(path)
    beside(path).unlink()
    with pytest.raises(NoExportHere, match="manifest beside it"):
        open_feed(path)


# What is not exported


def test_a_file_that_is_there_is_overwritten_only_when_told_to(small: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"mine")
    with pytest.raises(NotExported, match="--force"):
        exported(small, path, "jsonl")
    assert path.read_bytes() == b"mine"
    export(small.log, path, "jsonl", NOW, force=True)
    assert read(path) == small.stored()
    assert path.stat().st_mode & 0o077 == 0


def test_a_folder_that_is_not_there_is_said(small: Ledger, tmp_path: Path) -> None:
    with pytest.raises(NotExported, match="No such file or directory"):
        exported(small, tmp_path / "no" / "file", "jsonl")


EXPORT = """
import sys
from contextlib import closing
from pathlib import Path
from infra.exporting.export import export
from infra.exporting.whole import NotExported
from infra.sqlite.log import SQLiteLog
home, path, form = sys.argv[1:]
with closing(SQLiteLog(Path(home), lambda: 0)) as log:
    try:
        export(log, Path(path), form, 0)
    except NotExported as why:
        sys.exit(str(why))
"""


def run(ledger: Ledger, path: Path, form: str, environment: dict[str, str], file_size: int | None = None) -> tuple[int, str]:
    """How an export in a process of its own ends, and what it says."""

    def limit() -> None:
        if file_size is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))

    ended = subprocess.run(
        [sys.executable, "-c", EXPORT, str(ledger.home), str(path), form],
        env=os.environ | environment,
        cwd=Path(__file__).parents[3],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        preexec_fn=limit,
    )
    return ended.returncode, ended.stderr


@pytest.mark.parametrize("form", FORMS)
def test_where_there_is_no_space_nothing_is_left(ledger: Ledger, tmp_path: Path, form: Form) -> None:
    code, said = run(ledger, tmp_path / "file", form, {}, file_size=100_000)
    assert (code, said.count("\n")) == (1, 1), said
    assert "could not be written: File too large; nothing of it is left" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.crash
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("point", ["inside_export:1", "inside_export:2", "ending_export"])
def test_an_export_that_is_killed_leaves_nothing_that_looks_whole_and_can_be_repeated(
    ledger: Ledger, tmp_path: Path, form: Form, point: str
) -> None:
    path = tmp_path / "file"
    code, said = run(ledger, path, form, {"TROTH_FAILPOINT": point})
    assert (code, said) == (-signal.SIGKILL, "")
    assert not path.exists()
    exported(ledger, path, form)
    assert read(path) == ledger.stored()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "file.manifest.json"]


def test_two_exports_to_one_file_are_in_each_others_way(small: Ledger, tmp_path: Path) -> None:
    def another(_: int, __: int) -> None:
        with pytest.raises(NotExported, match="another process"):
            exported(small, tmp_path / "file", "jsonl")

    export(small.log, tmp_path / "file", "jsonl", NOW, progress=another)
    assert read(tmp_path / "file") == small.stored()


def test_without_the_extra_it_is_said_what_to_install(small: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "infra.exporting.parquet", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"pip install 'troth\[parquet\]'"):
        exported(small, tmp_path / "file", "parquet")
    assert list(tmp_path.glob("*file*")) == []


def test_positions_that_do_not_follow_each_other_are_no_export(ledger: Ledger, tmp_path: Path) -> None:
    """What `previous` says is checked too: it is 0, 1, 2 … in a file that holds all of the record."""
    exported(ledger, tmp_path / "file", "jsonl")
    said = [json.loads(line) for line in (tmp_path / "file").read_bytes().splitlines()]
    assert all(two["previous"] == one["position"] == two["position"] - 1 for one, two in pairwise(said))
