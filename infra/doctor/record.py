"""The record: in files or in a database, each entry of it decoded."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from consumers.ports import NotWritten
from domain.instant import MINUTE, text
from infra import wiring
from infra.doctor.check import Check
from infra.record import Positions
from infra.settings import Settings
from infra.sqlite import checkup
from infra.sqlite import log as sqlite_log
from infra.sqlite import views as sqlite_views
from infra.tables import all_built

ALTERED = "something else than troth changed the record: restore it from a backup"


def in_files(settings: Settings) -> Iterator[Check]:
    """The embedded ledger's files."""
    record = settings.home / sqlite_log.FILE
    try:
        if record.exists() and checkup.schema_version(record) != checkup.NOTHING_YET:
            yield from _files(settings, record)
        else:
            yield _none(settings)
    except NotWritten as wrong:  # also reading a file of SQLite's needs some room beside it
        yield Check("ledger", False, str(wrong), "make room on its disk, and look again")


def _none(settings: Settings) -> Check:
    views = settings.home / sqlite_views.FILE
    if views.exists() and checkup.schema_version(views) == sqlite_views.SCHEMA:
        with closing(wiring.read_views(settings)) as reader:
            entries = max((each.position for each in all_built(reader)), default=0)
        if entries:
            found = f"none in {settings.home}, but views of {entries:,} entries"
            return Check("ledger", False, found, "the record was emptied: restore the folder from a backup")
    return Check("ledger", True, f"none in {settings.home}", "`troth demo`, `troth import` or `troth serve` make one")


def _files(settings: Settings, record: Path) -> Iterator[Check]:
    for path, expected in ((record, sqlite_log.SCHEMA), (settings.home / sqlite_views.FILE, sqlite_views.SCHEMA)):
        yield from _file(path, expected)
    yield from entries(checkup.positions(record), "restore the folder from a backup")


def are_files_readable(settings: Settings) -> bool:
    """Whether record and views are there, in files that this version reads."""
    files = ((settings.home / sqlite_log.FILE, sqlite_log.SCHEMA), (settings.home / sqlite_views.FILE, sqlite_views.SCHEMA))
    try:
        return all(path.exists() and checkup.schema_version(path) == schema for path, schema in files)
    except NotWritten:
        return False


def entries(found: Positions | str, unreadable: str) -> Iterator[Check]:
    """What was found of the entries; `unreadable` says what to do where that is only why not."""
    if isinstance(found, str):
        yield Check("positions", False, found, unreadable)
        return
    yield _no_gap(found)
    if found.first_unreadable is not None:
        yield Check("entries", False, f"the entry at position {found.first_unreadable} cannot be read", ALTERED)
    if found.newest_recorded_at is not None:
        yield _against_the_clock(found.newest_recorded_at)


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
