"""What is installed is what is here: the extra, the group, the lock and the wheel."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("domain", "projections", "consumers", "infra")

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCK = (ROOT / "requirements.lock").read_text("utf-8")


def test_the_test_extra_and_the_dev_group_are_the_same_list() -> None:
    assert PYPROJECT["project"]["optional-dependencies"]["test"] == PYPROJECT["dependency-groups"]["dev"]


def test_the_lock_pins_every_dependency_within_its_bounds() -> None:
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)", LOCK, re.MULTILINE))
    project = PYPROJECT["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    asked = [Requirement(line) for lines in lists for line in lines]
    assert [str(each) for each in asked if locked.get(canonicalize_name(each.name), "") not in each.specifier] == []


def test_the_lock_names_hashes_and_no_address() -> None:
    pinned = re.findall(r"^[\w.-]+==.*(?:\n    .*)*", LOCK, re.MULTILINE)
    assert [lines.split()[0] for lines in pinned if "--hash=sha256:" not in lines] == []
    assert "://" not in LOCK
    assert not re.search(r"^\s*--(?!hash=)", LOCK, re.MULTILINE)


def test_the_wheel_holds_the_four_rooms_whole_and_nothing_else(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("troth-*.whl")
    packed = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    here = {path.relative_to(ROOT).as_posix() for room in ROOMS for path in (ROOT / room).rglob("*") if path.is_file()}
    assert packed == {name for name in here if "__pycache__" not in name}
