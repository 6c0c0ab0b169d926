"""Reports over HTTP: CloudEvents in structured, binary and batched mode."""

from urllib.parse import unquote

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from consumers.intake import Incoming, Outcome
from domain import strictjson
from domain.entry import Receipt
from domain.refusal import MalformedEnvelope, Refusal
from infra import cloudevents
from infra.asking.receipt import ReceiptShown
from infra.http import problems
from infra.http.desk import Desk

router = APIRouter(tags=["reports"])

BODY_AT_MOST = 8 * 1024 * 1024
BATCH_AT_MOST = 1_000
TOO_LARGE = f"a request may have {BODY_AT_MOST} bytes; nothing of it was read or kept"


@router.post("/reports", response_model=ReceiptShown, status_code=201)
async def report(request: Request) -> Response:
    """Record one report (structured or binary mode), or up to 1,000 (batched mode).

    One report: 201 with its receipt, 200 where it had been recorded before, or a problem. A batch: 200 with a list, in order,
    of a receipt or a problem for each; or a problem, where it is no JSON array.
    """
    raw = await body_of(request)
    if raw is None:
        return problems.problem(413, "TooLarge", TOO_LARGE)
    desk: Desk = request.app.state.desk
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "application/cloudevents-batch+json":
        return await _batch(desk, raw)
    if kind not in ("application/cloudevents+json", "application/json"):
        return problems.problem(
            415,
            "UnsupportedMediaType",
            "send application/cloudevents+json, application/cloudevents-batch+json, or application/json with ce-… headers",
        )
    if kind == "application/json" and "ce-specversion" in request.headers:
        raw = _structured(request, raw)
    (outcome,) = await desk.record([Incoming("http", raw)])
    if isinstance(outcome, Refusal):
        return problems.of_refusal(outcome)
    return Response(_shown(outcome), 200 if outcome.repeated else 201, media_type="application/json")


async def _batch(desk: Desk, raw: bytes) -> Response:
    elements = strictjson.split(raw)
    if elements is None:
        refusal = _no_batch(raw)
        await desk.record([Incoming("http", raw, refusal=refusal)])  # kept, as one report it may be
        return problems.of_refusal(refusal)
    if len(elements) > BATCH_AT_MOST:
        return problems.problem(413, "TooLarge", f"a batch may have {BATCH_AT_MOST} reports; nothing of it was recorded")
    outcomes = await desk.record([Incoming("http", element) for element in elements]) if elements else []
    return Response(b"[" + b",".join(map(_shown, outcomes)) + b"]", 200, media_type="application/json")


def _no_batch(raw: bytes) -> Refusal:
    try:
        strictjson.read(raw, max_bytes=BODY_AT_MOST)
    except Refusal as wrong:
        return wrong
    return MalformedEnvelope("a batch is a JSON array of reports; one alone is sent as application/cloudevents+json")


async def body_of(request: Request) -> bytes | None:
    """The body of a request, or None where it has more bytes than a request may have."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > BODY_AT_MOST:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _structured(request: Request, data: bytes) -> bytes:
    """A binary-mode message in structured form: each ce-… header an attribute (percent-decoded), the body the data."""
    named = ((name[3:], unquote(value)) for name, value in request.headers.items() if name.startswith("ce-"))
    return cloudevents.structured(named, data)


def _shown(outcome: Outcome) -> bytes:
    if isinstance(outcome, Receipt):
        return msgspec.json.encode(outcome._asdict())
    return msgspec.json.encode(problems.refused(outcome))
