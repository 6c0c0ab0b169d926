"""`troth quarantine`: what was refused, to list, to show, to try again and to discard."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Annotated, Any

import typer

from consumers.intake import Intake, Outcome
from domain.refusal import Refusal
from infra import wiring
from infra.asking import quarantine
from infra.asking.quarantine import QuarantineWanted
from infra.asking.receipt import shown
from infra.cli.opened import existing
from infra.cli.paged import Cursor, Limit, more
from infra.cli.show import Json, as_json, minute, out, table
from infra.record import Kept, Quarantine, Record
from infra.record import Status as KeptStatus

AT_ONCE = 500

app = typer.Typer(name="quarantine", help="What was refused, and why: list, show, try again, discard.", no_args_is_help=True)
Numbers = Annotated[list[int] | None, typer.Argument(help="The numbers of reports, as `troth quarantine list` shows them.")]
Every = Annotated[bool, typer.Option("--all", help="All that wait.")]
Reason = Annotated[str | None, typer.Option(help="All that wait for this reason, such as `UnknownType`.")]


class Opened:
    """The record, an intake for it, and what was refused; closed with the block."""

    def __init__(self) -> None:
        settings = existing()
        with ExitStack() as stack:
            self.log: Record = stack.enter_context(closing(wiring.open_log(settings)))
            self.quarantine: Quarantine = stack.enter_context(closing(wiring.open_quarantine(settings)))
            self.intake: Intake = wiring.open_intake(self.log)
            self._stack = stack.pop_all()

    def __enter__(self) -> "Opened":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


@app.command("list")
def listed(
    *,
    status: Annotated[KeptStatus, typer.Option(help="Those of which this became; those that wait, unless said.")] = "waiting",
    every: Annotated[bool, typer.Option("--all", help="Whatever became of them.")] = False,
    reason: Annotated[str | None, typer.Option(help="Those refused for this reason, such as `UnknownType`.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """List what was refused: those that wait, unless another status is asked for."""
    wanted = QuarantineWanted(status="all" if every else status, reason=reason, cursor=cursor, limit=limit)
    with Opened() as opened:
        answer = quarantine.listed(opened.quarantine, wanted)
    if json:
        as_json(answer)
        return
    rows = [
        (each.number, each.status, each.reason, each.pointer, each.message, each.origin, minute(each.refused_at), each.times)
        for each in answer.refused
    ]
    columns = ["number#", "status", "reason", "where", "what is wrong", "came by", "first refused", "times#"]
    table("", columns, rows, empty="Nothing is in quarantine that meets the question.")
    more(answer.next)


@app.command()
def show(number: Annotated[int, typer.Argument(help="Its number.")], json: Json = False) -> None:
    """Show one report that was refused: why, where, and its bytes as text, which may be personal."""
    with Opened() as opened:
        answer = quarantine.whole(opened.quarantine, opened.log, number)
    if json:
        as_json(answer)
        return
    facts = {
        "number": answer.number,
        "status": answer.status,
        "reason": answer.reason,
        "where": answer.pointer or "the whole report",
        "what is wrong": answer.message,
        "came by": answer.origin,
        "first refused": f"{minute(answer.refused_at)} UTC, {answer.times} times",
        "size": f"{answer.size_bytes:,} bytes",
    }
    if answer.receipt is not None:
        facts["recorded at"] = f"position {answer.receipt.position}, {answer.receipt.outcome}"
    for name, value in facts.items():
        out.print(f"{name:>13}  {value}", soft_wrap=True)
    out.print(answer.text, soft_wrap=True)


@app.command()
def retry(
    numbers: Numbers = None,
    *,
    every: Every = False,
    reason: Reason = None,
    corrected: Annotated[
        Path | None, typer.Option("--with", exists=True, dir_okay=False, help="Try what this file says in its place.")
    ] = None,
    json: Json = False,
) -> None:
    """Try reports again; what is recorded now is done with, the others stay, with why."""
    if corrected is not None and len(numbers or []) != 1:
        raise typer.BadParameter("--with FILE corrects one report: name its number, and only that")
    tried: list[tuple[Kept, Outcome]] = []
    with Opened() as opened:
        for batch in _chosen(opened, numbers, every=every, reason=reason):
            tried.extend(_record(opened, batch, corrected.read_bytes() if corrected else None))
    refused = sum(isinstance(outcome, Refusal) for _, outcome in tried)
    if json:
        as_json({"recorded": len(tried) - refused, "refused": refused, "reports": [_tried(*each) for each in tried]})
    else:
        rows = [tuple(_tried(*each).values()) for each in tried]
        table("", ["number#", "status", "reason", "where", "what is wrong", "position#"], rows, empty="Nothing waits.")
        out.print(f"{len(tried) - refused:,} recorded, {refused:,} refused again")
    raise typer.Exit(1 if refused else 0)


@app.command()
def discard(numbers: Numbers = None, *, every: Every = False, reason: Reason = None, json: Json = False) -> None:
    """Say that reports are not to be recorded. Their bytes stay, and they can still be tried again by number."""
    count = 0
    with Opened() as opened:
        for batch in _chosen(opened, numbers, every=every, reason=reason):
            for each in batch:
                if each.status != "recorded":
                    opened.quarantine.discard(each.number)
                    count += 1
    if json:
        as_json({"discarded": count})
    else:
        out.print(f"{count:,} discarded")


def _chosen(opened: Opened, numbers: Sequence[int] | None, *, every: bool, reason: str | None) -> Iterator[list[Kept]]:
    """The reports that were named, or all that wait, a few hundred at a time."""
    if [bool(numbers), every, reason is not None].count(True) != 1:
        raise typer.BadParameter("name the reports by their numbers, or say --all, or --reason with one")
    if numbers:
        yield [opened.quarantine.show(number) for number in dict.fromkeys(numbers)]
        return
    batch = opened.quarantine.list(limit=AT_ONCE, reason=reason)
    while batch:
        yield batch
        batch = opened.quarantine.list(limit=AT_ONCE, reason=reason, after=batch[-1].number)


def _record(opened: Opened, batch: Sequence[Kept], corrected: bytes | None) -> list[tuple[Kept, Outcome]]:
    """What becomes of each report; one that was recorded before keeps its receipt."""
    before = [(kept, quarantine.receipt_of(opened.log, kept)) for kept in batch]
    waiting = [kept for kept, receipt in before if receipt is None]
    again = [quarantine.again(kept, corrected) for kept in waiting]
    outcomes = opened.intake.record([each.incoming for each in again])
    quarantine.settle(opened.quarantine, again, outcomes)
    return [(kept, receipt) for kept, receipt in before if receipt is not None] + list(zip(waiting, outcomes, strict=True))


def _tried(kept: Kept, outcome: Outcome) -> dict[str, Any]:
    tried: dict[str, Any] = {"number": kept.number, "status": "recorded", "reason": None, "pointer": None, "message": None}
    if isinstance(outcome, Refusal):
        return tried | {
            "status": "waiting",
            "reason": outcome.name,
            "pointer": outcome.pointer,
            "message": outcome.message,
            "position": None,
        }
    return tried | {"reason": shown(outcome).reason, "position": outcome.position}
