"""Policies: what may be adopted, which one is in force, and the one that a new ledger starts with."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from domain import policy
from domain.amendment import FactRetracted
from domain.policy import LayerRules, Policy, PolicyAdopted, PolicyRefused
from tests.telling import Told, on, tell, void

FILE = Path(__file__).parents[2] / "infra" / "policies" / "default.toml"
TEXT = FILE.read_text("utf-8")
HASH = "9d35c95e4b9254a26ab44a7ee4eee10cc65904970dbe21163b91e6c76f607aac"
"""Of version 2026.1. A changed number, word or reason is another version: do not adjust this one."""


def shipped() -> dict[str, Any]:
    return tomllib.loads(TEXT)


def adopted(at: str = "2026-01-01", **changes: Any) -> Told:
    """The shipped policy is adopted, under the version `v`, with changes to its rules of trust."""
    document = shipped() | {"version": "v"}
    document["trust"] |= changes
    return Told(PolicyAdopted(policy=Policy.model_validate(document)), on(at))


# The shipped one


def test_the_shipped_policy_reads_and_its_hash_is_for_ever() -> None:
    read = policy.read(TEXT)
    assert read.version == "2026.1"
    assert read.hash == HASH


def test_the_order_of_a_file_does_not_change_its_hash() -> None:
    document = shipped()
    backwards = {key: document[key] for key in reversed(document)}
    backwards["reasons"] = {key: document["reasons"][key] for key in reversed(document["reasons"])}
    assert Policy.model_validate(backwards).hash == policy.read(TEXT).hash


def test_every_reason_of_the_shipped_policy_is_about_something() -> None:
    document = shipped()
    for path in document["reasons"]:
        at: Any = document
        for step in path.split("."):
            at = at[step]
        assert at is not None


def test_every_number_of_the_shipped_layers_and_rules_of_trust_has_a_reason_of_its_own() -> None:
    document = shipped()
    own = {f"trust.{name}" for name in document["trust"]}
    own |= {f"layers.{layer}.{name}" for layer in ("exploratory", "affective", "stable") for name in LayerRules.model_fields}
    assert own <= document["reasons"].keys()


def test_each_layer_asks_for_no_less_than_the_one_before_and_the_stable_one_for_give_and_take() -> None:
    layers = policy.read(TEXT).layers
    for name in LayerRules.model_fields:
        asked = [getattr(layer, name) for layer in (layers.exploratory, layers.affective, layers.stable)]
        assert asked == sorted(asked), name
    assert layers.affective.kept_by_party == 0
    assert layers.stable.kept_by_party > 0


def test_no_grade_is_given_the_name_of_what_is_not_known() -> None:
    assert "unknown" not in {grade.name for grade in policy.read(TEXT).grades}


def test_a_grade_is_the_highest_whose_bound_is_reached() -> None:
    read = policy.read(TEXT)
    assert [read.grade(bound) for bound in (1_000_000, 800_000, 799_999, 500_000, 249_999, 0)] == [
        "strong", "strong", "good", "fair", "poor", "poor",
    ]  # fmt: skip


# What may not be adopted


def refused(changed: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as raised:
        Policy.model_validate(changed)
    return str(raised.value)


@pytest.mark.parametrize("path", sorted(shipped()["reasons"]))
def test_a_number_without_its_reason_is_refused_with_its_path(path: str) -> None:
    lines = [line for line in TEXT.splitlines() if not line.startswith(f'"{path}" =')]
    with pytest.raises(PolicyRefused, match=rf"no reason is given for {path}(\.|$)"):
        policy.read("\n".join(lines))


def test_an_empty_reason_is_none() -> None:
    changed = shipped()
    changed["reasons"]["grades"] = ""
    assert "reasons.grades" in refused(changed)


def test_grades_go_down_to_nothing() -> None:
    for bounds in ([800_000, 250_000], [0, 800_000], []):
        changed = shipped() | {"grades": [{"name": str(bound), "lower_bound_micro": bound} for bound in bounds]}
        assert "grades" in refused(changed)


@pytest.mark.parametrize(
    ("group", "name", "value"),
    [
        ("trust", "prior_rate_micro", 1_000_001),
        ("trust", "prior_mass_micro", 0),
        ("trust", "half_life_days", 0),
        ("trust", "half_life_days", 180.0),
        ("trust", "feedback_answer_hours", 0),
        ("trust", "incident_weight_micro", {"low": -1, "moderate": 1, "high": 1, "critical": 1}),
        ("trust", "incident_weight_micro", {"low": 2**70, "moderate": 1, "high": 1, "critical": 1}),
        ("trust", "incident_resolve_hours", {"low": 0, "moderate": 1, "high": 1, "critical": 1}),
        ("trust", "incident_resolve_hours", {"low": 1, "moderate": 1, "high": 1}),
        ("layers", "window_days", 0),
        ("layers", "more", 1),
    ],
)
def test_a_number_that_makes_no_sense_is_refused_with_its_path(group: str, name: str, value: Any) -> None:
    changed = shipped()
    changed[group][name] = value
    assert f"{group}.{name}" in refused(changed)


def test_what_is_no_toml_is_refused() -> None:
    with pytest.raises(PolicyRefused, match="no TOML"):
        policy.read("version = ")


# Adopting


def test_an_adopted_policy_is_carried_whole() -> None:
    told = adopted()
    standing = tell(told)
    assert (standing.status, standing.version, standing.adopted_at) == ("adopted", "v", (on("2026-01-01"),))
    assert Policy.model_validate(standing.policy).hash == standing.hash == told.fact.policy.hash  # type: ignore[attr-defined]


def test_a_version_adopted_with_other_content_is_void() -> None:
    assert void(adopted(), adopted("2026-02-01", half_life_days=90)) == {1: "already_adopted"}


def test_the_same_version_adopted_again_is_in_force_again() -> None:
    story = adopted(), adopted("2026-03-01")
    assert void(*story) == {}
    assert tell(*story).adopted_at == (on("2026-01-01"), on("2026-03-01"))


def test_the_policy_in_force_is_the_one_adopted_last() -> None:
    first = tell(adopted("2026-01-01", half_life_days=90), adopted("2026-03-01", half_life_days=90))
    document = shipped() | {"version": "w"}
    second = tell(Told(PolicyAdopted(policy=Policy.model_validate(document)), on("2026-02-01")))
    for standings in ([first, second], [second, first]):
        versions = [
            found.version
            for day in ("2025-01-01", "2026-01-01", "2026-02-01", "2026-02-28", "2026-03-01", "2030-01-01")
            if (found := policy.in_force(standings, on(day)))
        ]
        assert versions == ["v", "v", "w", "w", "v", "v"]
    assert policy.in_force([], on("2026-01-01")) is None


def test_a_policy_can_be_neither_corrected_nor_retracted() -> None:
    document = {"policy": shipped(), "corrects": {"source": "a", "id": "b", "stated_at": "2026-01-01T00:00:00Z"}}
    with pytest.raises(ValidationError):
        PolicyAdopted.model_validate(document)
    with pytest.raises(ValidationError):
        FactRetracted.model_validate(
            {
                "retracts": {"source": "a", "id": "b"},
                "of_family": "policy",
                "of_key": "v",
                "stated_at": "2026-01-01T00:00:00Z",
            }
        )
