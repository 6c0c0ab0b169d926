"""The contracts: what is committed is what the code says, and real reports keep to it."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from domain.kinds import KINDS, RESERVED
from infra.contracts import generate
from infra.contracts.schemas import of_kind

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = sorted((ROOT / "tests" / "golden").glob("*.json"))


def valid(kind: str, message: Any) -> bool:
    """Whether a report keeps to the schema of a kind."""
    return jsonschema_rs.validator_for(of_kind(kind), validate_formats=True).is_valid(message)


def test_the_contracts_that_are_committed_are_those_of_the_code() -> None:
    stale = [
        path
        for path, content in generate.contracts().items()
        if not (generate.COMMITTED / path).exists() or (generate.COMMITTED / path).read_text("utf-8") != content
    ]
    assert stale == [], "run `python -m infra.contracts.generate` and commit what it writes"


def test_no_kind_is_committed_that_was_never_released() -> None:
    assert sorted(path.stem for path in (generate.COMMITTED / "kinds").iterdir()) == sorted(KINDS)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_report_keeps_to_the_schema_of_its_kind_and_of_no_other(path: Path) -> None:
    message = json.loads(path.read_text("utf-8"))
    assert [kind for kind in KINDS if valid(kind, message)] == [path.stem]


def test_a_schema_refuses_what_intake_refuses() -> None:
    message = json.loads((ROOT / "tests" / "golden" / "promise.made.v1.json").read_text("utf-8"))
    for wrong in ({"time": "yesterday"}, {"colour": "red"}, {"data": {}}, {"id": 1}, {"specversion": "0.3"}):
        assert not valid("promise.made.v1", message | wrong), wrong


def test_personal_fields_are_marked() -> None:
    name = of_kind("party.registered.v1")["properties"]["data"]["properties"]["name"]
    assert {"x-personal": True}.items() <= name["anyOf"][0].items()


def test_the_api_is_described_as_openapi_3_1_with_every_media_type_of_reports() -> None:
    document = generate.openapi()
    assert document["openapi"].startswith("3.1.")
    reports = document["paths"]["/reports"]["post"]
    assert set(reports["requestBody"]["content"]) == {
        "application/cloudevents+json",
        "application/cloudevents-batch+json",
        "application/json",
    }
    kinds = document["components"]["schemas"]["Report"]["discriminator"]["mapping"]
    assert set(kinds) == set(KINDS) - RESERVED
    assert {"200", "201", "400", "403", "409", "413", "415", "422", "503"} <= set(reports["responses"])


def test_every_operation_says_what_it_does_and_that_it_may_answer_with_a_problem() -> None:
    document = generate.openapi()
    operations = [each for path in document["paths"].values() for each in path.values()]
    assert all(each["description"] for each in operations)
    assert all("application/problem+json" in each["responses"]["default"]["content"] for each in operations)


def test_every_reference_in_the_api_leads_somewhere() -> None:
    document = generate.openapi()
    references: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                references.add(value["$ref"])
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(document)
    prefix = "#/components/schemas/"
    assert all(each.startswith(prefix) for each in references)
    assert {each.removeprefix(prefix) for each in references} <= set(document["components"]["schemas"])
    assert set(document["components"]["schemas"]) <= {each.removeprefix(prefix) for each in references}
