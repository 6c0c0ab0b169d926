"""The contract that is committed, put to a served ledger: whatever it allows, and what it does not, is answered as it says."""

import subprocess
import sys
from pathlib import Path

import pytest

from infra.contracts import generate
from tests.stories.served import serving

pytestmark = pytest.mark.service

CASES = 5
"""How many cases are made up for each operation, besides those at the edges of its parameters."""
SECONDS = 300


def test_a_served_ledger_answers_as_the_contract_says_and_never_with_a_fault(tmp_path: Path) -> None:
    with serving(tmp_path / "home", "demo", "--port", "0", "--until", "2026-06-30") as served:
        asked = [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(Path(__file__).with_name("contract.toml"))),
            *("run", str(generate.COMMITTED / "openapi.json"), "--url", served.url),
            *("--phases", "coverage,fuzzing", "--max-examples", str(CASES)),
        ]
        ended = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS, check=False)
        code, log, _ = served.end()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    operations = sum(map(len, generate.openapi()["paths"].values()))
    assert f"{operations} passed" in ended.stdout
    assert (code, [line for line in log if line["level"] == "error"]) == (0, [])
