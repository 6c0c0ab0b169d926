"""The embedded ledger's files, opened."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from consumers.ports import Clock
from infra.record import NoLedgerHere, Schemas
from infra.sqlite import log, views
from infra.sqlite.connect import connect
from infra.sqlite.lock import FileLock
from infra.sqlite.log import SQLiteLog
from infra.sqlite.quarantine import Quarantine
from infra.sqlite.reader import SQLiteReader
from infra.sqlite.views import SQLiteViews


class Files:
    """A folder with a ledger: the Protocol `infra.wiring.Store`."""

    schemas = Schemas(log.SCHEMA, views.SCHEMA)

    def __init__(self, home: Path, ledger: str) -> None:
        self._home = home
        self._ledger = ledger

    @property
    def where(self) -> str:
        """The folder."""
        return str(self._home)

    @contextmanager
    def making(self, clock: Clock) -> Iterator[None]:
        """Make the record unless it is there, and keep others from doing so: two that open a new file lock each other out."""
        try:
            self._home.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._home / "making.lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as wrong:
            raise NoLedgerHere(f"no ledger can be made in {self._home}: {wrong.strerror}") from wrong
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            log.create(self._home, self._ledger, clock())
            yield
        finally:
            os.close(handle)

    def log(self, clock: Clock) -> SQLiteLog:
        """The record. Raises NoLedgerHere or UnknownSchema."""
        return SQLiteLog(self._home, clock)

    def quarantine(self) -> Quarantine:
        """What was refused."""
        return Quarantine(connect(self._home / log.FILE))

    def views(self) -> SQLiteViews:
        """The views, to be written; made where there are none yet."""
        return views.open_views(self._home)

    def reader(self) -> SQLiteReader:
        """The views, to be read only."""
        return SQLiteReader(connect(self._home / views.FILE, read_only=True))

    def lock(self, what: str) -> FileLock:
        """A lock by name. Raises NoLedgerHere."""
        if not self._home.exists():
            raise NoLedgerHere(f"there is no ledger in {self._home}")
        return FileLock(self._home / f"{what}.lock")
