"""`troth timeline`: all that was recorded about a party, in the order of happening."""

from typing import Annotated, Literal

import typer

from infra.asking import timeline
from infra.asking.timeline import Family, TimelineWanted
from infra.cli.opened import AsOf, KnownAt, asking
from infra.cli.paged import Cursor, Limit, more
from infra.cli.show import Json, as_json, minute, table


def of_party(
    party: Annotated[str, typer.Argument(help="The party's id.")],
    *,
    order: Annotated[Literal["newest", "oldest"], typer.Option(help="Which come first.")] = "newest",
    family: Annotated[Family | None, typer.Option(help="Only kinds of this family; fact: retractions.")] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    cursor: Cursor = None,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """Show all that was recorded about a party, and what each of it did."""
    wanted = TimelineWanted(order=order, family=family, cursor=cursor, limit=limit)
    with asking(as_of, known_at, party) as moment:
        answer = timeline.of_party(moment, party, wanted)
    if json:
        as_json(answer)
        return
    rows = [
        (
            minute(each.happened_at),
            each.kind,
            each.reference,
            each.outcome + (f": {each.reason}" if each.reason else ""),
            each.position,
            minute(each.recorded_at),
        )
        for each in answer.lines
    ]
    columns = ["happened", "kind", "reference", "what it did", "position#", "recorded"]
    table("", columns, rows, empty="Nothing of this family is recorded about the party.")
    more(answer.next)
