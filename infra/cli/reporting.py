"""`troth report`: records CloudEvents from a file or from standard input."""

import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from consumers.intake import Incoming, Intake, Outcome
from domain import strictjson
from domain.refusal import Refusal
from infra import wiring
from infra.cli.show import Json, as_json, out, table
from infra.settings import Settings

AT_ONCE = 1_000


def report(
    file: Annotated[Path, typer.Argument(help="A file; - is standard input.")],
    json: Json = False,
) -> None:
    """Record CloudEvents: one, a JSON array of them, or one a line. What is refused is kept in quarantine."""
    raw = _read(file)
    settings = Settings()
    wiring.make(settings)
    with closing(wiring.open_log(settings)) as log:
        outcomes = _record(wiring.open_intake(log), messages(raw))
    counts = Counter(_became(outcome) for outcome in outcomes)
    refused = counts["refused"]
    if json:
        totals = {name: counts[name] for name in ("recorded", "repeated", "refused")}
        as_json(totals | {"reports": [_shown(outcome) for outcome in outcomes]})
    else:
        rows = [tuple(_shown(outcome).values()) for outcome in outcomes]
        table("", ["outcome", "position#", "reason", "where", "what is wrong"], rows, empty="There is no report in it.")
        out.print(f"{counts['recorded']:,} recorded, {counts['repeated']:,} repeated, {refused:,} refused")
        if refused:
            out.print("`troth quarantine list` lists what was refused, also before")
    raise typer.Exit(1 if refused else 0)


def _read(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as wrong:
        raise typer.BadParameter(f"{file} cannot be read: {wrong.strerror}") from None


def messages(raw: bytes) -> list[bytes]:
    """The reports in a file: the elements of an array, or the lines where one alone is a CloudEvent, or all of it."""
    elements = strictjson.split(raw)
    if elements is not None:
        return elements
    lines = [line for line in raw.splitlines() if line.strip()]
    if len(lines) > 1 and any(_is_event(line) for line in lines):
        return lines
    return [raw] if lines else []


def _is_event(line: bytes) -> bool:
    try:
        value = strictjson.read(line)
    except Refusal:
        return False
    return isinstance(value, dict) and "specversion" in value


def _record(intake: Intake, reports: list[bytes]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for start in range(0, len(reports), AT_ONCE):
        outcomes += intake.record([Incoming("report", raw) for raw in reports[start : start + AT_ONCE]])
    return outcomes


def _became(outcome: Outcome) -> str:
    if isinstance(outcome, Refusal):
        return "refused"
    return "repeated" if outcome.repeated else "recorded"


def _shown(outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, Refusal):
        return {
            "outcome": "refused",
            "position": None,
            "reason": outcome.name,
            "pointer": outcome.pointer,
            "message": outcome.message,
        }
    again = "recorded before" if outcome.repeated else None
    return {
        "outcome": outcome.outcome,
        "position": outcome.position,
        "reason": outcome.reason,
        "pointer": None,
        "message": again,
    }
