"""Reports that say anything: each is read or refused, and no refusal repeats a word of it."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import strictjson
from domain.kinds import KINDS
from domain.refusal import Refusal
from domain.report import read
from tests.mutations import PERSONAL, REPORTED, SECRET, golden, mutations, refusal, secretly, values


def test_the_secret_is_in_every_personal_field() -> None:
    told = {name for kind in REPORTED for name, value in secretly(golden(kind))["data"].items() if value == SECRET}
    marked = {
        name
        for model in KINDS.values()
        for name, schema in model.model_json_schema()["properties"].items()
        if any(each.get("x-personal") for each in (schema, *schema.get("anyOf", ())))
    }
    assert marked == PERSONAL
    assert marked <= told


@settings(deadline=None, max_examples=600)
@given(message=mutations())
def test_a_mutated_report_is_read_or_refused_without_a_word_of_what_it_said(message: dict[str, Any]) -> None:
    before = copy.deepcopy(message)
    refused = refusal(lambda: read(message))
    assert refused is None or SECRET not in refused.message + refused.pointer + str(refused)
    assert repr(message) == repr(before)


@settings(deadline=None, max_examples=150)
@given(message=values)
def test_any_json_value_is_read_or_refused_and_nothing_else(message: object) -> None:
    for report in (message, {**golden(), "data": message}):
        with pytest.raises(Refusal):
            read(report)


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_a_report_with_a_few_bytes_changed_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    raw = json.dumps(secretly(golden(data.draw(st.sampled_from(REPORTED))))).encode()
    cut = data.draw(st.integers(0, len(raw)))
    raw = raw[:cut] + data.draw(st.binary(max_size=3)) + raw[cut + data.draw(st.integers(0, 3)) :]
    refused = refusal(lambda: read(strictjson.read(raw)))
    assert refused is None or SECRET not in refused.message


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_fact_never_shows_what_it_says_when_it_is_printed(kind: str) -> None:
    fact = KINDS[kind].model_validate(secretly(golden(kind))["data"])
    assert f"{fact}" == repr(kind)
    assert SECRET not in f"{fact!r} {[fact]}"
