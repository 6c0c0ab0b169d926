"""Golden files: one stored example of every released kind. They are only ever added to, and must read for ever.

`tests/golden/<kind>.json` is a report with every field filled; `tests/golden/entries/<kind>.json` is what a ledger stored
when it came, byte for byte. A test that fails here says that what is out there can no longer be read: mend the code.
"""

import json
from pathlib import Path
from types import NoneType
from typing import Any

import pytest

from domain import entry as entries
from domain.kinds import KINDS, RESERVED, standing
from domain.refusal import ReservedType
from domain.report import Envelope, read, written
from domain.strictjson import read as read_json

GOLDEN = Path(__file__).parent / "golden"
every_kind = pytest.mark.parametrize("kind", sorted(KINDS))


def report(kind: str) -> Any:
    return read_json((GOLDEN / f"{kind}.json").read_bytes())


def stored(kind: str) -> bytes:
    return (GOLDEN / "entries" / f"{kind}.json").read_bytes()


def test_every_released_kind_has_both_golden_files_and_none_was_taken_back() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == KINDS.keys()
    assert {path.stem for path in (GOLDEN / "entries").glob("*.json")} == KINDS.keys()


@every_kind
def test_a_golden_report_still_reads(kind: str) -> None:
    if kind in RESERVED:
        with pytest.raises(ReservedType):
            read(report(kind))
        fact = KINDS[kind].model_validate(Envelope.model_validate(report(kind)).data)
    else:
        found = read(report(kind))
        assert found.kind == kind
        assert read(written(found)) == found
        fact = found.fact
    assert kind == fact.KIND
    assert json.loads(entries.content(fact)) == report(kind)["data"]


@every_kind
def test_a_golden_report_fills_every_field(kind: str) -> None:
    fields = {name for name, field in KINDS[kind].model_fields.items() if field.annotation is not NoneType}
    assert report(kind)["data"].keys() == fields
    assert report(kind).keys() == Envelope.model_fields.keys()


@every_kind
def test_a_golden_entry_still_decodes_and_encodes_to_the_same_bytes(kind: str) -> None:
    entry = entries.decode(stored(kind))
    assert entry.kind == kind
    assert entries.encode(entry) == stored(kind)
    for carried, raw in ((entry.before, entry.raw_before), (entry.after, entry.raw_after)):
        assert entries.encode(carried) == bytes(raw)


@every_kind
def test_the_fact_of_a_golden_entry_still_says_what_its_report_said(kind: str) -> None:
    entry = entries.decode(stored(kind))
    fact = entries.fact_of(entry)
    assert entries.content(fact) == bytes(entry.fact)
    assert json.loads(bytes(entry.fact)) == report(kind)["data"]
    assert (entry.source, entry.id, entry.party) == tuple(report(kind)[name] for name in ("source", "id", "subject"))


@every_kind
def test_a_golden_standing_names_its_stream_and_counts_or_voids_each_fact_once(kind: str) -> None:
    entry = entries.decode(stored(kind))
    assert sorted([*entry.after.by, *(void.version for void in entry.after.void)]) == list(range(entry.version + 1))
    fact = entries.fact_of(entry)
    assert type(standing(fact.family, fact.key, [entries.known_from(entry)])) is type(entry.after)
