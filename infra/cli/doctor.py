"""`troth doctor`: what may be wrong here, each with what to do."""

from collections.abc import Iterator

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
        found, readable = [*record.in_files(settings)], record.are_files_readable(settings)
    else:
        from infra.doctor import database  # noqa: PLC0415  # as above, for PostgreSQL

        url = settings.database.get_secret_value()
        found, readable = [*database.looked_at(settings, url)], database.is_readable(settings, url)
    yield from found
    if readable and all(each.ok for each in found if each.name == "positions"):
        yield from views.looked_at(settings)
