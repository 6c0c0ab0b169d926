"""`troth config`: where each setting comes from, and what is wrong with one; what is secret is never shown."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Troth = Callable[..., tuple[int, str, str]]
PASSWORD = "swordfish"  # nobody's


def listed(troth: Troth, home: Path, expected: int = 0) -> dict[str, Any]:
    """What `troth config --json` says of each setting."""
    code, printed, wrong = troth(home, "config", "--json")
    assert code == expected, wrong
    return {each["setting"]: each for each in json.loads(printed)["settings"]}


def test_it_says_where_each_value_comes_from(troth: Troth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TROTH_PORT", "9000")
    settings = listed(troth, tmp_path)
    assert (settings["TROTH_PORT"]["value"], settings["TROTH_PORT"]["from"]) == ("9000", "environment")
    assert (settings["TROTH_LEDGER"]["value"], settings["TROTH_LEDGER"]["from"]) == ("main", "default")
    assert all(each["meaning"] for each in settings.values())


def test_it_says_what_is_wrong_with_a_setting(troth: Troth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TROTH_HOST", "0.0.0.0")  # noqa: S104  # refused is what it is to be
    monkeypatch.setenv("TROTH_PROT", "9000")
    code, printed, wrong = troth(tmp_path, "config")
    assert code == 2
    assert "0.0.0.0" in printed  # noqa: S104  # the same
    assert "TROTH_HOST: troth has no access control yet" in wrong
    assert "TROTH_PROT is set and is no setting" in wrong
    assert troth(tmp_path, "status")[0] == 2


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104  # the same
def test_a_secret_is_masked_whether_or_not_another_setting_is_wrong(
    troth: Troth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("TROTH_HOST", host)
    monkeypatch.setenv("troth_database", f"postgresql://troth:{PASSWORD}@localhost/troth")
    expected = 0 if host == "127.0.0.1" else 2
    database = listed(troth, tmp_path, expected)["TROTH_DATABASE"]
    assert (database["value"], database["from"]) == ("**********", "environment")
    for command in (("config",), ("config", "--json")):
        assert PASSWORD not in str(troth(tmp_path, *command))
