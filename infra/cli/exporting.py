"""`troth export`: the record into a file that anybody can replay."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from infra import wiring
from infra.cli.opened import existing
from infra.cli.show import Json, as_json, err, out
from infra.exporting.export import export as write
from infra.exporting.files import form_of
from infra.exporting.manifest import Form, Manifest, beside
from infra.settings import Settings


def export(
    file: Annotated[
        Path | None, typer.Argument(help="The file to write; by default named by the ledger, in this folder.")
    ] = None,
    form: Annotated[
        Form | None, typer.Option("--format", help="By default, what the file's name tells of: .parquet, or else jsonl.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    json: Json = False,
) -> None:
    """Write all entries, up to where the record ends now, into a file, with a manifest of hashes beside it.

    `troth replay --from FILE` computes everything from it again. JSONL has each entry as Kafka has it: its stored bytes, which
    are what is hashed, behind its place. Parquet needs the extra troth[parquet], and has columns for the questions of analysts.

    The file holds personal data: ids of parties and people, names, contacts, and whatever was reported in words. It is readable
    for its owner only; whoever may have it is yours to say. The manifest and what this command prints hold none.
    """
    settings = existing()
    wanted = form or (form_of(file) if file is not None else "jsonl")
    path = file or Path(f"{settings.ledger}.{wanted}")
    manifest = _export(settings, path, wanted, force=force)
    if json:
        as_json({"file": str(path), "manifest": str(beside(path))} | manifest.model_dump(mode="json", exclude={"blocks"}))
        return
    out.print(
        f"{manifest.entries:,} entries of the ledger {manifest.ledger} in {path}, {manifest.bytes:,} bytes", soft_wrap=True
    )
    out.print(f"sha256 of the file     {manifest.sha256}")
    out.print(f"sha256 of the entries  {manifest.entries_sha256}")
    out.print(f"what it holds, and the hashes that it is checked by, are in {beside(path)}", soft_wrap=True)


def _export(settings: Settings, path: Path, form: Form, *, force: bool) -> Manifest:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    with (
        closing(wiring.open_log(settings)) as log,
        Progress(*columns, TimeRemainingColumn(), console=err, transient=True, disable=not err.is_terminal) as bar,
    ):
        task = bar.add_task(path.name, total=None, rate="")

        def progress(done: int, total: int) -> None:
            speed = bar.tasks[task].speed
            bar.update(task, completed=done, total=total, rate=f"{speed:,.0f}/s" if speed else "")

        return write(log, path, form, wiring.now(), force=force, progress=progress)
