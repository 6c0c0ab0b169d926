"""Opens the ledger for a question, and brings its views up to date first where nobody else does."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from domain.instant import MalformedInstant, parse
from infra import wiring
from infra.asking.moment import Moment, Present, past
from infra.cli.show import err
from infra.drivers import Drivers, driving
from infra.settings import Settings
from infra.turns import DrivenElsewhere

AsOf = Annotated[
    str | None, typer.Option(help="Only what had happened by then counts: RFC 3339 with a zone, not in the future.")
]
KnownAt = Annotated[
    str | None, typer.Option(help="Only what had been recorded by then counts: RFC 3339 with a zone, not in the future.")
]


@contextmanager
def asking(as_of: str | None = None, known_at: str | None = None, party: str | None = None) -> Iterator[Moment]:
    """The moment that a command asks about. A past question without a party reads all of the record."""
    settings = existing()
    moment_of = instant("--as-of", as_of), instant("--known-at", known_at)
    if moment_of != (None, None):
        with closing(wiring.open_log(settings)) as log:
            moment = past(log, wiring.now(), as_of=moment_of[0], known_at=moment_of[1], party=party)
            with closing(moment.views):
                yield moment
        return
    bring_up_to_date(settings)
    with (
        closing(wiring.open_log(settings)) as log,
        closing(wiring.read_views(settings)) as views,
        Present(views, log).moment(wiring.now()) as moment,
    ):
        yield moment


def existing() -> Settings:
    """The settings, where there is a ledger. Raises NoLedgerHere."""
    settings = Settings()
    wiring.open_log(settings).close()
    wiring.make(settings)
    return settings


def bring_up_to_date(settings: Settings) -> None:
    """Project, tell the time and rank, unless `troth serve` does it."""
    try:
        with driving(settings) as drivers:
            with_progress(drivers)
    except DrivenElsewhere:
        return


def with_progress(drivers: Drivers) -> None:
    """Catch up; on a terminal, with a bar that stays away when there is little to do."""
    columns = (TextColumn("projecting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("projecting", total=None)
        drivers.catch_up(lambda done, total: progress.update(task, completed=done, total=total))


def instant(option: str, value: str | None) -> int | None:
    """The instant that an option says."""
    try:
        return None if value is None else parse(value)
    except MalformedInstant as wrong:
        raise typer.BadParameter(f"{option} {wrong}") from None
