"""`troth board`: tables for people, JSON for programs."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.infra.story import Told

Troth = Callable[..., tuple[int, str, str]]


def shown(troth: Troth, home: Path, *options: str) -> str:
    """What `troth board` prints."""
    code, printed, wrong = troth(home, "board", *options)
    assert (code, wrong) == (0, "")
    return printed


def test_the_board_is_shown_as_a_whole(told: Told, troth: Troth) -> None:
    printed = shown(troth, told.home)
    for each in ("1 overdue now, 1 due within seven days; 2 incidents open", "awaits_made", "Near the edge", "By month"):
        assert each in printed


def test_who_keeps_their_word_is_a_table_and_the_same_as_json(told: Told, troth: Troth) -> None:
    printed = shown(troth, told.home, "--by", "team").splitlines()
    ranked = json.loads(shown(troth, told.home, "--by", "team", "--json"))["promisors"]
    assert [line.split("  ")[0].strip() for line in printed[1:]] == [each["subject"] for each in ranked]


def test_pages_go_on_where_they_ended(told: Told, troth: Troth) -> None:
    printed = shown(troth, told.home, "--by", "team", "--limit", "1")
    cursor = printed.split("--cursor ")[1].strip()
    assert "field" not in shown(troth, told.home, "--by", "team", "--cursor", cursor)


def test_months_durations_and_recoveries_are_tables_too(told: Told, troth: Troth) -> None:
    assert "2026-07" in shown(troth, told.home, "--months")
    assert "2026-07" not in shown(troth, told.home, "--months", "--by", "team", "--value", "field")
    assert "22 h" in shown(troth, told.home, "--durations", "--by", "team", "--measure", "resolve")
    assert "of 1 that were ever let down 0 recovered" in shown(troth, told.home, "--recovered")


@pytest.mark.parametrize("options", [("--months", "--durations"), ("--since", "soon"), ("--by", "planet")])
def test_a_command_line_that_cannot_be_read_exits_2(told: Told, troth: Troth, options: tuple[str, ...]) -> None:
    code, printed, wrong = troth(told.home, "board", *options)
    assert (code, printed) == (2, "")
    assert wrong
