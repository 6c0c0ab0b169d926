"""Every reason for which a fact is void stands in its family's docstring, and has a test; and there are no others."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FAMILIES = ("amendment", "feedback", "incident", "interaction", "party", "policy", "promise")


def source(family: str) -> ast.Module:
    return ast.parse((ROOT / "domain" / f"{family}.py").read_text("utf-8"))


def documented(family: str) -> set[str]:
    """The names that the module's docstring lists: words with an underscore at the head of a line, commas between them."""
    listed = re.findall(
        r"^ *((?:[a-z]+_[a-z_]+)(?:, [a-z]+_[a-z_]+)*|corrected, retracted|superseded) {2,}", _text(family), re.MULTILINE
    )
    return {name for names in listed for name in names.split(", ")}


def _text(family: str) -> str:
    return ast.get_docstring(source(family), clean=True) or ""


def in_the_code(family: str) -> set[str]:
    """The reasons that the module's functions give: what they return or file under `void`, as text."""
    return {
        value
        for function in source(family).body
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        for value in _reasons(node)
    }


def _reasons(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Return(value=value) | ast.Assign(targets=[ast.Subscript()], value=value) if value is not None:
            for inner in ast.walk(value):
                match inner:
                    case ast.JoinedStr(values=[ast.Constant(value="already_"), _]):
                        yield from ("already_kept", "already_broken", "already_withdrawn")
                    case ast.keyword(arg="before" | "now", value=ast.Constant(value=str(text))):
                        yield text
                    case ast.Constant(value=str(text)) if "_" in text.strip("_"):
                        yield text
                    case ast.Constant(value="corrected" | "retracted" | "superseded" as text):
                        yield text
                    case _:
                        pass
        case _:
            pass


@pytest.mark.parametrize("family", FAMILIES)
def test_every_reason_in_the_code_is_in_the_docstring_and_none_is_there_in_vain(family: str) -> None:
    assert in_the_code(family) == documented(family)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_reason_in_the_docstring_has_a_test(family: str) -> None:
    tests = (Path(__file__).parent / f"test_{family}.py").read_text("utf-8")
    assert [name for name in sorted(documented(family)) if f'"{name}"' not in tests] == []


def test_the_families_without_reasons_are_those_where_everything_counts() -> None:
    assert [family for family in FAMILIES if not documented(family)] == ["party"]
