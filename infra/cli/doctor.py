"""`troth doctor`: what may be wrong here, each with what to do."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import typer

from consumers.ports import NotWritten
from domain.instant import MINUTE, aware, text
from infra import wiring
from infra.cli.show import Json, as_json, out, table
from infra.drivers import driven
from infra.rebuilding import DIFFERS, differing
from infra.record import Positions
from infra.settings import Settings
from infra.sqlite import checkup
from infra.sqlite import log as sqlite_log
from infra.sqlite import views as sqlite_views
from infra.tables import all_built

FREE_AT_LEAST = 256 * 1024 * 1024
OLDEST_YEAR = 2025
"""Before that there was no troth: a clock that says so was never set."""

ALTERED = "something else than troth changed the file: restore it from a backup"


class Check(NamedTuple):
    """One thing that was looked at; `do` is empty where all is well, or nothing is wrong yet."""

    name: str
    ok: bool
    found: str
    do: str = ""


def doctor(json: Json = False) -> None:
    """Look at Python, SQLite, the folder, the files, the clock and the views; exit with 1 where something is wrong."""
    settings = Settings()
    checks = [*_machine(settings.home), *_ledger(settings)]
    wrong = [each for each in checks if not each.ok]
    if json:
        as_json({"ok": not wrong, "checks": [each._asdict() for each in checks]})
    else:
        rows = [("ok" if each.ok else "WRONG", each.name, each.found, each.do) for each in checks]
        table("", ["", "what", "found", "what to do"], rows, empty="")
        out.print("All is well." if not wrong else f"wrong: {', '.join(each.name for each in wrong)}")
    raise typer.Exit(1 if wrong else 0)


def _machine(home: Path) -> Iterator[Check]:
    found = ".".join(map(str, sys.version_info[:3]))
    yield Check(
        "Python", sys.version_info >= (3, 11), found, "" if sys.version_info >= (3, 11) else "install Python 3.11 or later"
    )
    engine = checkup.engine()
    fit = engine.new_enough and engine.thread_safe
    shown = [each for each in engine.options if each.startswith(("THREADSAFE", "DEFAULT_SYNCHRONOUS", "MAX_VARIABLE"))]
    needed = ".".join(map(str, checkup.OLDEST))
    do = "" if fit else f"use a Python that is linked with SQLite {needed} or later, THREADSAFE=1"
    yield Check("SQLite", fit, f"{engine.version} ({', '.join(shown)})", do)
    there = next(each for each in (home.resolve(), *home.resolve().parents) if each.exists())
    writable = there.is_dir() and os.access(there, os.R_OK | os.W_OK | os.X_OK)
    yield Check("folder", writable, str(there), "" if writable else "let this user write there, or set TROTH_HOME")
    free = shutil.disk_usage(there).free
    enough = free >= FREE_AT_LEAST
    yield Check(
        "disk", enough, f"{free // 1_048_576:,} MiB free", "" if enough else "make room: nothing is recorded on a full disk"
    )
    now = wiring.now()
    sane = aware(now).year >= OLDEST_YEAR
    yield Check("clock", sane, text(now)[:19] + "Z", "" if sane else "set the machine's clock")


def _ledger(settings: Settings) -> Iterator[Check]:
    record = settings.home / sqlite_log.FILE
    try:
        if record.exists() and checkup.schema_version(record) != checkup.NOTHING_YET:
            yield from _files(settings, record)
        else:
            yield Check("ledger", True, f"none in {settings.home}", "`troth demo`, `troth import` or `troth serve` make one")
    except NotWritten as wrong:  # also reading a file of SQLite's needs some room beside it
        yield Check("ledger", False, str(wrong), "make room on its disk, and look again")


def _files(settings: Settings, record: Path) -> Iterator[Check]:
    for path, expected in ((record, sqlite_log.SCHEMA), (settings.home / sqlite_views.FILE, sqlite_views.SCHEMA)):
        yield from _file(path, expected)
    found = checkup.positions(record)
    if isinstance(found, str):
        yield Check("positions", False, found, "restore the folder from a backup")
        return
    yield _no_gap(found)
    if found.first_unreadable is not None:
        yield Check("entries", False, f"the entry at position {found.first_unreadable} cannot be read", ALTERED)
    if found.newest_recorded_at is not None:
        yield _against_the_clock(found.newest_recorded_at)
    read = checkup.schema_version
    if (read(record), read(settings.home / sqlite_views.FILE)) == (sqlite_log.SCHEMA, sqlite_views.SCHEMA):
        yield from _views(settings)


def _file(path: Path, expected: int) -> Iterator[Check]:
    derived = path.name == sqlite_views.FILE
    if not path.exists():
        yield Check(path.name, True, "not there yet", "it is built from the record when it is needed")
        return
    version = checkup.schema_version(path)
    fits = version == expected
    otherwise = "use the version of troth that wrote it" + (f", or {sqlite_views.ANEW}" if derived else "")
    yield Check(f"{path.name} schema", fits, str(version), "" if fits else otherwise)
    faults = checkup.integrity(path)
    repair = sqlite_views.ANEW if derived else "restore it from a backup"
    yield Check(f"{path.name} integrity", faults == "ok", faults, "" if faults == "ok" else repair)


def _no_gap(found: Positions) -> Check:
    whole = found.first_gap is None
    saying = f"{found.entries:,} entries, no gap" if whole else f"the entry at position {found.first_gap} is missing"
    return Check("positions", whole, saying, "" if whole else ALTERED)


def _against_the_clock(recorded_at: int) -> Check:
    behind = recorded_at > wiring.now() + 5 * MINUTE
    do = "the clock is behind the newest entry: set it, or reports of today are refused as in the future" if behind else ""
    return Check("newest entry", not behind, f"recorded at {text(recorded_at)[:19]}Z", do)


def _views(settings: Settings) -> Iterator[Check]:
    served = driven(settings.home)
    with closing(wiring.open_log(settings)) as log, closing(wiring.read_views(settings)) as views, views.one_state():
        built, wrong, end = all_built(views), differing(views), log.end()
    yield _lag([each.position for each in built if each.live], end, served)
    for each in built:
        if each in wrong:
            yield Check(f"rebuild of {each.name}", False, f"at {each.position:,} it differs from what readers see", DIFFERS)
        elif not each.live:
            yield Check(f"rebuild of {each.name}", True, f"{each.position:,} of {end:,} entries")


def _lag(reached: list[int], end: int, served: bool) -> Check:
    if max(reached, default=0) > end:
        do = "the record was cut or emptied: restore the folder from a backup"
        return Check("views", False, f"they have taken in {max(reached):,} entries, and the record has {end:,}", do)
    lag = end - min(reached, default=0)
    who = "a process serves them" if served else "nobody serves them now"
    do = "" if not lag else "they are catching up" if served else "the next question brings them up to date"
    return Check("views", True, f"{lag:,} entries behind; {who}", do)
