"""Opening PostgreSQL: each ledger has a schema of its own, named like the ledger."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

import psycopg
from psycopg import sql
from psycopg.abc import Params
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

from consumers.ports import Unfit

Connection = psycopg.Connection[TupleRow]
Unusable = (psycopg.Error,)
"""What is raised where the database cannot be reached, read or written."""

_ALIVE: dict[str, Any] = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}
"""A server that has vanished is given up after a minute, not after the two hours that are TCP's own."""
_ALIVE_THERE = "SELECT " + ", ".join(f"set_config('tcp_{it.removeprefix('tcp_')}', '{_ALIVE[it]}', false)" for it in _ALIVE)
"""The same, asked of the server: a session of a machine that has vanished gives its locks back after a minute too."""
_AS_TEXT: dict[str, Any] = {"client_encoding": "UTF8"}
"""Whatever the database keeps it in: of one without an encoding of its own, text would come as bytes."""


def connect(url: str, ledger: str, *, read_only: bool = False) -> Connection:
    """A connection that commits by itself, in the ledger's schema. A commit of it is on the disk when it says so.

    Raises psycopg.OperationalError where the database cannot be reached; its text holds no password.
    """
    named = f"troth {ledger}"
    connection = psycopg.connect(url, autocommit=True, connect_timeout=10, application_name=named, **_ALIVE, **_AS_TEXT)
    try:
        schema = sql.Identifier(ledger)
        connection.execute(sql.SQL("SET search_path TO {}").format(schema))
        # Time zone and number format do not matter to us.
        connection.execute(_ALIVE_THERE.encode())
        connection.execute(_DURABLE)
        if read_only:
            connection.execute("SET default_transaction_read_only TO on")
    except BaseException:
        connection.close()
        raise
    return connection


_DURABLE = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
"""Whatever the server was told to do; a stricter setting, for replicas, is left alone."""


def check_encoding(connection: Connection) -> None:
    """Raises Unfit where there are texts that the database cannot hold, or does not know as such."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise Unfit(
            f"the database {connection.info.dbname} has the encoding {encoding}, which cannot hold every text: make another "
            "one with CREATE DATABASE … ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0, and set TROTH_DATABASE to it"
        )


_FOR_NOW = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,  # this server has become a replica of another one
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.TransactionTimeout,
)


def is_outage(wrong: BaseException) -> bool:
    """Whether the database is away or out of something for now, and nothing is wrong with what it was asked."""
    return isinstance(wrong, _FOR_NOW)


def told(wrong: psycopg.Error) -> str:
    """What is wrong, by PostgreSQL's name for it; its own words may quote what stands in rows.

    Where there was no answer at all the words are those of the client, and say which server did not give one.
    """
    if wrong.sqlstate is None and is_outage(wrong):
        return " ".join(str(wrong).split())
    return type(wrong).__name__


@contextmanager
def writing(connection: Connection, lock: int | None = None) -> Iterator[Connection]:
    """One transaction; with a lock, one that waits until nobody else holds it. Whatever is raised inside undoes it."""
    with connection.transaction():
        if lock is not None:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (lock,))
        yield connection


@contextmanager
def one_state(connection: Connection) -> Iterator[None]:
    """All that is read inside is read from one state, whatever others write meanwhile."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def fetch(connection: Connection, statement: str, parameters: Params = ()) -> list[TupleRow]:
    """The rows that a statement of ours finds."""
    return connection.execute(statement.encode(), parameters).fetchall()


def lock_key(ledger: str, what: str) -> int:
    """The number of an advisory lock: 63 bits of the sha256 of ledger and purpose."""
    return int.from_bytes(sha256(f"{ledger}\0{what}".encode()).digest()[:8], "big") >> 1


def is_address(url: str) -> bool:
    """Whether this leads to a server, as a URL or as `key=value …`; a URL may not, if there is a password in it unescaped."""
    try:
        parts = conninfo_to_dict(url)
    except (psycopg.ProgrammingError, UnicodeError):
        return False
    ports, hosts = str(parts.get("port", "")).split(","), str(parts.get("host", "")).split(",")
    # What follows an @ or a / of a password is taken for host or port, and would be named where that does not answer.
    return all(each.isdecimal() or not each for each in ports) and not any("@" in each[1:] for each in hosts)


def database_name(url: str) -> str:
    """The name of the database that an address leads to, without who asks and what they know."""
    return str(conninfo_to_dict(url).get("dbname", "that is the user's own"))
