"""Projecting from a real Kafka: the same digests as from the ledger's own log, and nothing from a topic that is not whole."""

import os
import signal
import subprocess
import sys
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
from tests.services.keeper import ROOT

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


def started(ledger: Ledger, bootstrap: str, name: str, *options: str, **told: str) -> subprocess.Popen[str]:
    """A projector in a process of its own."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TROTH_")} | {
        "TROTH_KAFKA": bootstrap,
        "TROTH_LEDGER": name,
        "TROTH_KAFKA_SESSION_SECONDS": "6",
        "TROTH_POLL_MILLISECONDS": "50",
        **told,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tests.infra.kafka.projecting", str(ledger.home), *options],
        cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.crash
def test_a_projector_that_is_killed_at_every_point_ends_as_if_it_never_was(
    ledger: Ledger, tmp_path_factory: pytest.TempPathFactory, kafka_bootstrap: str, ledger_name: str
) -> None:
    points = ("after_poll:2", "before_views:2", "inside_views:2", "after_views:1", "before_commit:1", "after_commit:1")
    reports, come = crowd(1, 130), 0
    with Topic(kafka_bootstrap, ledger_name, 2) as topic:
        ledger.receipts(*reports)
        topic.publish(ledger.stored())
        for point in (*points, ""):
            told = {"TROTH_INSTANCE": "one", "TROTH_FAILPOINT": point}  # by this name it has its partitions back at once
            with started(ledger, kafka_bootstrap, ledger_name, "--until-the-end", **told) as process:
                said = process.communicate(timeout=60)[0]
            assert process.returncode == (-signal.SIGKILL if point else 0), (point, said)
            before, come = come, sum(each.position for each in ledger.views.built())
            assert come > before or (come == before and point.startswith(("after_poll", "before_views", "inside_views")))
    with Ledger(tmp_path_factory.mktemp("one")) as one:
        one.receipts(*reports)
        assert ledger.digests() == one.catch_up()


@pytest.mark.crash
def test_a_projector_that_was_stopped_while_others_took_over_is_refused_and_goes_on_from_where_they_are(
    ledger: Ledger, tmp_path_factory: pytest.TempPathFactory, kafka_bootstrap: str, ledger_name: str
) -> None:
    first, second = crowd(1, 40), crowd(2, 40)
    ledger.receipts(*first)
    with Topic(kafka_bootstrap, ledger_name, 2) as topic:
        topic.publish(ledger.stored())
        with started(ledger, kafka_bootstrap, ledger_name, "--stop") as stopped:
            assert stopped.stdout is not None
            assert stopped.stdout.readline() == "stopping\n"
            with closing(Member(ledger, kafka_bootstrap, ledger_name)) as other:
                wait_until(lambda: len(other.feed.assigned()) == 2)
                wait_for_the_end(ledger)
                stopped.send_signal(signal.SIGCONT)
                assert stopped.stdout.readline() == "refused\n"
            ledger.receipts(*second)
            topic.publish(ledger.stored())
            wait_for_the_end(ledger)
            said = stopped.communicate("end", timeout=30)[0]
            assert "written\n" in said
            assert said.endswith("done\n")
    with Ledger(tmp_path_factory.mktemp("one")) as one:
        one.receipts(*first)
        one.receipts(*second)
        assert ledger.digests() == one.catch_up()
