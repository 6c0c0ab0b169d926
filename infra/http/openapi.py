"""The OpenAPI 3.1 document of the API, with what routes cannot say of themselves: the media types of reports, and problems."""

from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from starlette.responses import JSONResponse

from domain.fact import Fact
from domain.kinds import KINDS, RESERVED
from infra.contracts import schemas
from infra.http import problems

Document = dict[str, Any]

DESCRIPTION = "Reports in; trust, layers and the company view out. Instants are RFC 3339 with a zone, `_micro` are millionths."
REFERENCE = "#/components/schemas/{model}"

PROBLEM: Document = {
    "title": "Problem",
    "description": "Why something could not be done (RFC 9457). What a report said is never in it.",
    "type": "object",
    "required": ["title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "const": "about:blank"},
        "title": {"type": "string", "description": "The name of the refusal or error.", "examples": sorted(problems.STATUSES)},
        "status": {"type": "integer", "description": "The HTTP status; in a batch, that of the one report."},
        "detail": {"type": "string", "description": "What is wrong and, where it helps, what to do."},
        "pointer": {
            "type": "string",
            "description": "Of a refused report: the place, a JSON pointer (RFC 6901) short of keys that are no field's name.",
        },
        "parameter": {"type": "string", "description": "Of a question: the parameter that cannot be used."},
        "faults": {
            "type": "array",
            "description": "Of a question: each parameter that cannot be used.",
            "items": {
                "type": "object",
                "properties": {"where": {"type": "string"}, "message": {"type": "string"}},
                "required": ["where", "message"],
            },
        },
    },
}
PROBLEM_ANSWER: Document = {
    "description": "A problem",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
BINARY_HEADERS = {
    "ce-specversion": "`1.0`; with application/json it says that the message is in binary mode",
    "ce-id": "unique within the source",
    "ce-source": "who reports",
    "ce-type": "the kind of fact",
    "ce-subject": "the party",
    "ce-time": "when it happened, with a zone",
}


def install(app: FastAPI) -> None:
    """Serve the document at /openapi.json; `app.openapi()` is it."""

    def document() -> Document:
        if app.openapi_schema is None:
            app.openapi_schema = describe(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's own way to replace it
    router = APIRouter()

    @router.get("/openapi.json", include_in_schema=False)
    async def openapi(_: Request) -> JSONResponse:
        return JSONResponse(app.openapi())

    app.include_router(router)


def describe(app: FastAPI) -> Document:
    """The document: what the routes say of themselves, the media types of reports, and problems."""
    document = get_openapi(title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes)
    components: Document = document.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        components.pop(unused, None)
    components["Problem"] = PROBLEM
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = PROBLEM_ANSWER
    _describe_reports(document["paths"]["/reports"]["post"], components)
    retried: Document = document["paths"]["/quarantine/{number}/retry"]["post"]
    structured = {"schema": {"$ref": "#/components/schemas/Report"}}
    retried["requestBody"] = {"required": False, "content": {"application/cloudevents+json": structured}}
    return document


def _describe_reports(operation: Document, components: Document) -> None:
    kinds = {kind: model for kind, model in KINDS.items() if kind not in RESERVED}
    for kind, model in kinds.items():
        _add_kind(kind, model, components)
    components["Report"] = {
        "description": "A CloudEvent in structured form. Its `type` says which of these it is.",
        "oneOf": [{"$ref": REFERENCE.format(model=kind)} for kind in kinds],
        "discriminator": {
            "propertyName": "type",
            "mapping": {kind: REFERENCE.format(model=kind) for kind in kinds},
        },
    }
    report = {"$ref": "#/components/schemas/Report"}
    operation["requestBody"] = {
        "required": True,
        "description": "Structured mode, batched mode, or binary mode: the data alone, its attributes in ce-… headers.",
        "content": {
            "application/cloudevents+json": {"schema": report},
            "application/cloudevents-batch+json": {"schema": {"type": "array", "maxItems": 1_000, "items": report}},
            "application/json": {"schema": {"anyOf": [report, *(components[kind]["properties"]["data"] for kind in kinds)]}},
        },
    }
    operation["parameters"] = [
        {"name": name, "in": "header", "required": False, "description": f"Binary mode: {text}.", "schema": {"type": "string"}}
        for name, text in BINARY_HEADERS.items()
    ]
    receipt = {"$ref": "#/components/schemas/ReceiptShown"}
    of_each = {"type": "array", "items": {"anyOf": [receipt, {"$ref": "#/components/schemas/Problem"}]}}
    operation["responses"]["200"] = {
        "description": "The report had been recorded before: its first receipt; or, of a batch, what became of each report.",
        "content": {"application/json": {"schema": {"anyOf": [receipt, of_each]}}},
    }
    operation["responses"]["201"]["description"] = "Recorded"
    titles = {
        status: sorted(name for name, its in problems.STATUSES.items() if its == status)
        for status in problems.STATUSES.values()
    }
    for status, names in sorted((titles | {415: ["UnsupportedMediaType"], 503: ["NotRecorded"]}).items()):
        operation["responses"][str(status)] = PROBLEM_ANSWER | {"description": ", ".join(names)}


def _add_kind(kind: str, model: type[Fact], components: Document) -> None:
    data, definitions = schemas.data_of(model, REFERENCE)
    name = model.__name__
    components[name] = data
    components.update(definitions)
    envelope = schemas.of_kind(kind)
    for absent in ("$schema", "$defs"):
        envelope.pop(absent, None)
    envelope["properties"]["data"] = {"$ref": REFERENCE.format(model=name)}
    components[kind] = envelope
