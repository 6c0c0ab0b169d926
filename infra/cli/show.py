"""How answers are shown: a table for people, JSON for programs."""

import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import msgspec
import typer
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from domain.instant import text

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of tables for people.")]

WIDE = 200
"""Columns to fill where the output goes to a file or another program, which has no width of its own."""

out = Console(highlight=False, emoji=False, markup=False, width=None if sys.stdout.isatty() else WIDE)
err = Console(stderr=True, highlight=False, emoji=False, markup=False)


def as_json(answer: BaseModel | dict[str, Any] | list[Any]) -> None:
    """Print an answer as one line of JSON."""
    body = answer.model_dump_json() if isinstance(answer, BaseModel) else msgspec.json.encode(answer).decode()
    sys.stdout.write(body + "\n")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print rows under their columns; `empty` is what to say where there are none. Columns that end in # are numbers."""
    shown = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for column in columns:
        shown.add_column(column.rstrip("#"), justify="right" if column.endswith("#") else "left", overflow="fold")
    count = 0
    for row in rows:
        shown.add_row(*("" if cell is None else str(cell) for cell in row))
        count += 1
    if count:
        out.print(shown)
    else:
        out.print(empty)


def share(micro: int) -> str:
    """Millionths as a share between 0 and 1, with three digits."""
    return f"{micro / 1_000_000:.3f}"


def day(instant: int | None) -> str:
    """The date of an instant, in UTC."""
    return "" if instant is None else text(instant)[:10]


def minute(instant: int | None) -> str:
    """An instant to the minute, in UTC."""
    return "" if instant is None else text(instant)[:16].replace("T", " ")
