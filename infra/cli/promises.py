"""`troth promises`: which are open, due, overdue, kept, broken; by whom, and at whom."""

from collections.abc import Sequence
from typing import Annotated, Literal

import typer

from domain.promise import Side
from infra.asking import promises
from infra.asking.promises import DUE_WITHIN_DAYS, PromisesAnswer, PromiseShown, PromisesWanted, State
from infra.cli.opened import AsOf, KnownAt, asking
from infra.cli.paged import Cursor, Limit, Order, more, seconds
from infra.cli.show import Json, as_json, minute, out, table

PROMISE_COLUMNS = ["promise", "status", "category", "made", "due", "ended"]


def listed(
    *,
    state: Annotated[State | None, typer.Option(help="Only those that stand so; due: within --within days.")] = None,
    within: Annotated[int, typer.Option(min=0, max=36_500, help="How many days ahead counts as due.")] = DUE_WITHIN_DAYS,
    by: Annotated[Side | None, typer.Option(help="Who promised.")] = None,
    party: Annotated[str | None, typer.Option(help="The company's counterpart.")] = None,
    team: Annotated[str | None, typer.Option(help="The company's team.")] = None,
    person: Annotated[str | None, typer.Option(help="The company's person.")] = None,
    guarantor: Annotated[str | None, typer.Option(help="Who stands behind it by name.")] = None,
    category: Annotated[str | None, typer.Option(help="What kind of promise.")] = None,
    sort: Annotated[Literal["due", "made"] | None, typer.Option(help="By when they are due, or were made.")] = None,
    order: Order = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    cursor: Cursor = None,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """List promises by how they stand, by whom and at whom."""
    wanted = PromisesWanted(
        state=state,
        within_days=within,
        promisor=by,
        party=party,
        team=team,
        person=person,
        guarantor=guarantor,
        category=category,
        sort=sort,
        order=order,
        cursor=cursor,
        limit=limit,
    )
    with asking(as_of, known_at, party) as moment:
        answer = promises.listed(moment, wanted)
    as_json(answer) if json else _page(answer, party=party is None)


def _page(answer: PromisesAnswer, *, party: bool) -> None:
    table("", *rows(answer.promises, party=party), empty="No promise meets the question.")
    if (of := answer.counts) is not None:
        kept = f"kept early {of.kept_early}, on time {of.kept_on_time}, late {of.kept_late}"
        ended = f"{kept}, broken {of.broken}, withdrawn {of.withdrawn}, disputed {of.disputed}"
        out.print(f"of {of.total}: open {of.open} (overdue {of.overdue}, due {of.due}), {ended}")
    more(answer.next)


def rows(shown: Sequence[PromiseShown], *, party: bool) -> tuple[list[str], list[list[object]]]:
    """The columns and rows of a table of promises, with or without whose they are."""
    columns = [*PROMISE_COLUMNS, "late by", "team", "person"]
    cells: list[list[object]] = [
        [
            each.promise_id,
            each.status + (", disputed" if each.disputed else ""),
            each.category,
            minute(each.made_at),
            minute(each.due_at),
            minute(each.ended_at),
            seconds(each.late_by_seconds),
            each.team,
            each.person,
        ]
        for each in shown
    ]
    if party:
        return ["party", *columns], [[each.party, *row] for each, row in zip(shown, cells, strict=True)]
    return columns, cells
