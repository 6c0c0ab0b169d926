"""`troth import`: a file into the ledger, by a map."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from infra import wiring
from infra.cli.opened import bring_up_to_date
from infra.cli.show import Json, as_json, err, out, table
from infra.collector import sparing_the_collector
from infra.importing.loading import load, shipped
from infra.importing.mapping import CLOUDEVENTS, Map
from infra.importing.run import Counts, DryRun, dry_run, import_file
from infra.settings import Settings

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV or JSONL, by a map, or CloudEvents; also .gz.")]
MapName = Annotated[
    str | None,
    typer.Option(
        "--map",
        help=f"A map's file, or one that comes with troth: {', '.join(shipped())}. Without one, the file holds CloudEvents.",
    ),
]
Rejects = Annotated[
    Path | None, typer.Option(help="Where rows go that cannot be mapped; by default beside TROTH_HOME's files.")
]


def import_(
    file: File,
    *,
    map_name: MapName = None,
    rejects: Rejects = None,
    dry_run_only: Annotated[bool, typer.Option("--dry-run", help="Record nothing; show the first reports, and count.")] = False,
    show: Annotated[int, typer.Option(min=0, help="With --dry-run, how many reports to show.")] = 5,
    json: Json = False,
) -> None:
    """Record what a file says. An import that was stopped goes on where it was when it is started again."""
    of = load(map_name) if map_name is not None else CLOUDEVENTS
    if dry_run_only:
        _show_dry_run(_dry_run(file, of, show), json=json)
        return
    settings = Settings()
    wiring.make(settings)
    kept = rejects if rejects is not None else settings.home / f"rejects-{file.name}.jsonl"
    if kept.resolve() == file.resolve():
        raise typer.BadParameter("--rejects names the imported file itself, which would be overwritten")
    counts = _import(file, of, settings, kept)
    bring_up_to_date(settings)
    if json:
        as_json(counts._asdict() | {"rejects": str(kept) if counts.rejected else None})
    else:
        out.print(
            f"{counts.recorded:,} recorded, {counts.repeated:,} repeated, {counts.refused:,} refused, "
            f"{counts.rejected:,} rows rejected of {counts.results:,}",
        )
        if counts.passed:
            out.print(f"went on behind {counts.passed:,} rows that an earlier run of this import had recorded")
        if counts.refused:
            out.print("`troth quarantine list` lists what was refused")
        if counts.rejected:
            out.print(f"the rejected rows, with their line numbers, are in {kept}")
    raise typer.Exit(1 if counts.refused or counts.rejected else 0)


def _import(file: Path, of: Map, settings: Settings, rejects: Path) -> Counts:
    with closing(wiring.open_log(settings)) as log, sparing_the_collector(), _bar() as bar:
        task = bar.add_task(file.name, total=None, said="")

        def progress(done_bytes: int, total_bytes: int, counts: Counts) -> None:
            rate = counts.recorded / (bar.tasks[task].elapsed or 1)
            bar.update(task, completed=done_bytes, total=total_bytes, said=f"{counts.recorded:,} recorded, {rate:,.0f}/s")

        return import_file(file, of, wiring.open_intake(log), log.mark, rejects=rejects, progress=progress)


def _dry_run(file: Path, of: Map, show: int) -> DryRun:
    with _bar() as bar:
        task = bar.add_task(file.name, total=None, said="dry run")
        return dry_run(file, of, show=show, progress=lambda done, total, _: bar.update(task, completed=done, total=total))


def _bar() -> Progress:
    """A bar by the file's bytes, with what was recorded, the rate and the time left; none where nobody watches."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[said]}"))
    times = (TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(*columns, *times, console=err, transient=True, disable=not err.is_terminal)


def _show_dry_run(found: DryRun, *, json: bool) -> None:
    if json:
        as_json(
            {
                "first": found.first,
                "kinds": dict(found.kinds),
                "refused": dict(found.refused),
                "rejected": dict(found.rejected),
                "rows": found.counts.results,
            }
        )
        return
    for message in found.first:
        out.print(msgspec.json.format(msgspec.json.encode(message), indent=2).decode())
    table(
        "would be reported", ["count#", "kind"], [(f"{n:,}", kind) for kind, n in found.kinds.most_common()], empty="No report."
    )
    faults = [(f"{n:,}", "refused", why) for why, n in found.refused.most_common()]
    faults += [(f"{n:,}", "rejected", why) for why, n in found.rejected.most_common()]
    if faults:
        table("would not be recorded", ["count#", "what", "why"], faults, empty="")
    for reject in found.first_rejects:
        out.print(f"line {reject.line}: {reject.reason} at {reject.pointer or 'the row'}: {reject.message}")
