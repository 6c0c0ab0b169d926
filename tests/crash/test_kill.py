"""kill -9 at every named point and at any time: nothing is lost, doubled or put in another order, and every loop comes on.

This is the short form; `python -m tests.campaigns.kill --rounds 100` kills at each point a hundred times.
"""

import ast
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from infra.failpoint import POINTS
from tests.crash.importing import EVERY_POINT, Importing
from tests.crash.killing import ROOT
from tests.crash.serving import POINTS_SERVED, Serving

IN_TURN = sorted(
    EVERY_POINT, key=lambda each: each in {"inside_build", "inside_rebuild", "before_swap", "inside_swap", "after_swap"}
)


class Second(Random):
    """Not by chance: the first passing that any loop must have come on before."""

    def randrange(self, *_: int) -> int:
        return 1


@pytest.mark.crash
def test_an_import_that_is_killed_at_every_point_ends_as_if_it_never_was(tmp_path: Path) -> None:
    victim = Importing(tmp_path / "victim", seed=1)
    for point in IN_TURN:
        assert victim.kill_at(point, Second()).killed, point
    assert not victim.finish().killed
    victim.verify()


@pytest.mark.crash
def test_an_import_that_is_killed_at_any_time_ends_as_if_it_never_was(tmp_path: Path) -> None:
    victim, chance = Importing(tmp_path / "victim", seed=2), Random()
    for _ in range(6):
        victim.kill_after(chance.uniform(0.0, 0.25))
    victim.finish()
    victim.verify()


@pytest.mark.crash
@pytest.mark.service
def test_a_server_that_is_killed_at_every_point_ends_as_if_it_never_was(tmp_path: Path) -> None:
    victim = Serving(tmp_path / "victim", seed=3)
    for point in POINTS_SERVED:
        victim.kill_at(point, Second())
    victim.kill_after(0.1)
    assert sum(each.killed for each in victim.lives) > len(POINTS_SERVED) // 2
    assert not victim.finish().killed
    victim.verify()


# The points themselves


def test_every_point_is_passed_in_infra_at_one_place_or_at_one_for_each_database() -> None:
    passed = []
    for path in sorted((ROOT / "infra").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "failpoint":
                points = [each.value for each in ast.walk(node.args[0]) if isinstance(each, ast.Constant)]
                passed += [(path.parent.name, each) for each in points if each in POINTS]
    assert {point for _, point in passed} == set(POINTS)
    assert len(passed) == len(set(passed))
    twice = {
        point for room, point in passed if sum(each == point for _, each in passed) > 1 and room not in {"sqlite", "postgres"}
    }
    assert twice == set()


def test_a_name_that_is_no_point_is_said_at_once() -> None:
    started = subprocess.run(
        [sys.executable, "-c", "import infra.failpoint"],
        cwd=ROOT, env={"TROTH_FAILPOINT": "no_such:1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert started.returncode == 1
    assert "TROTH_FAILPOINT names no point: it is one of batch_read, before_append" in started.stderr


def test_without_being_told_nobody_dies() -> None:
    program = "from infra.failpoint import POINTS, failpoint\nfor each in POINTS: failpoint(each)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, env={}, check=False).returncode == 0
