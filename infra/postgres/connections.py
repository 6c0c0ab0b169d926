"""Connections of one ledger, each used by one thread at a time, made anew where the server has ended them."""

import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from psycopg.pq import TransactionStatus

from consumers.ports import Unreachable
from infra.postgres.connect import Connection, connect, is_outage, told

WAIT_SECONDS = 60
"""How long one waits for another writer, and how long a writer that was stopped between two statements keeps others waiting.

One that was stopped in the middle of its entries, which are a COPY, is active for PostgreSQL, and no time limit of a session
ends it: others are told each time that they waited too long, until it goes on, is killed, or `pg_terminate_backend` ends it.
"""


class Connections:
    """Lends connections, and keeps those that are given back. Any thread may borrow."""

    def __init__(self, url: str, ledger: str, ready: Callable[[Connection], object] = lambda _: None) -> None:
        """`ready` makes a new connection ready for what it is used for."""
        self._url = url
        self._ledger = ledger
        self._ready = ready
        self._idle: list[Connection] = []
        self._closed = False

    def close(self) -> None:
        """End all of them; one that is lent ends when it is given back."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def lent(self) -> Iterator[Connection]:
        """A connection for as long as the block lasts. Raises Unreachable where the database is away, or goes away inside."""
        with plainly(self._ledger):
            connection = self._kept() or self._made()
            try:
                yield connection
            finally:
                if self._closed or connection.info.transaction_status is not TransactionStatus.IDLE:
                    connection.close()
                else:
                    self._idle.append(connection)

    def _kept(self) -> Connection | None:
        """One that was given back and that the server has not ended since: then it would have sent something."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was faster
                return None
            if not _readable(connection):
                return connection
            connection.close()
        return None

    def _made(self) -> Connection:
        connection = connect(self._url, self._ledger)
        connection.execute(f"SET lock_timeout TO '{WAIT_SECONDS}s'".encode())
        connection.execute(f"SET idle_in_transaction_session_timeout TO '{WAIT_SECONDS}s'".encode())
        # A plan that was made while the tables were small would read all of them for ever.
        connection.execute("SET plan_cache_mode TO force_custom_plan")
        self._ready(connection)
        return connection


@contextmanager
def plainly(ledger: str) -> Iterator[None]:
    """Say what is wrong without what stands in rows. Raises Unreachable, or the same error without its details."""
    try:
        yield
    except psycopg.Error as wrong:
        if is_outage(wrong):
            raise Unreachable(f"the database of the ledger {ledger} is away: {told(wrong)}") from None
        raise type(wrong)(told(wrong)) from None


def _readable(connection: Connection) -> bool:
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
