"""The drivers of a ledger: which loops it needs, and in how many processes they may run.

Without Kafka one process at a time has them all (`Drivers`): it folds the ledger's own log, tells the time and ranks. With
Kafka each is a loop of its own, in one process (`troth serve`) or in as many as there is work for (`troth run`): intake and
projectors share partitions by Kafka's consumer groups; the relay and the clock hold a lock, and others of them stand by.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Literal, TypeVar

from consumers.clock import LapseClock
from consumers.ports import Clock, Conflict, Fenced, NotWritten, Progress, Unpublished, Unreachable
from infra import metrics, wiring
from infra.agenda import AgendaInViews
from infra.loops import Observe, Projecting, Timekeeping, tick
from infra.running import Loop, Running
from infra.settings import Settings
from infra.turns import DRIVERS, DrivenElsewhere

OUTAGES = (NotWritten, Conflict, Fenced, Unreachable, Unpublished)
"""What says that something is only away for a while, or that another was faster: the loop is made anew and tries again."""
DriverName = Literal["intake", "relay", "project", "clock"]
Driving = TypeVar("Driving", bound=Loop)


class NeedsKafka(Exception):
    """This driver reads from Kafka or publishes there, and none is set."""


class Drivers:
    """All that a ledger without Kafka needs: projector, ranking and clock in turns. One process has them at a time."""

    def __init__(self, settings: Settings, observe: Observe = lambda _: None, clock: Clock = wiring.now) -> None:
        """Raises DrivenElsewhere."""
        with ExitStack() as opened:
            self._projecting = opened.enter_context(closing(Projecting(settings, clock)))
            self.log, self.views, self.projector = self._projecting.log, self._projecting.views, self._projecting.projector
            intake = wiring.open_intake(self.log, observe, clock)
            self.clock = LapseClock(AgendaInViews(self.views.reader), intake, clock)
            self._opened = opened.pop_all()

    def step(self) -> bool:
        """Bring the views nearer to the record and the record to the time of day; False where there is nothing to do."""
        moved = self._projecting.step()
        return tick(self.clock) or moved

    def catch_up(self, progress: Progress = lambda done, total: None) -> None:
        """Step until there is nothing to do."""
        self.projector.catch_up(progress)
        while self.step():
            pass

    def close(self) -> None:
        """Give the files and the lock back."""
        self._opened.close()


def running(settings: Settings) -> list[Running]:
    """All loops of this ledger, each in a thread of its own. Raises DrivenElsewhere."""
    if settings.kafka is not None:
        return [alone(settings, name) for name in ("intake", "relay", "project", "clock")]

    begin = _once_ours(lambda: Drivers(settings, metrics.observe_outcomes))
    return [Running(DRIVERS, begin, settings.poll_milliseconds / 1000, OUTAGES, begun=begin())]


def alone(settings: Settings, name: DriverName) -> Running:
    """One loop of this ledger, in a thread of its own. Raises NeedsKafka."""
    if name in ("intake", "relay") and settings.kafka is None:
        raise NeedsKafka(f"{name} has nothing to do without Kafka: TROTH_KAFKA names its servers")

    def begin() -> Loop:
        """Made anew after an outage."""
        wiring.make(settings)
        match name:
            case "intake" | "relay":
                return _on_kafka(settings, name)
            case "project":
                # Only a database takes the views of several projectors, and only Kafka deals out partitions among them.
                return Projecting(settings, by_itself=settings.kafka is None or settings.database is None)
            case "clock":
                return Timekeeping(settings, metrics.observe_outcomes)

    # Whoever reads Kafka waits there for what comes, for as long as the settings say; elsewhere it would be late.
    waits_there = settings.kafka is not None and name in {"intake", "project"}
    return Running(name, _once_ours(begin), 0.0 if waits_there else settings.poll_milliseconds / 1000, OUTAGES)


def _once_ours(begin: Callable[[], Driving]) -> Callable[[], Driving]:
    """The same, made anew after an outage: who took the views up meanwhile, such as a question on the command line, is waited
    for. Whoever has them before we ever did is not."""
    begun = False

    def begin_again() -> Driving:
        nonlocal begun
        try:
            loop = begin()
        except DrivenElsewhere as taken:
            if not begun:
                raise
            raise Unreachable(f"{taken} since we gave them up in an outage") from taken
        begun = True
        return loop

    return begin_again


def _on_kafka(settings: Settings, name: Literal["intake", "relay"]) -> Loop:
    from infra.kafka.loops import Relaying, TakesIn  # noqa: PLC0415  # half a second that who uses no Kafka need not wait

    return Relaying(settings) if name == "relay" else TakesIn(settings, metrics.observe_outcomes)


@contextmanager
def driving(settings: Settings, clock: Clock = wiring.now) -> Iterator[Drivers]:
    """The drivers, for as long as the block lasts. Raises DrivenElsewhere."""
    if settings.kafka is not None:
        raise DrivenElsewhere("with Kafka the views are driven by `troth run project` or `troth serve`")
    with closing(Drivers(settings, clock=clock)) as drivers:
        yield drivers
