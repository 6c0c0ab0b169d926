"""The gates that are programs of their own: one line runs every one of them together with the tests."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# import-linter can be started by its script or its function only, not by `python -m`.
LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"


def python(*arguments: str) -> None:
    """Run a tool of this interpreter's own environment at the top of the repository, and show what it had to say."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if done.returncode != 0:
        pytest.fail(done.stdout, pytrace=False)


def test_the_linter_finds_nothing() -> None:
    python("-m", "ruff", "check")


def test_the_formatter_would_change_nothing() -> None:
    python("-m", "ruff", "format", "--check")


def test_the_types_of_the_four_rooms_hold() -> None:
    python("-m", "mypy")


def test_every_import_contract_is_kept() -> None:
    python("-c", LINT_IMPORTS)
