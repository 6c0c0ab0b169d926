"""The campaign in `explain_sums.py` on a small crowd, and that it would notice a sum that is wrong."""

from pathlib import Path

import pytest

from tests.campaigns import explain_sums
from tests.crowd import crowd
from tests.ledgers import Ledger


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger that a crowd has reported to, where the environment says it is."""
    with Ledger(tmp_path / "home") as ledger:
        ledger.receipts(*crowd(5, 150, parties=6))
        ledger.settle()
    monkeypatch.setenv("TROTH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("sys.argv", ["explain_sums", "--sample", "2"])
    return tmp_path / "home"


@pytest.mark.usefixtures("home")
def test_every_explanation_of_a_crowd_sums(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain_sums.main() == 0
    now, promisors, then = capsys.readouterr().out.splitlines()
    assert now.startswith("6 parties now, both ways: ")
    assert " promisors now: " in promisors
    assert then.startswith("2 parties at 10 moments each (20): ")


def test_a_sum_that_is_wrong_is_noticed(home: Path) -> None:
    with Ledger(home) as ledger:
        generation = next(each.generation for each in ledger.views.built() if each.name == "trust")
        table = f"trust_sums__{generation}"
        ledger.views.connection.execute(f"UPDATE {table} SET mass = mass || '0' WHERE subject = 'party-1'")  # noqa: S608
    with pytest.raises(AssertionError, match="party-1"):
        explain_sums.main()
