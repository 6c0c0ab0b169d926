"""A ledger in PostgreSQL, opened."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.conninfo import conninfo_to_dict

from consumers.ports import Clock
from infra.postgres import log, views
from infra.postgres.lock import SessionLock
from infra.postgres.log import PostgresLog
from infra.postgres.quarantine import Quarantine
from infra.postgres.reader import PostgresReader
from infra.postgres.views import PostgresViews
from infra.record import Schemas


class Database:
    """A database with a ledger in it: the Protocol `infra.wiring.Store`."""

    schemas = Schemas(log.SCHEMA, views.SCHEMA)

    def __init__(self, url: str, ledger: str) -> None:
        self._url = url
        self._ledger = ledger

    @property
    def where(self) -> str:
        """The database, without who asks and what they know."""
        return f"the database {conninfo_to_dict(self._url).get('dbname') or 'of this user'}"

    @contextmanager
    def making(self, clock: Clock) -> Iterator[None]:
        """Make the record unless it is there; any number of processes may."""
        log.create(self._url, self._ledger, clock())
        yield

    def log(self, clock: Clock) -> PostgresLog:
        """The record. Raises NoLedgerHere or UnknownSchema."""
        return PostgresLog(self._url, self._ledger, clock)

    def quarantine(self) -> Quarantine:
        """What was refused."""
        return Quarantine(self._url, self._ledger)

    def views(self) -> PostgresViews:
        """The views, to be written; made where there are none yet."""
        return views.open_views(self._url, self._ledger)

    def reader(self) -> PostgresReader:
        """The views, to be read only."""
        return PostgresReader(self._url, self._ledger)

    def lock(self, what: str) -> SessionLock:
        """A lock by name."""
        return SessionLock(self._url, self._ledger, what)
