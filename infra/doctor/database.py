"""The PostgreSQL that is set: whether it answers, keeps what it says, has the time; and the ledger in it."""

from collections.abc import Iterator

from infra import wiring
from infra.doctor import record
from infra.doctor.check import Check
from infra.postgres import checkup, log, views
from infra.settings import Settings

AHEAD_AT_MOST = 1_000_000
"""Microseconds between the clocks of two machines that keep time."""
AWAY = "start it, let it take this user in, or set TROTH_DATABASE to one that answers"
RIGHTS = "see what this user may do in the ledger's schema: troth reads and writes all tables there, and makes new ones"


def looked_at(settings: Settings, url: str) -> Iterator[Check]:
    """The server, then the ledger's record in it."""
    server = checkup.server(url, settings.ledger, wiring.now)
    if isinstance(server, str):
        yield Check("PostgreSQL", False, server, AWAY)
        return
    fit = server.new_enough and server.encoding == "UTF8"
    needed = f"use PostgreSQL {checkup.OLDEST} or later, and a database whose encoding is UTF8"
    yield Check("PostgreSQL", fit, f"{server.version}, {server.encoding}", "" if fit else needed)
    unsafe = ", ".join(server.unsafe)
    do = "turn them on: without them a commit may be lost when the machine fails"
    yield Check("durability", not unsafe, f"off: {unsafe}" if unsafe else "commits are on the disk", do if unsafe else "")
    ahead = server.clock_ahead_micro
    apart = abs(ahead) > AHEAD_AT_MOST
    do = "have both machines keep time: positions follow the time of recording, and lapses the clock of this one"
    yield Check("clocks", not apart, f"the database's is {ahead / 1_000_000:+.3f} s off ours", do if apart else "")
    version = checkup.schema_version(url, settings.ledger)
    if version is None:
        yield Check("ledger", True, f"no {settings.ledger} in it yet", "`troth serve`, `troth run` and `troth import` make it")
        return
    yield _schema(settings.ledger, version, log.SCHEMA)
    if version == log.SCHEMA:
        unreadable = f"{RIGHTS}; where it may read all there is, restore the database from a backup"
        yield from record.entries(checkup.positions(url, settings.ledger), unreadable)
        yield from _views(checkup.views_version(url, settings.ledger))


def is_readable(settings: Settings, url: str) -> bool:
    """Whether record and views are there, of a version that this one reads."""
    versions = checkup.schema_version(url, settings.ledger), checkup.views_version(url, settings.ledger)
    return versions == (log.SCHEMA, views.SCHEMA)


def _views(version: int | str | None) -> Iterator[Check]:
    """What is in the way of looking at the views."""
    if version is None:  # whoever made the record was killed before these were made
        yield Check("views", True, "not there yet", "`troth serve` or `troth run project` makes them")
    elif version != views.SCHEMA:
        yield _schema("its views", version, views.SCHEMA)


def _schema(of: str, found: int | str, expected: int) -> Check:
    """A schema's version, or why it cannot be read."""
    otherwise = RIGHTS if isinstance(found, str) else "use the version of troth that wrote it"
    return Check(f"schema of {of}", found == expected, str(found), "" if found == expected else otherwise)
