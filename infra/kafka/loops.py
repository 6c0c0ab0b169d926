"""The loops that read from Kafka or publish there, each with what it needs."""

from contextlib import ExitStack, closing

from consumers.ports import Feed
from consumers.relay import Relay
from consumers.take_in import TakingIn
from infra import wiring
from infra.kafka import topics
from infra.kafka.assigned import AssignedFeed, open_reader
from infra.kafka.connect import Watch
from infra.kafka.feed import GroupFeed
from infra.kafka.publisher import KafkaPublisher
from infra.kafka.reports import KafkaReports
from infra.loops import Observe
from infra.settings import Settings


def feeds(settings: Settings, opened: ExitStack) -> tuple[Feed, Feed]:
    """The partitions that are dealt to us as they go on, and the same for what is rebuilt. Raises UnfitTopic or NoBroker."""
    make_topics(settings)
    feed = opened.enter_context(closing(GroupFeed(settings)))
    return feed, opened.enter_context(closing(AssignedFeed(open_reader(settings), mine=feed.assigned, following=True)))


class TakesIn:
    """Records the reports that come by Kafka, each process its share of the partitions."""

    def __init__(self, settings: Settings, observe: Observe) -> None:
        make_topics(settings)
        with ExitStack() as opened:
            record = opened.enter_context(closing(wiring.open_log(settings)))
            reports = opened.enter_context(closing(KafkaReports(settings)))
            self._taking_in = TakingIn(record, wiring.open_intake(record, observe), reports)
            self._opened = opened.pop_all()

    def step(self) -> bool:
        """Record what follows; False where there is nothing yet."""
        return self._taking_in.step()

    def close(self) -> None:
        """Give back what it holds."""
        self._opened.close()


class Relaying:
    """Publishes entries on Kafka. Others that are told to do so stand by."""

    def __init__(self, settings: Settings) -> None:
        bootstrap = make_topics(settings)
        self._record = wiring.open_log(settings)
        try:
            self._watch = Watch(bootstrap)
            publisher = KafkaPublisher(bootstrap, settings.ledger)
            self._relay = Relay(self._record, publisher, wiring.lock(settings, "relay"), wiring.now)
        except BaseException:
            self._record.close()
            raise

    def step(self) -> bool:
        """Publish what follows; False where there is nothing to do, or another one does it."""
        moved = self._relay.step()
        if moved:
            self._watch.all_is_well()
        else:
            self._watch.look()
        return moved

    def close(self) -> None:
        """Give back what it holds."""
        with closing(self._record):
            self._relay.close()


def make_topics(settings: Settings) -> str:
    """Make the ledger's topics unless they are there, and refuse those that are not fit for it; the bootstrap servers.

    Raises UnfitTopic or NoBroker.
    """
    if settings.kafka is None:
        raise ValueError("no Kafka is set")
    topics.ensure(settings.kafka, settings.ledger, settings.kafka_partitions, settings.kafka_replication)
    return settings.kafka
