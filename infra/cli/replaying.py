"""`troth replay`: everything computed again from the record, and compared with what readers see."""

from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from infra.cli.show import Json, as_json, err, out, table
from infra.replaying import Replayed
from infra.replaying import replay as replayed
from infra.settings import Settings
from projections.catalog import PROJECTIONS


def replay(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Which projections; all where none is named.", autocompletion=lambda: [each.name for each in PROJECTIONS]
        ),
    ] = None,
    source: Annotated[
        str, typer.Option("--from", help="store, kafka, or a file that `troth export` wrote, its manifest beside it.")
    ] = "store",
    anew: Annotated[bool, typer.Option("--anew", help="Begin again where a replay was stopped, rather than go on.")] = False,
    json: Json = False,
) -> None:
    """Compute projections again from the record alone, and compare them with what readers see.

    The exit code is 0 where all agree, and 1 where one differs or readers see nothing to compare it with.

    What is computed is kept in a file of its own in TROTH_HOME; what readers see is only read, and whoever drives it is not
    disturbed. It goes as far as the views have come, also while reports come in. A replay that was stopped goes on where it was
    when it is started again with the same source. A file is checked against its manifest before; what was recorded since it was
    exported comes from the store. Where there is no ledger in TROTH_HOME, the digests of a file are shown.
    """
    answer = _replayed(names or [], source, anew=anew)
    if json:
        as_json(_said(answer))
    else:
        _show(answer)
    raise typer.Exit(0 if answer.agrees else 1)


def _replayed(names: list[str], source: str, *, anew: bool) -> Replayed:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    times = (TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, *times, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("replaying", total=None, rate="")

        def begun(name: str, went_on_at: int) -> None:
            bar.update(task, description=name)
            if went_on_at:
                err.print(f"goes on behind {went_on_at:,} entries that an earlier replay had folded; --anew begins again")

        def progress(done: int, total: int) -> None:
            speed = bar.tasks[task].speed
            bar.update(task, completed=done, total=total, rate=f"{speed:,.0f}/s" if speed else "")

        return replayed(Settings(), names, source, anew=anew, begun=begun, progress=progress)


def _said(answer: Replayed) -> dict[str, object]:
    return {
        "source": answer.source,
        "agrees": answer.agrees,
        "went_on_at": answer.went_on_at,
        "seconds": round(answer.seconds, 3),
        "entries_per_second": round(answer.rate),
        "kept": None if answer.kept is None else str(answer.kept),
        "projections": [
            {
                "name": each.built.name,
                "version": each.built.version,
                "policy_hash": each.built.policy_hash or None,
                "entries": each.built.position,
                "digest": each.digest,
                "live_digest": each.seen_digest,
                "agrees": None if each.seen_digest is None else each.agrees,
            }
            for each in answer.compared
        ],
    }


def _show(answer: Replayed) -> None:
    rows = [
        (
            each.built.name,
            each.built.version,
            f"{each.built.position:,}",
            each.digest[:16],
            (each.seen_digest or "")[:16],
            "readers see none" if each.seen_digest is None else "agrees" if each.agrees else "DIFFERS",
        )
        for each in answer.compared
    ]
    columns = ["name", "version#", "entries#", "replayed", "readers see", ""]
    table(f"Replayed from {answer.source}", columns, rows, empty="Nothing was replayed.")
    out.print(f"{answer.seconds:,.1f} s, {answer.rate:,.0f} entries a second")
    if answer.kept is not None:
        out.print(f"what the replay came to is kept in {answer.kept}, to be compared with what readers see", soft_wrap=True)
