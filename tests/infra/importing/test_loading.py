"""Maps: a bad one is refused with the place in it; those that are shipped are found by name."""

from pathlib import Path

import pytest

from infra.importing import loading, mapping
from infra.importing.loading import MapRefused

GOOD = """
source = "urn:test"
party = "{who}"
key = "{what}"
[file]
format = "csv"
[times.t]
format = "%Y-%m-%d"
zone = "UTC"
[columns.on]
time = "t"
[columns.due]
time = "t"
[[facts]]
kind = "promise.made.v1"
when = [{ column = "due", after = "on" }]
id = "{what}:made"
time = "on"
data = { promise_id = "{what}", promisor = "company", due_at = "{due}" }
"""


def refused(text: str) -> tuple[str, str]:
    with pytest.raises(MapRefused) as wrong:
        loading.read(text)
    return wrong.value.place, wrong.value.message


def test_a_good_map_is_read() -> None:
    said = loading.read(GOOD)
    assert said.facts[0].kind == "promise.made.v1"
    assert said.columns["due"].time == "t"


@pytest.mark.parametrize(
    ("change", "into", "place"),
    [
        ('format = "csv"', 'format = "xls"', "file.format"),
        ('format = "csv"', 'format = "csv"\nencoding = "utf-16"', "file.encoding"),
        ('format = "csv"', 'format = "csv"\nencoding = "klingon"', "file.encoding"),
        ('format = "csv"', 'format = "csv"\ndelimiter = ";;"', "file.delimiter"),
        ('format = "csv"', 'format = "csv"\nsheet = 1', "file.sheet"),
        ('format = "csv"', 'format = "jsonl"\nencoding = "utf-8"', "file"),
        ('format = "csv"', 'format = "csv"\nmissing = "?"', "file.missing"),
        ('zone = "UTC"', 'zone = "Mars/Olympus"', "times.t.zone"),
        ('zone = "UTC"', 'zone = "../../etc/passwd"', "times.t.zone"),
        ('zone = "UTC"', "", "times.t"),
        ('zone = "UTC"', 'zone = "UTC"\nambiguous = "guess"', "times.t.ambiguous"),
        ('[columns.on]\ntime = "t"', '[columns.on]\ntime = "u"', "columns.on.time"),
        ('[columns.on]\ntime = "t"', '[columns.on]\ntime = "t"\nnumber = true', "columns.on"),
        ('[columns.on]\ntime = "t"', '[columns.on]\ntime = "t"\notherwise = "2011-01-01"', "columns.on"),
        ('[columns.on]\ntime = "t"', '[columns.on]\ntime = "t"\nof = []', "columns.on.of"),
        ("[columns.due]", '[columns.on2]\ntime = "t"\n[columns.due]', "columns.on2"),
        ("[columns.due]", "[columns.x]\ntable = { a = 1.5 }\n[columns.due]", "columns.x.table.a"),
        ("[columns.due]", '[columns.x]\nunlisted = "b"\n[columns.due]', "columns.x"),
        ("[columns.due]", '[columns.x]\nsame_time = "row_order"\n[columns.due]', "columns.x"),
        ('"promise.made.v1"', '"promise.made.v9"', "facts[0].kind"),
        ('"promise.made.v1"', '"promise.lapsed.v1"', "facts[0].kind"),
        ('after = "on"', 'after = "who"', "facts[0].when[0].after"),
        ('column = "due", after', 'column = "who", after', "facts[0].when[0].column"),
        ('after = "on"', 'after = "on", equals = 1', "facts[0].when[0]"),
        ('after = "on"', 'row = "previous", after = "on"', "facts[0].when[0]"),
        ('after = "on"', "equals = []", "facts[0].when[0].equals"),
        ('after = "on"', "equals = [1.5]", "facts[0].when[0].equals[0]"),
        ('after = "on"', "is = true", "facts[0].when[0].is"),
        ('after = "on"', "changes = false", "facts[0].when[0].changes"),
        ('after = "on"', 'row_of_key = "last"', "facts[0].when[0]"),
        ('column = "due", after = "on"', 'row_of_key = "middle"', "facts[0].when[0].row_of_key"),
        ('id = "{what}:made"', 'id = "{what:made"', "facts[0].id"),
        ('id = "{what}:made"', 'id = "made"', "facts[0].id"),
        ('id = "{what}:made"', "", "facts[0].id"),
        ('\ntime = "on"\ndata', '\ntime = "who"\ndata', "facts[0].time"),
        ('due_at = "{due}"', 'due = "{due}"', "facts[0].data.due"),
        ('due_at = "{due}"', 'due_at = "}"', "facts[0].data.due_at"),
        ('due_at = "{due}"', "due_at = 1.5", "facts[0].data.due_at"),
        ('promise_id = "{what}", ', "", "facts[0].data"),
        ('source = "urn:test"', "", "source"),
        ('source = "urn:test"', 'sauce = "urn:test"', "sauce"),
        ('party = "{who}"', "", "party"),
        ('format = "csv"', 'format = "cloudevents"', "file.format"),
        ("[file]", "[file", ""),
    ],
)
def test_a_bad_map_is_refused_with_the_place(change: str, into: str, place: str) -> None:
    assert change in GOOD
    said_place, message = refused(GOOD.replace(change, into))
    assert said_place == place, message
    assert message


@pytest.mark.parametrize(
    ("change", "into"),
    [
        ('after = "on"', "changes = true"),
        ('after = "on"', 'row = "previous", equals = "x"'),
        ('column = "due", after = "on"', 'row_of_key = "first"'),
    ],
)
def test_comparing_rows_needs_a_key(change: str, into: str) -> None:
    loading.read(GOOD.replace(change, into))
    place, message = refused(GOOD.replace(change, into).replace('key = "{what}"', ""))
    assert place == "facts[0].when[0]"
    assert "no key" in message


@pytest.mark.parametrize("option", ['row = "first"', 'same_time = "row_order"'])
def test_columns_that_compare_rows_need_a_key(option: str) -> None:
    text = GOOD.replace('[columns.on]\ntime = "t"', f'[columns.on]\ntime = "t"\n{option}')
    loading.read(text)
    assert refused(text.replace('key = "{what}"', ""))[0] == "columns.on"


def test_several_faults_are_said_at_once() -> None:
    place, message = refused(GOOD.replace('format = "csv"', 'format = "xls"').replace('zone = "UTC"', 'zone = "Mars"'))
    assert place == "file.format"
    assert "times.t.zone: is no IANA time zone" in message


def test_the_shipped_maps_are_found_by_name() -> None:
    assert {"boston_311", "uci_498"} <= set(loading.shipped())
    for name in loading.shipped():
        assert loading.load(name).facts


def test_a_map_is_found_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD, "utf-8")
    assert loading.load(str(path)) == loading.read(GOOD)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_map_that_cannot_be_read_is_refused_with_what_there_is(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "mine.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MapRefused) as wrong:
        loading.load(str(path))
    assert "UTF-8" in str(wrong.value) if content else "boston_311, uci_498" in str(wrong.value)


def test_the_map_in_the_documentation_is_read() -> None:
    lines = (mapping.__doc__ or "").splitlines()
    said = loading.read("\n".join(line.removeprefix("    ") for line in lines if line.startswith("    ")))
    assert set(said.columns) == {"updated", "severity", "customer", "score", "due"}
    assert len(said.facts) == 3
