"""`troth incidents`: which are open, whose they are, which are past their target, and how long they took."""

from collections.abc import Sequence
from typing import Annotated, Literal

import typer

from domain.incident_facts import Severity
from infra.asking import incidents
from infra.asking.incidents import IncidentsAnswer, IncidentShown, IncidentsWanted, Status
from infra.cli.opened import AsOf, KnownAt, asking
from infra.cli.paged import Cursor, Limit, Order, more, seconds
from infra.cli.show import Json, as_json, minute, out, table


def listed(
    *,
    status: Annotated[Status | None, typer.Option(help="Only those that stand so.")] = None,
    severity: Annotated[Severity | None, typer.Option(help="Only those as bad as this.")] = None,
    past_target: Annotated[bool, typer.Option("--past-target", help="Only what is not resolved and was to be by now.")] = False,
    party: Annotated[str | None, typer.Option(help="Whose trouble it is.")] = None,
    team: Annotated[str | None, typer.Option(help="Which team has it.")] = None,
    person: Annotated[str | None, typer.Option(help="Who has it.")] = None,
    category: Annotated[str | None, typer.Option(help="What kind of trouble.")] = None,
    sort: Annotated[Literal["opened", "target"] | None, typer.Option(help="By when opened, or to be resolved.")] = None,
    order: Order = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    cursor: Cursor = None,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """List incidents, with how long they took; pauses do not count."""
    wanted = IncidentsWanted(
        status=status,
        severity=severity,
        past_target=past_target,
        party=party,
        team=team,
        person=person,
        category=category,
        sort=sort,
        order=order,
        cursor=cursor,
        limit=limit,
    )
    with asking(as_of, known_at, party) as moment:
        answer = incidents.listed(moment, wanted)
    as_json(answer) if json else _page(answer, party=party is None)


def _page(answer: IncidentsAnswer, *, party: bool) -> None:
    table("", *rows(answer.incidents, party=party), empty="No incident meets the question.")
    if (of := answer.counts) is not None:
        stand = f"open {of.open}, paused {of.paused}, resolved {of.resolved}, closed {of.closed}"
        out.print(f"of {of.total}: {stand}, past their target {of.past_target}")
    more(answer.next)


def target(published: int | None, due_at: int | None) -> str:
    """By when it is to be done, pauses left out."""
    return "held by a pause" if published is not None and due_at is None else minute(due_at)


def rows(shown: Sequence[IncidentShown], *, party: bool) -> tuple[list[str], list[list[object]]]:
    """The columns and rows of a table of incidents, with or without whose they are."""
    columns = ["incident", "status", "severity", "category", "opened", "resolve by", "responded", "took#", "team", "person"]
    cells: list[list[object]] = [
        [
            each.incident_id,
            each.status + (", past target" if each.past_target else ""),
            each.severity,
            each.category,
            minute(each.opened_at),
            target(each.resolve_by, each.resolve_due_at),
            seconds(each.respond_seconds),
            seconds(each.resolve_seconds) or f"{seconds(each.running_seconds)} so far",
            each.team,
            each.person,
        ]
        for each in shown
    ]
    if party:
        return ["party", *columns], [[each.party, *row] for each, row in zip(shown, cells, strict=True)]
    return columns, cells
