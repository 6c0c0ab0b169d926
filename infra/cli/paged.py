"""Lists that come in pages: their options, and what to say below one."""

from typing import Annotated

import typer

from infra.asking.paging import Order as Way
from infra.cli.show import out

Limit = Annotated[int, typer.Option(min=1, max=1000, help="At most how many.")]
Cursor = Annotated[str | None, typer.Option(help="Go on where the page before ended: its `next`.")]
Order = Annotated[Way | None, typer.Option(help="Which come first; each sort has its own usual way.")]


def more(following: str | int | None, option: str = "--cursor") -> None:
    """Say how to see the next page, where there is one."""
    if following is not None:
        out.print(f"more: the same with {option} {following}", soft_wrap=True)


def plain(personal: str | None) -> str:
    """A name as one line of a terminal: what would move its cursor, or change what is shown elsewhere, becomes a space."""
    return "".join(each if each.isprintable() else " " for each in personal or "")


def seconds(duration: int | None) -> str:
    """A duration in its two largest units."""
    if duration is None:
        return ""
    days, rest = divmod(duration, 86_400)
    hours, minutes = rest // 3600, rest % 3600 // 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
