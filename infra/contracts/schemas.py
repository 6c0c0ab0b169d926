"""The JSON Schema of each kind of report: the CloudEvents envelope in structured form, with the data that the kind says."""

from inspect import getdoc
from typing import Any

from domain.fact import Fact
from domain.kinds import KINDS, RESERVED
from domain.policy import SUBJECT, PolicyAdopted
from domain.report import Envelope

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def of_kind(kind: str) -> Schema:
    """The schema of a report of this kind, with all that it refers to inside it. Raises KeyError where there is none."""
    model = KINDS[kind]
    data, definitions = data_of(model, "#/$defs/{model}")
    envelope = Envelope.model_json_schema()
    envelope["properties"]["type"] = {"const": kind, "description": "The kind of fact.", "title": "Type"}
    envelope["properties"]["data"] = data
    if model is PolicyAdopted:
        envelope["properties"]["subject"] = {"const": SUBJECT, "description": "The ledger itself.", "title": "Subject"}
    schema = {"$schema": DIALECT} | envelope | {"title": kind, "description": meaning(kind)}
    return schema | {"$defs": definitions} if definitions else schema


def data_of(model: type[Fact], reference: str) -> tuple[Schema, dict[str, Schema]]:
    """The schema of a fact alone, and of what it refers to by `reference` ("#/$defs/{model}")."""
    schema = model.model_json_schema(ref_template=reference)
    return schema, schema.pop("$defs", {})


def meaning(kind: str) -> str:
    """What a kind says, in words."""
    text = " ".join((getdoc(KINDS[kind]) or "").split())
    return f"{text} It cannot be reported by others." if kind in RESERVED else text
