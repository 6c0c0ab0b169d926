"""Projecting from a real Kafka: the same digests as from the ledger's own log, and nothing from a topic that is not whole."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from consumers.project import Projector
from infra.kafka.feed import GroupFeed
from infra.sqlite.log import SQLiteLog
from infra.sqlite.views import open_views
from projections.catalog import PROJECTIONS
from tests.crowd import crowd
from tests.infra.kafka.topic import Topic, settings
from tests.ledgers import Ledger, Message

pytestmark = pytest.mark.service


class Member:
    """A projector of its own on a ledger's views, in a thread of its own, as it would be in a process of its own."""

    def __init__(self, ledger: Ledger, bootstrap: str, name: str) -> None:
        self.feed = GroupFeed(settings(bootstrap, name))
        self._views = open_views(ledger.home)
        self._log = SQLiteLog(ledger.home, ledger.clock)
        self._projector = Projector(self._log, self.feed, self._views, PROJECTIONS, ledger.clock)
        self._ended = threading.Event()
        self._running = ThreadPoolExecutor(1)
        self._run = self._running.submit(self._work)

    def _work(self) -> None:
        while not self._ended.is_set():
            self._projector.step()

    def close(self) -> None:
        self._ended.set()
        self._run.result()
        self._running.shutdown()
        self.feed.close()
        self._views.close()
        self._log.close()


def wait_until(true: Callable[[], bool]) -> None:
    """Wait for what a member does."""
    ends = time.monotonic() + 30
    while not true():
        assert time.monotonic() < ends
        threading.Event().wait(0.02)


def wait_for_the_end(ledger: Ledger) -> None:
    """Wait until the views have reached the end of the record."""

    def there() -> bool:
        return all(each.live and each.position == ledger.log.end() for each in ledger.views.built())

    wait_until(there)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path) as ledger:
        yield ledger


def test_two_projectors_that_come_and_go_come_to_the_same_digests(
    ledger: Ledger, tmp_path_factory: pytest.TempPathFactory, kafka_bootstrap: str, ledger_name: str
) -> None:
    reports = crowd(1, 90)
    third = len(reports) // 3

    def told(some: list[Message]) -> None:
        for begun in range(0, len(some), 20):
            ledger.receipts(*some[begun : begun + 20])
            topic.publish(ledger.stored())

    with Topic(kafka_bootstrap, ledger_name, 4) as topic, closing(Member(ledger, kafka_bootstrap, ledger_name)) as first:
        told(reports[:third])
        wait_for_the_end(ledger)
        with closing(Member(ledger, kafka_bootstrap, ledger_name)) as second:
            told(reports[third : 2 * third])
            wait_until(lambda: len(first.feed.assigned()) == len(second.feed.assigned()) == 2)
            wait_for_the_end(ledger)
        told(reports[2 * third :])
        wait_for_the_end(ledger)
        assert first.feed.assigned() == {0, 1, 2, 3}
    with Ledger(tmp_path_factory.mktemp("one")) as one:
        one.receipts(*reports)
        assert ledger.digests() == one.catch_up()
