"""Every refusal and error as application/problem+json (RFC 9457). One table says which status each refusal has."""

from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from consumers.ports import BrokenRecord, NotWritten, Unreachable
from domain.entry import UnreadableEntry
from domain.refusal import Refusal
from domain.report import told
from infra import log
from infra.asking.answers import BadQuestion, NotFound
from infra.http.desk import NotRecorded
from infra.record import NotInQuarantine
from infra.sqlite.connect import Unusable, is_fault
from infra.wiring import now

STATUSES = {
    "MalformedJson": 400,
    "TooLarge": 413,
    "MalformedEnvelope": 422,
    "UnknownType": 422,
    "ReservedType": 403,
    "MalformedData": 422,
    "InTheFuture": 422,
    "SameIdOtherContent": 409,
    "StreamIsFull": 422,
}
"""The HTTP status of each refusal, by name."""


def problem(status: int, title: str, detail: str, **more: Any) -> Response:
    """A problem document. `title` is the name of the error, `detail` says what to do."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail} | more
    return Response(msgspec.json.encode(body), status, media_type="application/problem+json")


def refused(refusal: Refusal) -> dict[str, Any]:
    """A refusal as a problem document's content, for one report of a batch or for one alone."""
    status = STATUSES[refusal.name]
    return {"title": refusal.name, "status": status, "detail": refusal.message, "pointer": refusal.pointer}


def of_refusal(refusal: Refusal) -> Response:
    """The problem document of a report that was refused alone."""
    fault = refused(refusal)
    return problem(fault["status"], fault["title"], fault["detail"], pointer=fault["pointer"])


def install(app: FastAPI) -> None:
    """Answer each kind of error with its problem document."""

    @app.exception_handler(NotFound)
    @app.exception_handler(NotInQuarantine)
    async def _not_found(_: Request, error: Exception) -> Response:
        return problem(404, "NotFound", str(error))

    @app.exception_handler(BadQuestion)
    async def _bad_question(_: Request, error: BadQuestion) -> Response:
        return problem(422, "BadQuestion", str(error), parameter=error.parameter)

    @app.exception_handler(NotRecorded)
    async def _not_recorded(_: Request, error: NotRecorded) -> Response:
        return problem(503, "NotRecorded", str(error))

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> Response:
        found = [told(fault) for fault in error.errors()]
        faults = [{"where": where, "message": message} for message, where in found]
        return problem(422, "BadQuestion", "a parameter cannot be used", faults=faults)

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> Response:
        answer = problem(error.status_code, "HttpError", str(error.detail))
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(ClientDisconnect)
    async def _gone(_: Request, error: ClientDisconnect) -> Response:
        return problem(400, "Disconnected", "the request ended before all of it had come; nothing of it was recorded")

    app.add_exception_handler(Unreachable, _away)
    app.add_exception_handler(NotWritten, _not_written)
    for kind in (*Unusable, BrokenRecord, UnreadableEntry):
        app.add_exception_handler(kind, _unusable)

    @app.exception_handler(Exception)  # answered, and still raised: the server logs where it comes from
    async def _fault(_: Request, error: Exception) -> Response:
        return problem(500, "Fault", "a fault in troth: please report it, with what the log says of it")


async def _away(_: Request, error: Exception) -> Response:
    log.get().error("unreachable", reason=type(error).__name__, where=log.place(error.__traceback__))
    return problem(503, "Unreachable", "the ledger's database is away: ask again later")


async def _not_written(_: Request, error: Exception) -> Response:
    log.get().error("not_written", reason=type(error).__name__, where=log.place(error.__traceback__))
    detail = "the disk is full, or somebody holds a file for too long: ask again later, and nothing is recorded twice"
    return problem(503, "NotWritten", detail)


async def _unusable(request: Request, error: Exception) -> Response:
    if is_fault(error):
        raise error
    request.app.state.unusable_at = now()  # /readyz says so for a while
    log.get().error("unusable", reason=type(error).__name__, where=log.place(error.__traceback__))
    return problem(503, "Unusable", "the ledger's files cannot be used: `troth doctor` says what is wrong")
