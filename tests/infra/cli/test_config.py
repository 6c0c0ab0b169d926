"""The settings, and `troth config`: where each comes from, and what is wrong with one; what is secret is never shown."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from infra.settings import Settings

ROOT = Path(__file__).parents[3]
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


@pytest.mark.parametrize(
    "address",
    [
        f"localhost/{PASSWORD}",
        f"troth:{PASSWORD}@localhost/troth",
        f"postgresql://troth:{PASSWORD}%zz@localhost/troth",
        f"postgresql://troth:{PASSWORD}%ff@localhost/troth",
        f"postgresql://troth:at@{PASSWORD}@localhost/troth",
        f"postgresql://troth:{PASSWORD}/slash@localhost/troth",
        f"host=localhost password='{PASSWORD}",
        f"host=localhost passwort={PASSWORD}",
    ],
)
def test_an_address_that_cannot_be_read_is_a_wrong_setting_and_nothing_of_it_is_said(
    troth: Troth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("TROTH_DATABASE", address)
    for command in ("config", "doctor", "status"):
        code, printed, wrong = troth(tmp_path, command)
        assert code == 2
        assert "TROTH_DATABASE: this is no address of a PostgreSQL" in wrong
        assert PASSWORD not in printed + wrong
    with pytest.raises(ValidationError) as raised:
        Settings()
    assert PASSWORD not in str(raised.value)


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://troth:{PASSWORD}%40%25@localhost:5432/troth",
        "postgresql://one:5432,other:5433/troth",
        "postgresql://[::1]/troth",
        "postgresql:///troth?host=/tmp/pg",
        "user=postgres dbname=troth host=/tmp/pg",
        "host=@abstract dbname=troth",
    ],
)
def test_an_address_is_a_url_or_keys_and_values(address: str) -> None:
    database = Settings(database=SecretStr(address)).database
    assert database is not None
    assert database.get_secret_value() == address


def test_what_needs_no_database_does_not_wait_for_its_client() -> None:
    asked = "import sys; from infra.cli.app import app; from infra.settings import Settings; Settings(); "
    asked += "sys.exit('psycopg' in sys.modules)"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TROTH_")}
    ended = subprocess.run([sys.executable, "-c", asked], env=environment, cwd=ROOT, check=False)
    assert ended.returncode == 0
