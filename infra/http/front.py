"""The front page: what is here, and how to ask it. One page, nothing of it loaded from elsewhere."""

import asyncio
import re
import shlex
from base64 import b64encode
from collections.abc import Iterator, Sequence
from hashlib import sha256
from importlib.resources import files
from typing import NamedTuple
from urllib.parse import quote

from fastapi import APIRouter, Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.datastructures import State
from starlette.responses import HTMLResponse, Response

from domain.instant import text
from infra.asking import board, front, status
from infra.asking.board import BoardAnswer
from infra.asking.front import Examples
from infra.asking.moment import Present
from infra.demo.play import MARK
from infra.http.reading import read
from infra.record import Kept
from infra.wiring import now

router = APIRouter()

COMMANDS = (
    ("troth parties", "the parties by how far they can trust us"),
    ("troth show {party}", "all that lies between us and one of them"),
    ("troth explain {party}", "every contribution to its trust, to the last millionth"),
    ("troth timeline {party}", "all that was recorded about it"),
    ("troth board", "the company as a whole: who keeps their word, what is due, how long it takes"),
    ("troth promises --state overdue", "what is overdue now"),
    ("troth incidents", "trouble, and how it stands"),
    ("troth entries --count-by kind", "what the record holds"),
    ("troth quarantine list", "what was refused, and why"),
    ("troth status", "positions and digests of the projections"),
    ("troth doctor", "what may be wrong here"),
)
"""The commands that the page shows; `{party}` is a party of this ledger."""

DEMO = (
    ("/parties/harbour-hotel/company", "a customer who was let down and won back"),
    ("/parties/old-mill-cafe/explanation", "one whose trust sinks, and why"),
    ("/parties/northgate-offices/layers", "one whom nobody called any more"),
    ("/board/promisors", "which team keeps its word"),
)
"""What is worth seeing in the demo's ledger."""

_STYLE = files("infra.http").joinpath("pages", "front.css").read_text("utf-8")
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGES = Environment(loader=PackageLoader("infra.http", "pages"), autoescape=True, undefined=StrictUndefined)
_PAGES.filters["count"] = lambda number: f"{number:,}"
_PAGES.filters["percent"] = lambda micro: f"{micro / 10_000:.1f} %"
_PAGES.filters["minute"] = lambda instant: text(instant)[:16].replace("T", " ") + " UTC"


class Question(NamedTuple):
    """A question that the API answers: where, an example of this very ledger, and what it is about."""

    template: str
    example: str | None
    meaning: str


@router.get("/", include_in_schema=False)
async def page(request: Request) -> Response:
    """What is here."""
    state = request.app.state
    of_all = await asyncio.to_thread(status.status, state.settings)
    examples, of_company, waiting, demo = await read(request, lambda: _found(state))
    shown = _PAGES.get_template("front.html").render(
        style=_STYLE,
        status=of_all,
        board=of_company,
        demo=DEMO if demo else (),
        questions=list(_questions(request, examples, waiting[0].number if waiting else None)),
        commands=[(each.format(party=shlex.quote(examples.party or "PARTY")), meaning) for each, meaning in COMMANDS],
        home=shlex.quote(of_all.home),
        host=request.url.netloc,
    )
    return HTMLResponse(
        shown,
        headers={
            "Content-Security-Policy": _POLICY,
            "Cache-Control": "no-cache",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        },
    )


def _found(state: State) -> tuple[Examples, BoardAnswer, Sequence[Kept], bool]:
    present: Present = state.present
    with present.moment(now()) as moment:
        examples, of_company = front.examples(moment), board.of_company(moment)
    return examples, of_company, state.quarantine.list(limit=1), state.log.mark(MARK) is not None


def _questions(request: Request, examples: Examples, waiting: int | None) -> Iterator[Question]:
    values = {
        "party": examples.party,
        "kind": "team",
        "subject": examples.team,
        "position": str(examples.position),
        "number": None if waiting is None else str(waiting),
    }
    paths = request.app.openapi()["paths"]
    heads = list(dict.fromkeys(path.split("/")[1] for path in paths))
    for path in sorted(paths, key=lambda path: heads.index(path.split("/")[1])):  # all about a party together, and so on
        if "get" in paths[path]:
            wanted = re.findall(r"{(\w+)}", path)
            known = {name: quote(value, safe="") for name in wanted if (value := values.get(name)) is not None}
            example = path.format(**known) if len(known) == len(wanted) else None
            yield Question(path, example, paths[path]["get"].get("description", "").split("\n")[0].replace("`", ""))
