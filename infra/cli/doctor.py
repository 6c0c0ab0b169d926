"""`troth doctor`: what may be wrong here, each with what to do."""

from collections.abc import Callable, Iterator
from functools import partial

import typer

from infra.cli.show import Json, as_json, out, table
from infra.doctor import machine, record, views
from infra.doctor.check import Check
from infra.settings import Settings


def doctor(json: Json = False) -> None:
    """Look at machine, record and views, at PostgreSQL and Kafka if they are set; exit with 1 where something is wrong."""
    checks = [*_looked_at(Settings())]
    wrong = [each for each in checks if not each.ok]
    if json:
        as_json({"ok": not wrong, "checks": [each._asdict() for each in checks]})
    else:
        rows = [("ok" if each.ok else "WRONG", each.name, each.found, each.do) for each in checks]
        table("", ["", "what", "found", "what to do"], rows, empty="")
        out.print("All is well." if not wrong else f"wrong: {', '.join(each.name for each in wrong)}")
    raise typer.Exit(1 if wrong else 0)


def _looked_at(settings: Settings) -> Iterator[Check]:
    yield from machine.looked_at(settings.home)
    if settings.kafka is not None:
        from infra.doctor import broker  # noqa: PLC0415  # half a second that who uses no Kafka need not wait

        yield from broker.looked_at(settings, settings.kafka)
    if settings.database is None:
        yield from _with_views(settings, record.in_files(settings), partial(record.are_files_readable, settings))
    else:
        from infra.doctor import database  # noqa: PLC0415  # as above, for PostgreSQL

        url = settings.database.get_secret_value()
        yield from _with_views(settings, database.looked_at(settings, url), partial(database.is_readable, settings, url))


def _with_views(settings: Settings, checks: Iterator[Check], is_readable: Callable[[], bool]) -> Iterator[Check]:
    """The record, and behind it, if that can be read, the views."""
    found = [*checks]
    yield from found
    if all(each.ok for each in found if each.name in {"ledger", "positions"}) and is_readable():
        yield from views.looked_at(settings)
