"""Locks that a process holds for as long as its connection lives: so that one relay and one clock drive at a time."""

from contextlib import suppress

import psycopg

from consumers.ports import Unreachable
from infra.postgres.connect import Connection, connect, lock_key
from infra.postgres.connections import plainly


class Lock:
    """A lock that is held. The server gives it to the next one when this process ends, however it ends."""

    def __init__(self, connection: Connection, ledger: str, what: str) -> None:
        self.what = what
        self._connection = connection
        self._ledger = ledger

    def check(self) -> None:
        """Raises Unreachable where it is held no longer: ask before whatever only one may do.

        Who held it may go on for a moment after the server has given it away, so that what it guards must bear two at once,
        and does: the record by positions and names, the views by how far they have come, Kafka by the tail of each partition.
        """
        with plainly(self._ledger):
            self._connection.execute("SELECT 1")

    def close(self) -> None:
        """Give it back: at once, and not when the server has noticed that nobody is there any more."""
        with suppress(psycopg.Error):
            self._connection.execute("SELECT pg_advisory_unlock_all()")
        self._connection.close()


def held(url: str, ledger: str, what: str, *, wait: bool = False) -> Lock | None:
    """The lock; None where somebody else holds it, or, with `wait`, once nobody else does. Raises Unreachable."""
    with plainly(ledger):
        connection = connect(url, ledger)
        try:
            statement = "SELECT pg_advisory_lock(%s) IS NOT NULL" if wait else "SELECT pg_try_advisory_lock(%s)"
            got = connection.execute(statement.encode(), (lock_key(ledger, what),)).fetchone() == (True,)
        except BaseException:
            connection.close()
            raise
        if got:
            return Lock(connection, ledger, what)
        connection.close()
        return None


class SessionLock:
    """The port Lock: one that may be taken later, and is asked for rather than checked."""

    def __init__(self, url: str, ledger: str, what: str) -> None:
        self._wanted = (url, ledger, what)
        self._lock: Lock | None = None

    def take(self) -> bool:
        """Take it if nobody has it, without waiting; whether it is ours now. Raises Unreachable."""
        if self._lock is None:
            self._lock = held(*self._wanted)
        return self.held()

    def held(self) -> bool:
        """Whether it is still ours at this moment, as the server says; not where no server answers."""
        if self._lock is None:
            return False
        try:
            self._lock.check()
        except Unreachable:
            return False
        return True

    def release(self) -> None:
        """Give it back, if it is ours."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None
