"""Rows into reports: each thing that a map can say, on small files."""

from pathlib import Path
from typing import Any

import pytest

from domain import report
from infra.importing import loading
from infra.importing.loading import MapRefused
from infra.importing.reports import Mapped, Reject, Reporter
from infra.importing.rows import Rows

HEAD = """
source = "urn:test"
party = "{who}"
key = "{n}"
[file]
format = "csv"
missing = ["?"]
[times.t]
format = "%d/%m/%Y %H:%M"
zone = "UTC"
[columns.at]
time = "t"
"""


@pytest.fixture
def map_and_read(tmp_path: Path) -> Any:
    def run(text: str, content: str) -> list[Mapped | Reject]:
        of = loading.read(text)
        path = tmp_path / "file.csv"
        path.write_text(content, "utf-8")
        with Rows(path, of.file) as rows:
            return list(Reporter(of, rows.columns).reports(rows))

    return run


def closing(when: str, columns: str = "", data: str = "") -> str:
    """A map that reports `incident.paused.v1` of rows that pass the tests."""
    return f"""{HEAD}
{columns}
[[facts]]
kind = "incident.paused.v1"
when = [{when}]
id = "{{n}}:{{x}}"
time = "at"
data = {{ incident_id = "{{n}}"{data} }}
"""


def ids(results: list[Mapped | Reject]) -> list[str]:
    return [message["id"] for each in results if isinstance(each, Mapped) for message in each.messages]


def reasons(results: list[Mapped | Reject]) -> list[tuple[int, str, str]]:
    return [(each.line, each.reason, each.pointer) for each in results if isinstance(each, Reject)]


FILE = """n,x,who,at,state,at
1,a,me,1/2/2011 10:00,New,2/2/2011 10:00
1,b,me,1/2/2011 10:00,Active,31/1/2011 10:00
1,c,me,1/2/2011 10:00,Active,?
2,d,you,1/2/2011 10:00,?,1/2/2011 10:00
2,e,you,1/2/2011 10:00,Active,?
3,f,you,1/2/2011 10:00,Done,?
"""

LATER = '[columns.later]\nof = "at#2"\ntime = "t"\n'


@pytest.mark.parametrize(
    ("when", "passed"),
    [
        ("", "1:a 1:b 1:c 2:d 2:e 3:f"),
        ('{ column = "state", equals = "Active" }', "1:b 1:c 2:e"),
        ('{ column = "state", equals = ["Active", "New"] }', "1:a 1:b 1:c 2:e"),
        ('{ column = "state", not_equals = ["Active", "New"] }', "2:d 3:f"),
        ('{ column = "state", is = "missing" }', "2:d"),
        ('{ column = "state", is = "present" }', "1:a 1:b 1:c 2:e 3:f"),
        ('{ column = "state", changes = true }', "1:b 2:e"),
        ('{ column = "state", row = "previous", equals = "New" }', "1:b"),
        ('{ column = "state", row = "previous", not_equals = "New" }', "1:a 1:c 2:d 2:e 3:f"),
        ('{ column = "state", row = "previous", is = "missing" }', "1:a 2:d 2:e 3:f"),
        ('{ column = "state", row = "previous", is = "present" }', "1:b 1:c"),
        ('{ column = "at", at_or_before = "later" }', "1:a 2:d"),
        ('{ column = "at", after = "later" }', "1:b"),
        ('{ row_of_key = "first" }', "1:a 2:d 3:f"),
        ('{ row_of_key = "last" }', "1:c 2:e 3:f"),
        ('{ row_of_key = "last" }, { row_of_key = "first" }', "3:f"),
        ('{ row_of_key = "last" }, { column = "state", changes = true }', "2:e"),
        ('{ row_of_key = "last" }, { column = "state", row = "previous", equals = "Active" }', "1:c"),
        ('{ column = "state", is = "present" }, { column = "state", changes = true }', "1:b 2:e"),
    ],
)
@pytest.mark.parametrize("rows", ["together", "anywhere"])
def test_the_rows_that_pass_the_tests_state_the_fact(map_and_read: Any, when: str, passed: str, rows: str) -> None:
    text = closing(when, LATER if "later" in when else "").replace("[file]", f'rows_of_a_key = "{rows}"\n[file]')
    results = map_and_read(text, FILE)
    assert ids(results) == passed.split()
    assert reasons(results) == []


def test_rows_of_a_key_may_be_anywhere(map_and_read: Any) -> None:
    lines = FILE.splitlines()
    mixed = "\n".join([lines[0], lines[1], lines[4], lines[2], lines[6], lines[5], lines[3]])
    text = closing('{ column = "state", changes = true }').replace("[file]", 'rows_of_a_key = "anywhere"\n[file]')
    assert ids(map_and_read(text, mixed)) == ["1:b", "2:e"]
    text = closing('{ row_of_key = "last" }').replace("[file]", 'rows_of_a_key = "anywhere"\n[file]')
    assert ids(map_and_read(text, mixed)) == ["1:c", "2:e", "3:f"]


def test_a_key_that_comes_back_is_rejected_where_rows_are_to_be_together(map_and_read: Any) -> None:
    results = map_and_read(closing('{ row_of_key = "last" }'), FILE + "1,g,me,1/2/2011 10:00,New,?\n")
    assert ids(results) == ["1:c", "2:e", "3:f"]
    assert reasons(results) == [(8, "key_came_back", "")]


def test_a_rejected_row_leaves_no_trace_in_what_changes(map_and_read: Any) -> None:
    broken = FILE.replace("1,b,me,1/2/2011 10:00,Active", "1,b,me,31/2/2011 10:00,Active")
    results = map_and_read(closing('{ column = "state", changes = true }'), broken)
    assert ids(results) == ["1:c", "2:e"]
    assert reasons(results) == [(3, "no_such_time", "/at")]


@pytest.mark.parametrize(
    ("row", "reason", "pointer"),
    [
        (",a,me,1/2/2011 10:00,New,?", "missing_key", ""),
        ("9,?,me,1/2/2011 10:00,New,?", "missing_id", ""),
        ("9,a,,1/2/2011 10:00,New,?", "missing_party", ""),
        ("9,a,me,,New,?", "missing_time", ""),
        ("9,a,me,tomorrow,New,?", "no_such_time", "/at"),
        ("9,a,me,1/2/2011 10:00,New", "wrong_number_of_columns", ""),
    ],
)
def test_a_row_that_cannot_be_mapped_is_rejected_without_its_neighbours(
    map_and_read: Any, row: str, reason: str, pointer: str
) -> None:
    results = map_and_read(closing(""), FILE + row + "\n10,z,me,1/2/2011 10:00,New,?\n")
    assert reasons(results) == [(8, reason, pointer)]
    assert ids(results)[-2:] == ["3:f", "10:z"]
    [reject] = [each for each in results if isinstance(each, Reject)]
    assert reject.row == row
    assert "tomorrow" not in reject.message


def test_a_missing_time_of_a_last_row_is_rejected_with_that_row(map_and_read: Any) -> None:
    results = map_and_read(closing('{ row_of_key = "last" }'), FILE.replace("1,c,me,1/2/2011 10:00", "1,c,me,"))
    assert reasons(results) == [(4, "missing_time", "")]


def test_tables_say_what_texts_mean_and_refuse_what_they_do_not_list(map_and_read: Any) -> None:
    table = '[columns.state]\ntable = { New = "fresh", Active = "busy" }'
    results = map_and_read(closing("", table, ', reason = "{state}"'), FILE)
    assert [message["data"].get("reason") for each in results if isinstance(each, Mapped) for message in each.messages] == [
        "fresh", "busy", "busy", None, "busy",
    ]  # fmt: skip
    assert reasons(results) == [(7, "not_in_table", "/state")]
    results = map_and_read(closing("", table + '\nunlisted = "other"\notherwise = "none"', ', reason = "{state}"'), FILE)
    assert [each.messages[0]["data"]["reason"] for each in results] == ["fresh", "busy", "busy", "none", "busy", "other"]


def test_columns_are_collapsed_filled_up_and_taken_from_the_first_row(map_and_read: Any) -> None:
    columns = '[columns.p]\nof = ["p1", "p2"]\nspaces = "collapse"\nmissing = ["NONE"]\notherwise = "somewhere"\n'
    text = closing("", columns, ', reason = "{p}"')
    content = (
        "n,x,who,at,p1,p2\n1,a,me,1/2/2011 10:00, 1  Main\t St ,y\n1,b,me,1/2/2011 10:00,NONE,z\n1,c,me,1/2/2011 10:00,?,\n"
    )
    reason = [each.messages[0]["data"]["reason"] for each in map_and_read(text, content)]
    assert reason == ["1 Main St", "z", "somewhere"]
    reason = [
        each.messages[0]["data"]["reason"]
        for each in map_and_read(text.replace("[columns.p]", '[columns.p]\nrow = "first"'), content)
    ]
    assert reason == ["1 Main St"] * 3


def test_times_of_one_minute_keep_the_order_of_the_rows(map_and_read: Any) -> None:
    text = closing("").replace("[columns.at]", '[columns.at]\nsame_time = "row_order"')
    content = FILE.replace("1,c,me,1/2/2011 10:00", "1,c,me,1/2/2011 10:01")
    times = [each.messages[0]["time"] for each in map_and_read(text, content)]
    first, second = "2011-02-01T10:00:00Z", "2011-02-01T10:00:00.000001Z"
    assert times == [first, second, "2011-02-01T10:01:00Z", first, second, first]


def test_data_keeps_types_leaves_out_what_is_missing_and_nests(map_and_read: Any) -> None:
    text = (
        HEAD
        + """
[columns.score]
number = true
[columns.told]
table = { y = true, n = false }
[[facts]]
kind = "interaction.recorded.v1"
id = "100% {n} {{{score}}}"
time = "at"
party = "{who}/{n}"
[facts.data]
interaction_id = "{n}-{score}"
direction = "inbound"
purpose = "serve"
effort = "{score}"
repeated_context = "{told}"
topic = "{none}"
team = "{who}: {none}"
qualities = { trust = "{score}", respect = -1, kindness = "{none}" }
"""
    )
    [result] = map_and_read(text, "n,who,at,score,told,none\n1,me,1/2/2011 10:00,2,n,?\n")
    assert result.messages == [
        {
            "specversion": "1.0",
            "id": "100% 1 {2}",
            "source": "urn:test",
            "type": "interaction.recorded.v1",
            "subject": "me/1",
            "time": "2011-02-01T10:00:00Z",
            "data": {
                "interaction_id": "1-2",
                "direction": "inbound",
                "purpose": "serve",
                "effort": 2,
                "repeated_context": False,
                "qualities": {"trust": 2, "respect": -1},
            },
        }
    ]
    assert report.read(result.messages[0]).party == "me/1"


@pytest.mark.parametrize("score", ["1.5", "1_0", "١", "x", "1" * 19])
def test_a_number_is_a_whole_number(map_and_read: Any, score: str) -> None:
    text = closing("", "[columns.score]\nnumber = true", ', reason = "{score}!"')
    assert reasons(map_and_read(text, f"n,x,who,at,score\n1,a,me,1/2/2011 10:00,{score}\n")) == [
        (2, "no_whole_number", "/score")
    ]


def test_a_column_that_the_file_has_not_is_refused_with_what_it_has(map_and_read: Any) -> None:
    with pytest.raises(MapRefused) as wrong:
        map_and_read(closing('{ column = "stat", is = "present" }'), FILE)
    assert wrong.value.message == "the file has no column `stat`; it has n, x, who, at, state, at#2"
    with pytest.raises(MapRefused) as wrong:
        map_and_read(closing('{ column = "stat", is = "present" }', '[columns.stat]\nof = "states"'), FILE)
    assert wrong.value.place == "columns.stat.of"


def test_a_map_without_a_key_states_facts_of_each_row(map_and_read: Any) -> None:
    text = closing('{ column = "state", equals = "Active" }').replace('key = "{n}"', "")
    assert ids(map_and_read(text, FILE)) == ["1:b", "1:c", "2:e"]


def test_what_a_column_remembers_is_bounded(map_and_read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.importing.cells.REMEMBERED", 2)
    assert ids(map_and_read(closing(""), FILE)) == ["1:a", "1:b", "1:c", "2:d", "2:e", "3:f"]
