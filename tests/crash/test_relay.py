"""The relay is killed, cut off and doubled: what is on the topic in the end is the record, once, in order, unchanged."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from consumers.relay import MARK
from tests.crash.killing import ENDS_WITHIN_SECONDS, ROOT
from tests.ledgers import Ledger, contact
from tests.published import found_on, prove_published, quick_topics
from tests.services.kafka import started

pytestmark = [pytest.mark.crash, pytest.mark.service]
POINTS_RELAYED = ("before_produce", "after_produce", "before_ack", "after_ack")
ENTRIES, WINDOW = 301, 20


class Relays:
    """A record of some hundred entries, and processes that publish it."""

    def __init__(self, home: Path, bootstrap: str, name: str) -> None:
        self.home, self.bootstrap, self.name = home, bootstrap, name
        with Ledger(home) as ledger:
            ledger.receipts(*(contact(f"party-{number % 11}", str(number)) for number in range(ENTRIES - 1)))
            self.record = ledger.stored()

    def start(self, window: int = WINDOW, **told: str) -> "subprocess.Popen[str]":
        """A process that publishes; it has started when this returns."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("TROTH_")} | told
        arguments = [sys.executable, "-m", "tests.crash.relaying", str(self.home), self.name, self.bootstrap, str(window)]
        process = subprocess.Popen(arguments, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        assert said(process) == "started"
        return process

    def prove(self) -> None:
        """The topic holds the record."""
        prove_published(self.record, self.bootstrap, self.name)

    def arrived(self) -> int:
        """How many entries are on the topic."""
        return len(found_on(self.bootstrap, self.name))


def said(process: "subprocess.Popen[str]") -> str:
    """The next line."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end_of(process: "subprocess.Popen[str]") -> tuple[int, Sequence[str]]:
    """How it ended, and what it had said by then."""
    said_until_then = process.communicate(timeout=ENDS_WITHIN_SECONDS)[0].splitlines()
    return process.returncode, said_until_then


@pytest.fixture
def relays(tmp_path: Path, kafka_bootstrap: str, ledger_name: str) -> Relays:
    quick_topics(kafka_bootstrap, ledger_name)
    return Relays(tmp_path / "home", kafka_bootstrap, ledger_name)


def test_a_relay_that_is_killed_at_every_point_publishes_each_entry_once(relays: Relays) -> None:
    for point in POINTS_RELAYED:
        before = relays.arrived()
        ended, _ = end_of(relays.start(TROTH_FAILPOINT=f"{point}:2"))
        assert ended == -signal.SIGKILL, point
        assert relays.arrived() > before
    ended, lines = end_of(relays.start())
    assert (ended, lines[-1]) == (0, "done")
    relays.prove()


def test_a_relay_that_is_killed_at_any_time_publishes_each_entry_once(relays: Relays) -> None:
    chance = Random()
    for _ in range(4):
        process = relays.start(window=5)
        for _ in range(chance.randrange(1, 12)):
            said(process)
        process.kill()
        end_of(process)
    assert end_of(relays.start())[0] == 0
    relays.prove()


def test_a_second_relay_waits_and_takes_over_when_the_first_is_killed(relays: Relays) -> None:
    first = relays.start(window=2)
    assert said(first) == "at 2"
    first.send_signal(signal.SIGSTOP)
    second = relays.start()
    with pytest.raises(subprocess.TimeoutExpired):
        second.communicate(timeout=1.5)
    stopped_at = relays.arrived()
    assert stopped_at < len(relays.record)
    first.kill()
    end_of(first)
    ended, lines = end_of(second)
    assert (ended, lines[-1]) == (0, "done")
    relays.prove()


def test_a_broker_that_is_killed_in_the_middle_and_comes_back_loses_doubles_and_reorders_nothing(tmp_path: Path) -> None:
    with started(tmp_path / "kafka") as kafka:
        quick_topics(kafka.bootstrap, "cut-off")
        relays = Relays(tmp_path / "home", kafka.bootstrap, "cut-off")
        process = relays.start(window=2)
        assert said(process) == "at 2"
        kafka.kill(1)
        while not said(process).startswith("away"):
            pass
        kafka.start()
        ended, lines = end_of(process)
        assert (ended, lines[-1]) == (0, "done")
        relays.prove()


def test_with_three_brokers_one_that_is_killed_under_load_stops_nothing(tmp_path: Path) -> None:
    with started(tmp_path / "kafka", nodes=3) as kafka:
        quick_topics(kafka.bootstrap, "three", replication=3)
        relays = Relays(tmp_path / "home", kafka.bootstrap, "three")
        process = relays.start(window=2)
        assert said(process) == "at 2"
        kafka.kill(2)
        ended, lines = end_of(process)
        assert (ended, lines[-1]) == (0, "done")
        relays.prove()
    with Ledger(relays.home) as ledger:
        assert ledger.log.mark(MARK) == "3 left"
