"""Locks that a process holds for as long as its connection lives: so that one relay and one clock drive at a time."""

from infra.postgres.connect import Connection, connect, lock_key
from infra.postgres.connections import plainly


class Lock:
    """A lock that is held. The server gives it to the next one when this process ends, however it ends."""

    def __init__(self, connection: Connection, ledger: str, what: str) -> None:
        self.what = what
        self._connection = connection
        self._ledger = ledger
        self._key = lock_key(ledger, what)

    def check(self) -> None:
        """Raises Unreachable where it is held no longer: ask before whatever only one may do.

        Who held it may go on for a moment after the server has given it away, so that what it guards must bear two at once,
        and does: the record by positions and names, the views by how far they have come, Kafka by the tail of each partition.
        """
        with plainly(self._ledger):
            self._connection.execute("SELECT 1")

    def close(self) -> None:
        """Give it back."""
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
