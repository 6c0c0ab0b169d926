"""A small ledger that was told a story, through the real intake and the real drivers; each test has a copy of its own.

It was told in two sittings, on 2026-03-01 and 2026-05-20, and now it is noon on 2026-06-01. See `tests/infra/story.py`.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import time_machine

from infra.cli.app import main
from tests.infra.story import SITTINGS, Told


@pytest.fixture(scope="session")
def told_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the ledger as it was told, to be copied."""
    told = Told(tmp_path_factory.mktemp("told") / "home")
    for at, reports in SITTINGS:
        told.report(*reports, at=at)
    told.catch_up()
    return told.home


@pytest.fixture
def told(told_once: Path, tmp_path: Path) -> Iterator[Told]:
    """A ledger of the test's own that was told the story, at noon on 2026-06-01."""
    shutil.copytree(told_once, tmp_path / "home")
    with time_machine.travel("2026-06-01T12:00:00Z", tick=False):
        yield Told(tmp_path / "home")


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Told]:
    """A ledger that was told nothing yet."""
    with time_machine.travel("2026-06-01T12:00:00Z", tick=False):
        ledger = Told(tmp_path / "empty")
        ledger.catch_up()
        yield ledger


@pytest.fixture
def troth(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs the command line on the ledger in a folder: its exit code, what it printed, and what it said was wrong."""

    def run(home: Path, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setenv("TROTH_HOME", str(home))
        monkeypatch.setenv("COLUMNS", "220")
        monkeypatch.setattr("sys.argv", ["troth", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return run
