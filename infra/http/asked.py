"""What all questions have in common: as_of and known_at, ETags."""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import Annotated, TypeVar

from fastapi import Query, Request
from pydantic import BaseModel, WithJsonSchema
from starlette.responses import Response

from domain.instant import MINUTE, MalformedInstant, parse
from infra.asking.answers import BadQuestion, Question
from infra.asking.moment import Moment, Present, past
from infra.http.reading import Reading
from infra.record import Record
from infra.wiring import now

_Text = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
AsOf = Annotated[
    _Text | None,
    Query(description="Only what had happened by then counts: an RFC 3339 instant with a zone, not in the future."),
]
KnownAt = Annotated[
    _Text | None,
    Query(description="Only what had been recorded by then counts: an RFC 3339 instant with a zone, not in the future."),
]
Cursor = Annotated[str | None, Query(description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="At most how many.")]

REMEMBERED = 4
_UNESCAPED_PLUS = re.compile(r" (?=\d\d:\d\d$)")
"""The + of an offset arrives as a space where it was not percent-encoded."""


class OfAMoment(Question):
    """What questions about a past moment have in common. First among a class's bases, so that these two come last."""

    as_of: AsOf = None
    known_at: KnownAt = None


Wanted = TypeVar("Wanted", bound=OfAMoment)


class Asking:
    """Asks the ledger on behalf of requests; lives as long as the application."""

    def __init__(self, present: Present, log: Record, reading: Reading) -> None:
        self._reading = reading
        self._present = present
        self._log = log
        self._pasts: OrderedDict[tuple[int, int | None, int | None], Moment] = OrderedDict()

    async def answer(
        self,
        request: Request,
        ask: Callable[[Moment], BaseModel],
        *,
        as_of: str | None = None,
        known_at: str | None = None,
        party: str | None = None,
    ) -> Response:
        """The answer as JSON with an ETag, or 304 where the asker has it already.

        Present answers are counted to the full minute, so that the same question within it has the same answer. A past
        question about the whole ledger reads all of the record: it is asked on a thread, and the last few are remembered.
        """
        moment_of = instant("as_of", as_of), instant("known_at", known_at)
        at = now()
        if moment_of == (None, None):
            return with_etag(request, await self._reading(lambda: self._of_now(at, ask)))
        if party is not None:
            return with_etag(request, await self._reading(lambda: ask(self._past(at, *moment_of, party))))
        moment = await self._whole(at, *moment_of)
        return with_etag(request, await self._reading(lambda: ask(moment)))

    async def answer_to(
        self, request: Request, wanted: Wanted, ask: Callable[[Moment, Wanted], BaseModel], party: str | None = None
    ) -> Response:
        """The answer to a question that says itself as of which moment."""
        return await self.answer(
            request, lambda moment: ask(moment, wanted), as_of=wanted.as_of, known_at=wanted.known_at, party=party
        )

    def _of_now(self, at: int, ask: Callable[[Moment], BaseModel]) -> BaseModel:
        with self._present.moment(at - at % MINUTE) as moment:
            return ask(moment)

    def _past(self, at: int, as_of: int | None, known_at: int | None, party: str | None) -> Moment:
        return past(self._log, at, as_of=as_of, known_at=known_at, party=party)

    async def _whole(self, at: int, as_of: int | None, known_at: int | None) -> Moment:
        key = (await self._reading(self._log.end), as_of, known_at)
        if key not in self._pasts:
            self._pasts[key] = await asyncio.to_thread(self._past, at, as_of, known_at, None)
            while len(self._pasts) > REMEMBERED:
                self._pasts.popitem(last=False)
        self._pasts.move_to_end(key)
        return self._pasts[key]


def asking(request: Request) -> Asking:
    """The application's Asking."""
    found: Asking = request.app.state.asking
    return found


def instant(parameter: str, value: str | None) -> int | None:
    """The instant that a query parameter says. Raises BadQuestion."""
    try:
        return None if value is None else parse(_UNESCAPED_PLUS.sub("+", value))
    except MalformedInstant as wrong:
        raise BadQuestion(parameter, f"{parameter} {wrong}") from None


def with_etag(request: Request, answer: BaseModel) -> Response:
    """The answer with its ETag, or 304 Not Modified."""
    body = answer.model_dump_json().encode()
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    if tag in (request.headers.get("if-none-match") or ""):
        return Response(status_code=304, headers={"ETag": tag})
    return Response(body, media_type="application/json", headers={"ETag": tag, "Cache-Control": "no-cache"})
