"""Entries as rows in PostgreSQL: dense positions, given out under a lock that every writer takes.

What the event-sourcing library has for PostgreSQL is not used, unlike its recorder for SQLite. Its store takes a database in
pieces (no URL, no TLS) and repeats PostgreSQL's messages, which quote rows and with them parties; its recorder asks the
database for types of its own before it is made, locks the whole table and waits behind VACUUM, inserts in pipeline mode, where
a large batch can wait for ever, and numbers by a sequence, which burns numbers. What would be left of it is its name.
"""

from collections.abc import Sequence

from domain.entry import Entry
from infra.postgres.connect import Connection

TABLES = """
CREATE TABLE stored_events (
    position bigint PRIMARY KEY,
    originator_id text COLLATE "C" NOT NULL,
    originator_version bigint NOT NULL,
    topic text COLLATE "C" NOT NULL,
    state bytea NOT NULL,
    party text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    UNIQUE (originator_id, originator_version),
    UNIQUE (source, id));
CREATE INDEX entries_of_party ON stored_events (party, position)
"""
"""The table of entries; its columns are part of the storage format, and those of SQLite.

Text is compared byte for byte: an index in a language's order is wrong after the machine's language data were updated.
"""

# One INSERT out of arrays takes 1.3 to 1.4 times as long for 1,000 entries, all of it while others wait for the lock.
_INSERT = "COPY stored_events FROM STDIN (FORMAT BINARY)"
_TYPES = ("int8", "text", "int8", "text", "bytea", "text", "text", "text")


def last(connection: Connection) -> tuple[int, bytes | None]:
    """The position that the next entry gets, and the bytes of the last one. Ask it under the record's lock only."""
    row = connection.execute("SELECT position, state FROM stored_events ORDER BY position DESC LIMIT 1", binary=True).fetchone()
    return (0, None) if row is None else (row[0] + 1, row[1])


def insert_entries(connection: Connection, first: int, entries: Sequence[tuple[Entry, bytes]]) -> None:
    """Insert entries from this position on, in a transaction that holds the record's lock. Raises UniqueViolation."""
    with connection.cursor() as cursor, cursor.copy(_INSERT) as copy:
        copy.set_types(_TYPES)
        for position, (entry, state) in enumerate(entries, first):
            copy.write_row((position, entry.stream, entry.version, entry.kind, state, entry.party, entry.source, entry.id))
