"""The SQL views that readers see, and the tables behind them: held, shown, and swept when nothing shows them any more."""

import psycopg

from consumers.ports import Unfit
from infra.postgres.connect import Connection
from infra.tables import generation_of
from projections.fold import Projection

HOLD_MILLISECONDS = 250
"""For how long those that read are waited for, and those that come meanwhile wait."""
PATIENT_MILLISECONDS = 1_250
"""The same, for once. A vacuum of the server's own gives way to whoever has waited for longer than `deadlock_timeout`: 1 s."""

_UNWANTED = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema() AND c.relkind = 'r' AND c.relname ~ '__[0-9]+$'
AND substring(c.relname FROM '[0-9]+$')::bigint NOT IN (SELECT generation FROM projections) ORDER BY 1
"""
_MADE_OF = """
SELECT DISTINCT CASE WHEN rule.oid IS NULL THEN pg_describe_object(d.classid, d.objid, d.objsubid)
    ELSE pg_describe_object('pg_class'::regclass, rule.ev_class, 0) END
FROM pg_depend d LEFT JOIN pg_rewrite rule ON d.classid = 'pg_rewrite'::regclass AND rule.oid = d.objid
WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = to_regclass(%s) AND d.deptype = 'n'
AND rule.ev_class IS DISTINCT FROM d.refobjid ORDER BY 1
"""
"""What somebody else has made of a view: their views, and functions."""


def hold_readers(connection: Connection, projection: Projection, *, patient: bool) -> None:
    """Let those that are reading finish, and let no other begin. Raises LockNotAvailable where they do not finish soon."""
    milliseconds = PATIENT_MILLISECONDS if patient else HOLD_MILLISECONDS
    connection.execute(f"SET LOCAL lock_timeout TO '{milliseconds}ms'".encode())
    tables = [table.name for table in projection.tables]
    there = [name for name in tables if connection.execute("SELECT to_regclass(%s)", (name,)).fetchone() != (None,)]
    connection.execute(f"LOCK TABLE {', '.join(('projections', *there))} IN ACCESS EXCLUSIVE MODE".encode())


def show(connection: Connection, projection: Projection, generation: int) -> None:
    """Let readers see the tables of this generation. Raises Unfit where what others made of a view is in the way."""
    for table in projection.tables:
        view = f"VIEW {table.name} AS SELECT * FROM {generation_of(table, generation)}"
        try:  # so that whoever was granted to read it stays so
            with connection.transaction():
                connection.execute(f"CREATE OR REPLACE {view}".encode())
        except psycopg.errors.InvalidTableDefinition:  # its columns are others by now
            _drop(connection, table.name)
            connection.execute(f"CREATE {view}".encode())


def sweep(connection: Connection) -> None:
    """Drop the tables that belong to no projection any more."""
    for (name,) in connection.execute(_UNWANTED).fetchall():
        connection.execute(f"DROP TABLE {name} CASCADE".encode())  # with a view of ours that has no successor
    connection.execute("DELETE FROM reached WHERE generation NOT IN (SELECT generation FROM projections)")


def _drop(connection: Connection, view: str) -> None:
    try:
        with connection.transaction():
            connection.execute(f"DROP VIEW {view}".encode())
    except psycopg.errors.DependentObjectsStillExist:
        made = ", ".join(each for (each,) in connection.execute(_MADE_OF, (view,)))
        raise Unfit(
            f"the view {view} has other columns in this version of troth, and cannot be made anew while there is what was made "
            f"of it: {made}; drop that, with what was made of it in turn, and make it again once troth has gone on"
        ) from None
