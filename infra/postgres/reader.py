"""Reading views in PostgreSQL: statements with `?`, integers of any size as integers, all of an answer from one state."""

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.rows import TupleRow

from consumers.ports import Unreachable
from infra.postgres.connect import Connection
from infra.postgres.connections import Connections
from projections.fold import Cell

AT_ONCE = 5_000
"""How many rows of a stream are held."""

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|[?%]")
_NOT_BUILT = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn, psycopg.errors.InvalidSchemaName)

Cursor = psycopg.Cursor[TupleRow]


class InTransaction:
    """The Protocol Reader within a transaction that another begins and ends."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, parameters: Sequence[Cell] = ()) -> Cursor:
        """What a statement finds."""
        return self._connection.execute(translated(statement), [_asked(each) for each in parameters])

    def stream(self, statement: str) -> Iterator[TupleRow]:
        """The rows that a statement finds, some thousands at a time."""
        with self._connection.cursor("stream") as cursor:
            cursor.itersize = AT_ONCE
            yield from cursor.execute(translated(statement), [])

    def one_state(self) -> AbstractContextManager[None]:
        """What the transaction sees."""
        return nullcontext()

    def close(self) -> None:
        """Nothing: the connection is another's."""


class PostgresReader:
    """The Protocol Reader on one schema of a PostgreSQL database. One thread at a time; it goes on after an outage."""

    def __init__(self, url: str, ledger: str) -> None:
        self._ledger = ledger
        self._connections = Connections(url, ledger, _ready)
        self._state: InTransaction | None = None

    def execute(self, statement: str, parameters: Sequence[Cell] = ()) -> Cursor:
        """What a statement finds. Raises Unreachable, also where the views are not built yet."""
        if self._state is not None:
            return self._state.execute(statement, parameters)
        with self._lent() as connection:
            return InTransaction(connection).execute(statement, parameters)

    def stream(self, statement: str) -> Iterator[TupleRow]:
        """The rows that a statement finds, some thousands at a time. Within `one_state` only."""
        assert self._state is not None, "a stream is read from one state"
        return self._state.stream(statement)

    @contextmanager
    def one_state(self) -> Iterator[None]:
        """All that is read inside is read from one state of the views. Raises Unreachable."""
        with self._lent() as connection, connection.transaction():
            # A snapshot is of rows only: what a view shows is what it shows now. So none is swapped until this has ended, and
            # the snapshot, which the first question takes, is of what the views show. A lock takes none.
            connection.execute("LOCK TABLE projections IN ACCESS SHARE MODE")
            self._state = InTransaction(connection)
            try:
                yield
            finally:
                self._state = None

    def close(self) -> None:
        """Give the connections back."""
        self._connections.close()

    @contextmanager
    def _lent(self) -> Iterator[Connection]:
        with self._connections.lent() as connection:
            try:
                yield connection
            except _NOT_BUILT:
                raise Unreachable(
                    f"the views of the ledger {self._ledger} are not there yet, or another version of troth has built them"
                ) from None


@lru_cache(maxsize=1_000)
def translated(statement: str) -> bytes:
    """A statement of both databases as psycopg takes it."""
    marks = {"?": "%s", "%": "%%"}
    return _QUOTED.sub(lambda found: marks.get(found[0], found[0].replace("%", "%%")), statement).encode()


def _asked(parameter: Cell) -> Cell:
    """No text on the record has NUL, nor does PostgreSQL take one. No id has U+0001 either: neither is found."""
    return parameter.replace("\0", "\1") if isinstance(parameter, str) else parameter


class _Integer(Loader):
    """Sums, which PostgreSQL counts in decimals of any size."""

    def load(self, data: Buffer) -> Any:
        return int(bytes(data))


def _ready(connection: Connection) -> None:
    connection.execute("SET default_transaction_read_only TO on")
    connection.execute("SET jit TO off")  # compiling a question takes longer than asking it
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.prepare_threshold = None  # what a statement was prepared for is gone where a view is swapped for another version
    connection.adapters.register_loader("numeric", _Integer)
