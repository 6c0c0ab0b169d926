"""The loops that drive a ledger, each with what it needs: any number of processes may have one."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing

from consumers.clock import LapseClock
from consumers.feed import LogFeed
from consumers.intake import Outcome
from consumers.ports import Clock, Feed
from consumers.project import Projector
from infra import wiring
from infra.agenda import AgendaInViews
from infra.asking.ranking import Ranking
from infra.failpoint import failpoint
from infra.record import Record
from infra.settings import Settings
from infra.turns import Turn, undriven
from projections.catalog import PROJECTIONS

RANK_EVERY_SECONDS = 0.1
"""How often parties that entries were about are ranked while entries keep coming."""
RANKED_BETWEEN = 10
"""How many of them at once then: what comes meanwhile waits for no more than these."""

STREAMS_BESIDE_READERS = 2_000
"""Of how many streams entries are folded in one go where the same process answers questions, which wait for that."""

Observe = Callable[[Sequence[Outcome]], None]


class Projecting:
    """Folds entries into views, and ranks the parties that they were about.

    With Kafka the entries come by it: each process that projects is dealt its share of the partitions, live and for what is
    being rebuilt. Without, from the ledger's own log, all of them.
    """

    def __init__(self, settings: Settings, clock: Clock = wiring.now, *, by_itself: bool = True) -> None:
        """`by_itself`: while nobody else drives the views. Raises DrivenElsewhere."""
        self._now = clock
        self._ranked_at = 0.0
        with ExitStack() as opened:
            if by_itself:
                opened.enter_context(undriven(settings))
            self.log = opened.enter_context(closing(wiring.open_log(settings, clock)))
            self.views = opened.enter_context(closing(wiring.open_views(settings)))
            feed, rebuilding = _feeds(settings, self.log, opened)
            at_most = STREAMS_BESIDE_READERS if settings.kafka is None else None
            self.projector = Projector(
                self.log, feed, self.views, PROJECTIONS, clock, rebuilding=rebuilding, streams_at_most=at_most
            )
            self.projector.begin_what_is_wanted()
            self._ranking = Ranking(self.views.ranked, self.views.reader, self.log)
            self._opened = opened.pop_all()

    def step(self) -> bool:
        """Bring the views nearer to the record; False where there is nothing to do."""
        moved = self.projector.step()
        if not moved:
            return self._ranking.refresh(self.projector.policy, self._now()) > 0
        if time.monotonic() > self._ranked_at + RANK_EVERY_SECONDS:
            self._ranking.refresh(self.projector.policy, self._now(), RANKED_BETWEEN)
            self._ranked_at = time.monotonic()
        return True

    def close(self) -> None:
        """Give back what it holds."""
        self._opened.close()


def _feeds(settings: Settings, record: Record, opened: ExitStack) -> tuple[Feed, Feed]:
    """Where entries are read as they come, and where those are read that what is being rebuilt lacks."""
    if settings.kafka is None:
        feed = LogFeed(record)
        return feed, feed
    from infra.kafka.loops import feeds  # noqa: PLC0415  # half a second that who uses no Kafka need not wait

    return feeds(settings, opened)


def tick(clock: LapseClock) -> bool:
    """Record what has come due; False where nothing has."""
    failpoint("before_tick")
    lapsed = clock.tick()
    failpoint("after_tick")
    return lapsed > 0


class Timekeeping:
    """Records what lapses. Others that are told to do so stand by until the one that does has ended."""

    def __init__(self, settings: Settings, observe: Observe, clock: Clock = wiring.now) -> None:
        with ExitStack() as opened:
            record = opened.enter_context(closing(wiring.open_log(settings, clock)))
            views = opened.enter_context(closing(wiring.read_views(settings)))
            self._turn = opened.enter_context(closing(Turn(settings, "clock")))
            self._clock = LapseClock(AgendaInViews(views), wiring.open_intake(record, observe, clock), clock)
            self._opened = opened.pop_all()

    def step(self) -> bool:
        """Record what has come due; False where nothing has, or another one does."""
        if not self._turn.is_ours():
            return False
        return tick(self._clock)

    def close(self) -> None:
        """Give back what it holds."""
        self._opened.close()
