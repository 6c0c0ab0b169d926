"""`troth status`: what the ledger holds and how far everything has come. `troth rebuild`: projections built anew."""

from threading import Event
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from consumers.ports import Built
from infra import rebuilding
from infra.asking import status as asking
from infra.asking.kafka import KafkaStatus
from infra.asking.status import Digests, Projections
from infra.cli.opened import bring_up_to_date, existing
from infra.cli.show import Json, as_json, err, minute, out, table
from infra.drivers import driving
from infra.settings import Settings
from infra.turns import DrivenElsewhere
from projections.catalog import PROJECTIONS

LOOK_SECONDS = 0.2


def status(json: Json = False) -> None:
    """Say what the ledger holds: entries, parties, policy, projections with their digests, quarantine, the next lapse."""
    settings = existing()
    bring_up_to_date(settings)
    answer = asking.status(settings, Digests())
    if json:
        as_json(answer)
        return
    out.print(f"ledger {answer.ledger} in {answer.where}", soft_wrap=True)
    out.print(f"{answer.entries:,} entries about {answer.parties:,} parties")
    out.print(f"policy {answer.policy.version}, {answer.policy.hash}", soft_wrap=True)
    versions = answer.schema_versions
    out.print(f"schema versions: ledger {versions.ledger}, views {versions.views}")
    lapse = "none is due" if answer.next_lapse_at is None else f"{minute(answer.next_lapse_at)} UTC"
    out.print(f"next lapse: {lapse}")
    waiting = [(reason, f"{count:,}") for reason, count in answer.quarantine.items()]
    table("In quarantine", ["reason", "reports#"], waiting, empty="quarantine: nothing waits")
    _show(answer)
    if answer.kafka is not None:
        _show_kafka(answer.kafka)


def rebuild(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Which projections; all where none is named.", autocompletion=lambda: [each.name for each in PROJECTIONS]
        ),
    ] = None,
    discard: Annotated[
        bool, typer.Option("--discard", help="Drop what is being built of them instead: readers keep what they see.")
    ] = False,
    json: Json = False,
) -> None:
    """Build projections anew from the record, beside what readers see; each is swapped in once its digest agrees.

    Where it does not, both are kept and everything that drives the views stops, until --discard has dropped the rebuild, or
    the views were deleted to be built anew.
    """
    settings = existing()
    wanted = names or [each.name for each in PROJECTIONS]
    if discard:
        _discard(settings, wanted, json)
        return
    begun = rebuilding.begin(settings, wanted)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        _follow(settings, begun, progress)
    answer = asking.projections(settings, Digests())
    rebuilt = [each for each in answer.projections if each.name in {one.name for one in begun}]
    answer = answer.model_copy(update={"projections": rebuilt})
    if json:
        as_json(answer)
    else:
        _show(answer)


def _discard(settings: Settings, names: list[str], json: bool) -> None:
    dropped = rebuilding.discard(settings, names)
    if json:
        as_json({"discarded": [{"name": each.name, "version": each.version, "position": each.position} for each in dropped]})
        return
    for each in dropped:
        out.print(f"{each.name} v{each.version}, built up to {each.position:,}, is dropped; readers keep what they see")
    if not dropped:
        out.print("nothing is being built")


def _follow(settings: Settings, begun: list[Built], progress: Progress) -> None:
    """Bring the rebuilds on until all are swapped in; where another process drives, watch it do so. Raises RebuildDiffers."""
    tasks = {each.generation: progress.add_task(each.name, total=None, rate="") for each in begun}

    def look() -> list[Built]:
        building = {each.generation: each for each in rebuilding.building(settings, list(tasks))}
        for generation, task in tasks.items():
            at = building.get(generation)
            done = at.position if at is not None else entries
            speed = progress.tasks[task].speed
            progress.update(task, completed=done, total=entries, rate=f"{speed:,.0f}/s" if speed else "")
        return [*building.values()]

    entries = asking.projections(settings).entries
    if settings.kafka is not None:
        err.print("`troth run project` or `troth serve` brings the rebuild on: one of them has to run", soft_wrap=True)
    before, compared = list[Built](), list[Built]()
    while building := look():
        try:
            with driving(settings) as drivers:
                while drivers.projector.step():
                    look()
        except DrivenElsewhere:
            if building == before != compared:  # it stands still: whoever finds that it differs, stops
                rebuilding.compare(settings)
                compared = building
            before = building
            Event().wait(LOOK_SECONDS)


def _show(answer: Projections) -> None:
    rows = [
        (each.name, each.version, f"{each.position:,}", f"{each.lag:,}", (each.digest or "")[:16])
        for each in answer.projections
    ]
    table("Projections", ["name", "version#", "position#", "lag#", "digest"], rows, empty="No projection is built yet.")
    building = [(each.name, each.version, f"{each.position:,} of {each.entries:,}") for each in answer.building]
    if building:
        table("Being built", ["name", "version#", "so far#"], building, empty="")


def _show_kafka(found: KafkaStatus) -> None:
    if found.trouble is not None:
        out.print(f"Kafka: {found.trouble}", soft_wrap=True)
        return
    rows = [
        (each.topic, each.partition, f"{each.records:,}", f"{each.taken_in:,}", f"{each.lag:,}") for each in found.partitions
    ]
    table("On Kafka", ["topic", "partition#", "records#", "taken in#", "lag#"], rows, empty="No topic is there yet.")
    if found.unpublished:
        out.print(f"{found.unpublished:,} entries are not published yet")
