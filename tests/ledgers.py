"""Real ledgers for tests: a folder or a database with a record and views in it, and a clock that is set by hand.

ledger = Ledger(tmp_path)
ledger.report(said("promise.made.v1", "acme", "2026-01-01", promise_id="p", promisor="company"))
ledger.catch_up()
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from consumers.clock import LapseClock
from consumers.feed import LogFeed
from consumers.intake import Incoming, Intake, Outcome
from consumers.ports import Stored
from consumers.project import Projector
from domain.entry import Entry, Receipt, decode
from domain.instant import parse
from domain.refusal import Refusal
from infra import wiring
from infra.agenda import AgendaInViews
from infra.postgres import log as postgres_log
from infra.postgres import views as postgres_views
from infra.postgres.log import PostgresLog
from infra.record import Record
from infra.sqlite.log import SQLiteLog
from infra.sqlite.store import Files
from projections.catalog import PROJECTIONS
from projections.fold import Projection
from tests.shelves import AnyViews, Shelf, in_folder
from tests.telling import rfc

NOW = parse("2026-06-01T12:00:00Z")
Message = dict[str, Any]
_numbers = iter(range(10**9))


class Hands:
    """A clock that shows what it was set to."""

    def __init__(self, at: int = NOW) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at


class Ledger:
    """The loops of one ledger on its real files or its real database, told the time by hand. Several may be opened on one."""

    def __init__(
        self,
        home: Path,
        clock: Hands | None = None,
        *,
        database: str | None = None,
        name: str = "test",
        shelf: Shelf | None = None,
    ) -> None:
        """`database` has record and views, unless there is another `shelf` for views."""
        self.home = home
        self._shelf = shelf or (in_folder if database is None else lambda _: postgres_views.open_views(database, name))
        self.clock = clock or Hands()
        self.log: Record = _log(home, database, name, self.clock)
        self.intake = Intake(self.log, self.log.name, self.clock)
        wiring.adopt(self.intake, wiring.shipped_policy(), in_force_from=0)
        self._views: AnyViews | None = None
        self._projector: Projector | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the files back."""
        self.log.close()
        if self._views is not None:
            self._views.close()

    def report(self, *messages: Message) -> list[Outcome]:
        """What becomes of these reports, as one batch."""
        return self.intake.record([Incoming("test", raw=raw(each)) for each in messages])

    def receipts(self, *messages: Message) -> list[Receipt]:
        """The receipts of reports that are all recorded."""
        outcomes = self.report(*messages)
        assert not [each for each in outcomes if isinstance(each, Refusal)], outcomes
        return [each for each in outcomes if isinstance(each, Receipt)]

    @property
    def views(self) -> AnyViews:
        """The views, opened when they are first asked for."""
        if self._views is None:
            self._views = self.another_views()
        return self._views

    def another_views(self) -> AnyViews:
        """The same views, opened once more."""
        return self._shelf(self.home)

    @property
    def projector(self) -> Projector:
        """The projector, made when it is first asked for."""
        if self._projector is None:
            self._projector = self.another_projector()
        return self._projector

    def another_projector(self, projections: Sequence[Projection] = PROJECTIONS) -> Projector:
        """One more projector on the same views."""
        return Projector(self.log, LogFeed(self.log), self.views, projections, self.clock)

    def catch_up(self) -> dict[str, str]:
        """Bring the views to the end of the record; return their digests."""
        self.projector.catch_up()
        return self.digests()

    def digests(self) -> dict[str, str]:
        """The digest of each projection that readers see."""
        by_name = {each.name: each for each in PROJECTIONS}
        live = [each for each in self.views.built() if each.live]
        return {each.name: self.views.digests([(each, by_name[each.name])])[0] for each in live}

    @property
    def lapses(self) -> LapseClock:
        """The clock on this ledger's agenda."""
        return LapseClock(AgendaInViews(self.views.reader), self.intake, self.clock)

    def settle(self) -> dict[str, str]:
        """Catch up and let the clock record what has lapsed, until there is nothing to do; return the digests."""
        self.projector.catch_up()
        while self.lapses.tick():
            self.projector.catch_up()
        return self.digests()

    def stored(self) -> list[Stored]:
        """The whole record."""
        return self.log.page(0, 10**9)

    def entries(self) -> list[Entry]:
        """The whole record, decoded."""
        return [decode(each.state) for each in self.stored()]


def _log(home: Path, database: str | None, name: str, clock: Hands) -> Record:
    if database is None:
        with Files(home, name).making(clock):
            return SQLiteLog(home, clock)
    postgres_log.create(database, name, clock())
    return PostgresLog(database, name, clock)


def said(kind: str, party: str, at: str, /, *, ident: str | None = None, source: str = "crm", **data: Any) -> Message:
    """A report as a publisher sends it; times may be days, and without an id it gets one that nobody else has."""
    dated = {k: rfc(v) if k.endswith(("_at", "_by")) and isinstance(v, str) else v for k, v in data.items()}
    return {
        "specversion": "1.0",
        "id": ident if ident is not None else f"n{next(_numbers)}",
        "source": source,
        "type": kind,
        "subject": party,
        "time": rfc(at),
        "data": dated,
    }


def made(party: str, promise: str, at: str = "2026-01-01", due: str | None = None, **more: Any) -> Message:
    """The company promises the party something."""
    ident = more.pop("ident", None)
    return said("promise.made.v1", party, at, ident=ident, promise_id=promise, promisor="company", due_at=due, **more)


def kept(party: str, promise: str, at: str, **more: Any) -> Message:
    """The promise is kept."""
    return said("promise.kept.v1", party, at, promise_id=promise, **more)


def contact(party: str, name: str, at: str = "2026-01-01", **more: Any) -> Message:
    """The party was in contact: a stream of one fact."""
    given = {"direction": "inbound", "purpose": "serve", **more}
    return said("interaction.recorded.v1", party, at, ident=f"contact-{party}-{name}", interaction_id=name, **given)


def raw(message: Message) -> bytes:
    """The bytes of a report."""
    return json.dumps(message).encode()
