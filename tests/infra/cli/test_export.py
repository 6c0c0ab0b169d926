"""`troth export`: what it says, what it is called, what it does not overwrite."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from tests.infra.story import Told

Troth = Callable[..., tuple[int, str, str]]


def test_an_export_says_what_it_holds_and_leaves_nobodys_name_outside(troth: Troth, told: Told, tmp_path: Path) -> None:
    path = tmp_path / "told.parquet"
    code, printed, wrong = troth(told.home, "export", str(path), "--json")
    said = json.loads(printed)
    assert (code, wrong) == (0, "")
    assert (said["ledger"], said["format"], said["entries"], said["first_position"]) == ("main", "parquet", 73, 0)
    assert said["sha256"] == sha256(path.read_bytes()).hexdigest()
    assert json.loads(Path(said["manifest"]).read_bytes()) == {k: v for k, v in said.items() if k not in {"file", "manifest"}}
    assert "acme" not in printed
    code, printed, _ = troth(told.home, "export", str(path), "--force")
    assert (code, "73 entries of the ledger main" in printed, said["entries_sha256"] in printed) == (0, True, True)


def test_without_a_name_it_is_the_ledgers_in_this_folder(
    troth: Troth, told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for form in ("jsonl", "parquet"):
        assert troth(told.home, "export", "--format", form)[0] == 0
    assert {each.name for each in tmp_path.glob("main.*")} == {
        "main.jsonl", "main.jsonl.manifest.json", "main.parquet", "main.parquet.manifest.json"
    }  # fmt: skip
    code, _, wrong = troth(told.home, "export")
    assert (code, "main.jsonl is there already: --force overwrites it" in wrong) == (1, True)


def test_what_cannot_be_exported_is_said(troth: Troth, told: Told, tmp_path: Path) -> None:
    code, _, wrong = troth(told.home, "export", str(tmp_path / "no" / "file"))
    assert (code, "could not be written: No such file or directory" in wrong) == (1, True)
    assert troth(tmp_path / "nothing", "export", str(tmp_path / "file"))[0] == 3
