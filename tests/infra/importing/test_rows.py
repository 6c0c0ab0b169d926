"""Files into rows: whatever is broken in a file is a reject with its line, and everything else is read."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.importing import elements as elements_module
from infra.importing import rows as rows_module
from infra.importing.elements import elements
from infra.importing.localtime import Fault
from infra.importing.mapping import File
from infra.importing.rows import Row, Rows, Unread

CSV = File(format="csv")


def read(path: Path, content: bytes, form: File = CSV, wanted: list[str] | None = None) -> list[Row | Unread]:
    path.write_bytes(content)
    with Rows(path, form, wanted or []) as rows:
        return list(rows)


def brief(found: list[Row | Unread]) -> list[tuple[int, Any]]:
    return [(each.line, each.rule if isinstance(each, Unread) else list(each.cells)) for each in found]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


def test_rows_come_with_the_line_on_which_they_begin(file: Path) -> None:
    found = read(file, b'a,b\n1,"x\ny"\n\n2,z\r\n')
    assert brief(found) == [(2, ["1", "x\ny"]), (5, ["2", "z"])]
    assert found[0].raw == b'1,"x\ny"\n'


def test_columns_of_one_name_are_told_apart_by_number(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfa, b ,a,a#2,a\n")
    with Rows(file, CSV) as rows:
        assert rows.columns == ["a", "b", "a#2", "a#2#2", "a#3"]


def test_a_file_without_a_header_line_is_named_by_the_map(file: Path) -> None:
    form = File(format="csv", header=("n", "m"), delimiter=";")
    assert brief(read(file, b"1;2\n3;4", form)) == [(1, ["1", "2"]), (2, ["3", "4"])]


@pytest.mark.parametrize("content", [b"", b"\0a,b\n", b'"a\n'])
def test_a_file_without_columns_is_refused(file: Path, content: bytes) -> None:
    with pytest.raises(Fault, match="names no columns"):
        read(file, content)


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (b"1,2,3\n", "wrong_number_of_columns"),
        (b"1\n", "wrong_number_of_columns"),
        (b"1,\0\n", "nul_character"),
        (b"1,\xff\n", "wrong_encoding"),
        (b'1,"x"y\n', "broken_quoting"),
        (b'1,"x\n', "broken_quoting"),
        (b"1,x\ry\n", "broken_quoting"),
        (b"1," + b"x" * (1 << 17) + b"y\n", "broken_quoting"),
        (b"1," + b"x" * (1 << 20) + b"\n", "line_too_long"),
    ],
)
def test_a_broken_line_is_a_reject_and_its_neighbours_are_read(file: Path, line: bytes, rule: str) -> None:
    found = read(file, b"a,b\n0,0\n" + line + b"8,8\n9,9\n")
    assert brief(found) == [(2, ["0", "0"]), (3, rule), (4, ["8", "8"]), (5, ["9", "9"])]
    assert found[1].raw == line[: 1 << 20]
    assert isinstance(found[1], Unread)
    assert "x" * 9 not in found[1].message


def test_a_stray_quote_swallows_no_rows(file: Path) -> None:
    lines = [b'1,"\n'] + [b"%d,x\n" % number for number in range(2, 400)] + [b'400,"\n', b"401,x\n"]
    found = brief(read(file, b"a,b\n" + b"".join(lines)))
    assert [said for said in found if isinstance(said[1], str)] == [(2, "broken_quoting"), (401, "broken_quoting")]
    assert len(found) == 401


def test_a_quote_that_closes_further_down_swallows_no_rows(file: Path) -> None:
    assert brief(read(file, b'a,b\n1,"x\n2,y\n3",z\n4,w\n')) == [
        (2, "wrong_number_of_columns"),
        (3, ["2", "y"]),
        (4, ["3\"", "z"]),
        (5, ["4", "w"]),
    ]  # fmt: skip


def test_other_encodings_are_read(file: Path) -> None:
    form = File(format="csv", encoding="iso-8859-1")
    assert brief(read(file, "a,b\nß,é\n".encode("iso-8859-1"), form)) == [(2, ["ß", "é"])]


def test_gzip_is_read_and_progress_is_in_the_bytes_of_the_file(file: Path) -> None:
    plain = b"a,b\n" + b"".join(b"%d,%d\n" % (n * 7919 % 100_003, n) for n in range(200_000))
    file.write_bytes(gzip.compress(plain, mtime=0))
    with Rows(file, CSV) as rows:
        done = [rows.done for _ in rows]
        assert rows.total == file.stat().st_size == done[-1]
    assert len(done) == 200_000
    assert done == sorted(done)
    assert 0 < done[100_000] < rows.total
    assert rows.done == rows.total


@pytest.mark.parametrize("damage", ["cut", "cut at the end", "changed", "followed by something else"])
@pytest.mark.parametrize("form", ["csv", "jsonl", "cloudevents"])
def test_a_damaged_gzip_ends_with_a_reject(file: Path, damage: str, form: str) -> None:
    lines = [b"a,b\n"] + [b"%d,%d\n" % (number * 7919 % 100_003, number) for number in range(20_000)]
    if form != "csv":
        lines = [b'{"a":%d}\n' % (number * 7919 % 100_003) for number in range(20_000)]
    zipped = gzip.compress(b"".join(lines), mtime=0)
    half = len(zipped) // 2
    zipped = {
        "cut": zipped[:half],
        "cut at the end": zipped[:-4],
        "changed": zipped[:-8] + b"\0\0\0\0" + zipped[-4:],
        "followed by something else": zipped + b"\x1f\x8bx",
    }[damage]
    *found, last = read(file, zipped, File.model_validate({"format": form}), ["a"] if form == "jsonl" else [])
    assert isinstance(last, Unread)
    assert last.rule == "file_is_broken"
    rows = [row for row in found if isinstance(row, Row)]
    assert len(rows) >= (5_000 if damage == "cut" else 20_000)
    assert len(rows) >= len(found) - 1  # the line in which the file breaks may be half a line


@given(st.lists(st.tuples(*[st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9)] * 2)))
def test_whatever_csv_can_say_is_read(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("a", "b"), *rows])
    path = tmp_path_factory.mktemp("csv") / "file"
    found = read(path, text.getvalue().encode())
    assert [tuple(row.cells) for row in found if isinstance(row, Row)] == rows


@given(st.binary(max_size=300))
def test_no_bytes_stop_the_reading_and_none_are_lost(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("bytes") / "file"
    found = read(path, b"a,b\n" + content)
    kept = [line for each in found for line in each.raw.splitlines() if line]
    assert kept == [line for line in content.splitlines() if line]
    assert [each.line for each in found] == sorted({each.line for each in found})


# JSONL


def test_json_lines_are_read_by_dotted_paths(file: Path) -> None:
    lines = [{"a": {"b": 1}, "c.d": "x", "e": True}, {"a": {"b": 1.5}, "c.d": None}, {"a": 3}]
    content = "\n\n".join(map(json.dumps, lines)).encode()
    found = read(file, content, File(format="jsonl"), ["a.b", "c.d", "e"])
    assert brief(found) == [(1, ["1", "x", "true"]), (3, ["1.5", None, None]), (5, [None, None, None])]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (b"{", "broken_json"),
        (b"[]", "no_json_object"),
        (b'{"a": NaN}', "broken_json"),
        (b'{"a": 1, "a": 2}', "broken_json"),
        (b'{"a": "\\u0000"}', "broken_json"),
        (b'{"a": "\xff"}', "broken_json"),
        (b'{"a": [1]}', "no_plain_value"),
        (b'{"a": "' + b"x" * (1 << 21) + b'"}', "broken_json"),
        (b"[" * 100_000, "broken_json"),
    ],
)
def test_a_broken_json_line_is_a_reject(file: Path, line: bytes, rule: str) -> None:
    found = read(file, b'{"a": 1}\n' + line + b'\n{"a": 2}', File(format="jsonl"), ["a"])
    assert brief(found) == [(1, ["1"]), (2, rule), (3, ["2"])]


# CloudEvents


def raws(found: list[Row | Unread]) -> list[tuple[int, bytes | str]]:
    return [(each.line, each.rule if isinstance(each, Unread) else each.raw) for each in found]


def test_reports_are_passed_on_line_by_line_or_from_an_array(file: Path) -> None:
    form = File(format="cloudevents")
    assert raws(read(file, b'{"a":1}\n\n{"b":\n', form)) == [(1, b'{"a":1}'), (3, b'{"b":')]
    assert raws(read(file, b' [\n {"a": "],"},\n\n{"b":[{}]} ]\n', form)) == [(2, b'{"a": "],"}'), (4, b'{"b":[{}]}')]
    assert raws(read(file, gzip.compress(b"\xef\xbb\xbf[1,2]"), form)) == [(1, b"1"), (1, b"2")]
    assert raws(read(file, b"[]", form)) == []


@pytest.mark.parametrize(
    "content",
    [b"id,time\n1,2011-02-01\n", b"id\n" * (1 << 18), gzip.compress(b"id,time\n1,[2]\n")],
    ids=["short", "long", "zipped"],
)
def test_a_file_that_holds_no_report_at_all_is_told_apart_from_one_with_broken_reports(file: Path, content: bytes) -> None:
    form = File(format="cloudevents")
    with pytest.raises(Fault, match="needs a map"):
        read(file, content, form)
    assert raws(read(file, b'b":1}\n {"a":1}\n', form)) == [(1, b'b":1}'), (2, b'{"a":1}')]
    assert raws(read(file, gzip.compress(b"id,time\n")[:8], form)) == [(1, "file_is_broken")]
    assert raws(read(file, b"\n", form)) == []


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"[1,\n[2", [(1, b"1"), (2, "broken_json")]),
        (b'[1,"a\n', [(1, b"1"), (1, "broken_json")]),
        (b"[1]\n, 2", [(1, b"1"), (2, "broken_json")]),
        (b"[1,,2]", [(1, b"1"), (1, b""), (1, b"2")]),
    ],
)
def test_a_broken_array_is_read_up_to_where_it_breaks(file: Path, content: bytes, found: list[tuple[int, bytes | str]]) -> None:
    assert raws(read(file, content, File(format="cloudevents"))) == found


def test_an_element_without_end_is_not_held_in_memory(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elements_module, "LONGEST", 1 << 10)
    monkeypatch.setattr(elements_module, "CHUNK", 1 << 8)
    found = read(file, b'[1, {"a": "' + b"x" * (1 << 16), File(format="cloudevents"))
    assert raws(found) == [(1, b"1"), (1, "broken_json")]
    assert len(found[1].raw) <= 1 << 10


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(st.lists(JSON), st.sampled_from([None, 2]), st.integers(1, 40), st.booleans())
def test_every_array_falls_into_its_elements(values: list[Any], indent: int | None, chunk: int, ascii_only: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(elements_module, "CHUNK", chunk)
        text = json.dumps(values, indent=indent, ensure_ascii=ascii_only)
        found = list(elements(io.BytesIO(text.encode("utf-8", "surrogatepass"))))
    assert [each.broken for each in found] == [None] * len(values)
    assert [json.loads(each.raw.decode("utf-8", "surrogatepass")) for each in found] == values
    lines = text.encode("utf-8", "surrogatepass").split(b"\n")
    assert all(lines[each.line - 1].lstrip().startswith(each.raw.split(b"\n")[0]) for each in found if indent)


def test_a_row_takes_no_more_lines_than_is_reasonable() -> None:
    assert rows_module.LINES_OF_A_ROW == 100
