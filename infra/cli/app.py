"""The command `troth`: which file answers which subcommand, and what the exit codes mean.

0   done
1   what was asked about is not there, or something was refused: the message says what
2   the command line, or a setting, cannot be used
3   there is no ledger in TROTH_HOME, or one that cannot be read: damaged, or of another version
4   another process has what this one needs, or is away
70  a fault in troth: please report it
"""

import sys
import threading
from importlib.metadata import version
from traceback import format_tb
from types import TracebackType
from typing import Annotated

import typer
from pydantic import ValidationError

from consumers.policy import NoPolicy
from consumers.ports import BrokenRecord, Conflict, NotWritten, Unfit, Unreachable
from consumers.project import RebuildDiffers
from consumers.replay import EndsEarly
from domain.entry import UnreadableEntry
from domain.policy import PolicyRefused
from domain.refusal import Refusal
from infra import log
from infra.asking.answers import BadQuestion, NotFound
from infra.cli import (
    board,
    config,
    doctor,
    entries,
    exporting,
    importing,
    incidents,
    parties,
    policy,
    promises,
    quarantine,
    replaying,
    reporting,
    run,
    schema,
    serve,
    status,
    timeline,
    trust,
)
from infra.cli.run import HealthPortTaken
from infra.cli.show import err, out
from infra.demo.play import NotOnKafka, NotTheDemos
from infra.drivers import NeedsKafka
from infra.exporting.files import MissingExtra
from infra.exporting.manifest import DamagedFile, NoExportHere
from infra.exporting.whole import NotExported
from infra.http.binding import PortTaken
from infra.importing.loading import MapRefused
from infra.rebuilding import DIFFERS, NoSuchProjection
from infra.record import NoLedgerHere, NotInQuarantine, UnknownSchema
from infra.replaying import AnotherLedger, ReplayedElsewhere
from infra.sqlite.connect import Unusable, is_fault
from infra.turns import DrivenElsewhere

app = typer.Typer(
    name="troth",
    help="The ledger of a company's promises, conversations and trouble put right.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

EXITS: dict[type[Exception], tuple[int, str]] = {
    NotFound: (1, "`troth parties` lists the parties on the record, `troth board --by team` the teams"),
    BadQuestion: (2, ""),
    NoSuchProjection: (1, ""),
    NotInQuarantine: (1, "`troth quarantine list` lists what is"),
    Refusal: (1, ""),
    PolicyRefused: (1, "`troth policy show` prints the one in force as a pattern"),
    NoPolicy: (1, ""),
    NotTheDemos: (
        1,
        "set TROTH_HOME to another folder, in a database TROTH_LEDGER to another name; `troth serve` serves what is there",
    ),
    RebuildDiffers: (1, DIFFERS),
    NotWritten: (4, "try again when there is space, nobody holds the file and the database is back; nothing is recorded twice"),
    Unreachable: (4, "start it, or try again when it is back; `troth doctor` says more"),
    ReplayedElsewhere: (4, "wait for it, or stop it: it goes on where it was when it is started again"),
    EndsEarly: (3, "restore it from a backup; where it is Kafka, `troth run relay` publishes what is missing there"),
    AnotherLedger: (1, "set TROTH_HOME to the folder of that ledger, or to a new one"),
    NotExported: (1, ""),
    NoExportHere: (1, ""),
    MissingExtra: (1, ""),
    DamagedFile: (1, "export it again, or bring it here again from where it was exported"),
    Conflict: (4, "somebody else recorded the same things at the same time; try again"),
    MapRefused: (2, "see infra/importing/mapping.py for what a map may say, and infra/maps for two in full"),
    NoLedgerHere: (
        3,
        "`troth demo` makes one to try, `troth import` and `troth serve` make one for your own reports; or set TROTH_HOME",
    ),
    UnknownSchema: (3, ""),
    BrokenRecord: (3, "restore the folder from a backup; `troth doctor` says where the gap is"),
    UnreadableEntry: (3, "restore the folder from a backup; `troth doctor` says which it is"),
    Unfit: (3, ""),
    NeedsKafka: (2, ""),
    NotOnKafka: (2, ""),
    HealthPortTaken: (4, "another process listens there: stop it, or choose another with --health"),
    PortTaken: (4, "another process listens there: stop it, or choose another with TROTH_PORT, or --port of `troth serve`"),
    DrivenElsewhere: (4, "stop that process, or ask while it runs: every question works beside it"),
}
"""What each expected error exits with, and what to do next."""


def main() -> None:
    """Run the command line; expected errors end with a message and an exit code, anything else is a fault."""
    threading.excepthook = log.thread_ended
    try:
        app()
    except tuple(EXITS) as wrong:
        code, advice = next(EXITS[kind] for kind in type(wrong).__mro__ if kind in EXITS)
        where = f" at {wrong.pointer}" if isinstance(wrong, Refusal) and wrong.pointer else ""
        option = f"--{wrong.parameter.replace('_', '-')}: " if isinstance(wrong, BadQuestion) else ""
        err.print(f"troth: {option}{wrong}{where}" + (f"\n{advice}" if advice else ""), soft_wrap=True)
        sys.exit(code)
    except ValidationError as wrong:  # of the settings: nothing else validates outside its own door
        for fault in wrong.errors(include_url=False, include_input=False):
            name = "TROTH_" + "_".join(map(str, fault["loc"])).upper()
            err.print(f"troth: {name}: {fault['msg']}\n`troth config` lists the settings", soft_wrap=True)
        sys.exit(2)
    except Unusable as wrong:
        if is_fault(wrong):
            raise
        err.print(f"troth: the ledger's files cannot be used: {wrong}\n`troth doctor` says what is wrong", soft_wrap=True)
        sys.exit(3)
    finally:
        sys.excepthook = _fault


def _fault(kind: type[BaseException], wrong: BaseException, traceback: TracebackType | None) -> None:
    """What nobody expected: its type, where it comes from, and the exit code that says it is a fault in troth.

    Its text is left out: nobody knows what it quotes.
    """
    where = "".join(format_tb(traceback))
    sys.stderr.write(f"{where}{kind.__name__}\ntroth: a fault in troth: please report it, with the lines above\n")
    sys.exit(70)


def _version(asked: bool) -> None:
    if asked:
        out.print(f"troth {version('troth')}")
        raise typer.Exit


@app.callback()
def troth(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is.")] = False,
) -> None:
    """The ledger of a company's promises, conversations and trouble put right."""


app.command("parties")(parties.listed)
app.command("show")(parties.show)
app.command("explain")(trust.explain)
app.command("timeline")(timeline.of_party)
app.command("promises")(promises.listed)
app.command("incidents")(incidents.listed)
app.command("board")(board.whole)
app.command("entries")(entries.listed)
app.command("serve")(serve.serve)
app.command("run")(run.run)
app.command("demo")(serve.demo)
app.command("import")(importing.import_)
app.command("export")(exporting.export)
app.command("report")(reporting.report)
app.add_typer(quarantine.app)
app.add_typer(policy.app)
app.command("status")(status.status)
app.command("rebuild")(status.rebuild)
app.command("replay")(replaying.replay)
app.command("doctor")(doctor.doctor)
app.command("schema")(schema.schema)
app.command("config")(config.config)
