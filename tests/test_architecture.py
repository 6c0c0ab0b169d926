"""The rules of the house that no linter knows: sizes, names, docstrings, purity, golden reports, a true README."""

import ast
import importlib
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from domain.kinds import KINDS
from domain.report import Envelope

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("domain", "projections", "consumers", "infra")
GOLDEN = ROOT / "tests" / "golden"
README = ROOT / "README.md"

LINES_OF_A_FUNCTION = 40
LINES_OF_A_FILE = 300
LINES_OF_A_TEST_FILE = 400

LONG_FUNCTIONS: dict[str, str] = {}
"""`infra/cli/app.py::main`: why it is longer than a screen."""
LONG_FILES: dict[str, str] = {}
"""`infra/cli/app.py`: why it takes more than one sitting."""

NO_NAMES = {"utils", "helpers", "common", "core", "base", "misc", "manager", "service", "shared", "types"}
"""What a module is called by those who have not understood it yet."""

IMPURE_BUILTINS = {"__import__", "breakpoint", "eval", "exec", "input", "open", "print"}
IMPURE_NAMES = {
    "date.today", "datetime.now", "datetime.today", "datetime.utcnow", "os.environ", "os.getenv",
    "time.monotonic", "time.time", "time.time_ns", "uuid.uuid1", "uuid.uuid4",
}  # fmt: skip
"""The clock, chance and the machine. import-linter forbids whole modules; datetime and uuid have pure uses too."""


@cache
def modules(*places: str) -> dict[str, ast.Module]:
    """The syntax tree of each Python file in these folders, by its path from the top of the repository."""
    paths = [path for place in places for path in sorted((ROOT / place).rglob("*.py"))]
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8")) for path in paths}


def found(places: tuple[str, ...], offends: Callable[[ast.AST], bool]) -> list[str]:
    """`path:line` of each node in these folders that offends."""
    return [
        f"{path}:{getattr(node, 'lineno', 1)}"
        for path, tree in modules(*places).items()
        for node in ast.walk(tree)
        if offends(node)
    ]


# Sizes


def test_a_function_fits_on_a_screen() -> None:
    long = {
        f"{path}::{node.name}": lines
        for path, tree in modules(*ROOMS).items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > LINES_OF_A_FUNCTION
    }
    assert long.keys() == LONG_FUNCTIONS.keys(), long


@pytest.mark.parametrize(
    ("places", "most"), [(ROOMS, LINES_OF_A_FILE), (("tests",), LINES_OF_A_TEST_FILE)], ids=["rooms", "tests"]
)
def test_a_file_is_read_in_one_sitting(places: tuple[str, ...], most: int) -> None:
    lengths = {path: len((ROOT / path).read_text("utf-8").splitlines()) for path in modules(*places)}
    long = {path: lines for path, lines in lengths.items() if lines > most}
    assert long.keys() == {path for path in LONG_FILES if path in lengths}, long


def test_every_exception_has_its_reason() -> None:
    assert all(reason.strip() for reason in (*LONG_FUNCTIONS.values(), *LONG_FILES.values()))


# Names and docstrings


def test_no_module_is_named_for_nothing() -> None:
    assert [path for path in modules(*ROOMS, "tests") if NO_NAMES & set(Path(path).with_suffix("").parts)] == []


def test_every_module_and_everything_public_in_it_says_what_it_is() -> None:
    silent = [
        f"{path}::{name}"
        for path, tree in modules(*ROOMS).items()
        for name, node in public(tree)
        if not ast.get_docstring(node)
    ]
    assert silent == []


def public(
    tree: ast.Module,
) -> Iterator[tuple[str, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]]:
    """The module, its public classes and functions, and the public methods of those classes."""
    yield "(module)", tree
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node.name, node
            for inner in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and not inner.name.startswith("_"):
                    yield f"{node.name}.{inner.name}", inner


def test_an_init_holds_the_map_of_its_room_and_nothing_else() -> None:
    maps = {path: tree for path, tree in modules(*ROOMS).items() if path.endswith("__init__.py")}
    assert [path for path, tree in maps.items() if len(tree.body) != 1 or not ast.get_docstring(tree)] == []


# What the rooms may do


@pytest.mark.parametrize("room", ROOMS)
def test_the_room_that_is_imported_is_ours(room: str) -> None:
    assert Path(importlib.import_module(room).__file__ or "") == ROOT / room / "__init__.py"


def test_what_is_no_refusal_is_not_caught() -> None:
    def blind(node: ast.AST) -> bool:
        if not isinstance(node, ast.ExceptHandler) or ast.unparse(node.body[-1]) == "raise":
            return False  # to undo and go on raising is no catching
        caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        return any(each is None or ast.unparse(each) in {"Exception", "BaseException"} for each in caught)

    assert found(ROOMS, blind) == []


def test_only_the_command_line_prints() -> None:
    def prints(node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and ast.unparse(node.func) == "print"

    assert [place for place in found(ROOMS, prints) if not place.startswith("infra/cli/")] == []


def test_time_and_chance_come_into_the_domain_and_the_projections_as_arguments() -> None:
    def impure(node: ast.AST) -> bool:
        match node:
            case ast.Call(func=ast.Name(id=name)):
                return name in IMPURE_BUILTINS
            case ast.Attribute():
                return ".".join(ast.unparse(node).split(".")[-2:]) in IMPURE_NAMES
            case ast.ImportFrom(module=module, names=names):
                return any(f"{module}.{each.name}" in IMPURE_NAMES for each in names)
        return False

    assert found(("domain", "projections"), impure) == []


# Golden reports: one stored example of every released kind and version, only ever added to


def test_every_released_kind_has_a_golden_report_and_none_was_taken_back() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.json")) == sorted(KINDS)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_a_golden_report_is_read_as_the_kind_that_it_is_named_for(path: Path) -> None:
    envelope = Envelope.model_validate(json.loads(path.read_text("utf-8")))
    fact = KINDS[path.stem].model_validate(envelope.data)
    assert envelope.type == fact.KIND == path.stem


# The README


def test_every_path_that_the_readme_names_exists() -> None:
    text = README.read_text("utf-8")
    in_code = re.findall(rf"`((?:{'|'.join(ROOMS)}|tests|\.ci)/[\w./*-]*)`", text)
    linked = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if ":" not in link]
    assert [path for path in (*in_code, *linked) if path and not any(ROOT.glob(path.rstrip("/")))] == []


def test_the_readme_lists_every_setting_with_its_default_and_what_it_is() -> None:
    table = re.search(r"<!-- settings -->(.*)<!-- /settings -->", README.read_text("utf-8"), re.DOTALL)
    assert table is not None
    rows = [line for line in table[1].splitlines() if line.startswith("| `")]
    settings = importlib.import_module("infra.settings").Settings
    prefix = settings.model_config.get("env_prefix", "")
    assert rows == [
        f"| `{(prefix + name).upper()}` | {shown(field.default)} | {field.description} |"
        for name, field in settings.model_fields.items()
    ]


def shown(default: object) -> str:
    """A default as an operator would write it into the environment."""
    if default is None:
        return "none"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"
