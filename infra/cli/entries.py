"""`troth entries`: the record itself, page by page, one entry, or how many there are of each kind."""

from contextlib import closing
from typing import Annotated, Literal

import msgspec
import typer

from infra import wiring
from infra.asking import entries
from infra.asking.entries import EntriesAnswer, EntriesWanted, EntryAnswer
from infra.cli.opened import existing
from infra.cli.paged import more, plain
from infra.cli.show import Json, as_json, minute, out, table
from infra.record import Record

MOST = 2**53


def listed(
    *,
    after: Annotated[int | None, typer.Option(min=0, max=MOST, help="From behind this position.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most how many.")] = 50,
    position: Annotated[int | None, typer.Option(min=0, max=MOST, help="The entry at this position.")] = None,
    source: Annotated[str | None, typer.Option(help="With --id: the entry that records this report.")] = None,
    ident: Annotated[str | None, typer.Option("--id", help="The report's id within its source.")] = None,
    count_by: Annotated[Literal["kind"] | None, typer.Option(help="Count the entries instead.")] = None,
    json: Json = False,
) -> None:
    """Show the record: a page of it, one entry, or how many entries there are of each kind."""
    if sum((position is not None, source is not None or ident is not None, count_by is not None)) > 1:
        raise typer.BadParameter("--position, --source with --id, and --count-by are three different questions")
    if (source is None) != (ident is None):
        raise typer.BadParameter("a report is named by --source and --id together")
    with closing(wiring.open_log(existing())) as log:
        if count_by is not None:
            _count(log, json=json)
        elif position is not None:
            _one(entries.at_position(log, position), json=json)
        elif source is not None and ident is not None:
            _one(entries.of_report(log, source, ident), json=json)
        else:
            _page(entries.listed(log, EntriesWanted(after=after, limit=limit)), json=json)


def _count(log: Record, *, json: bool) -> None:
    counted = entries.count_by_kind(log)
    if json:
        as_json(counted)
        return
    rows = [(kind, f"{count:,}") for kind, count in counted.root.items()]
    table("", ["kind", "entries#"], rows, empty="Nothing is recorded yet.")
    out.print(f"{sum(counted.root.values()):,} entries")


def _one(entry: EntryAnswer, *, json: bool) -> None:
    if json:
        as_json(entry)
        return
    rows = [(name, _shown(name, value)) for name, value in entry.model_dump(mode="json").items() if value is not None]
    table("", ["", ""], rows, empty="")


def _page(answer: EntriesAnswer, *, json: bool) -> None:
    if json:
        as_json(answer)
        return
    rows = [
        (each.position, each.kind, each.party, minute(each.happened_at), each.outcome, each.source, each.id, each.hash[:12])
        for each in answer.entries
    ]
    columns = ["position#", "kind", "party", "happened", "did", "source", "id", "hash"]
    table("", columns, rows, empty=f"The record ends before position {answer.end}.")
    more(answer.next, "--after")


def _shown(name: str, value: object) -> str:
    """A field as one cell: what was stored as JSON over several lines, in which no terminal finds anything to obey."""
    if name not in ("fact", "before", "after"):
        return str(value)
    lines = msgspec.json.format(msgspec.json.encode(value), indent=2).decode().split("\n")
    return "\n".join(plain(line) for line in lines)
