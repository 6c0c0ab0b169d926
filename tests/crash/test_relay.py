"""The relay is killed, stopped, doubled and cut off: what is on the topic in the end is the record, once, in order, unchanged.

This is the short form; `python -m tests.campaigns.relay --rounds 100` does it a hundred times at each point, and kills one of
three brokers under load.
"""

import signal
import subprocess
from pathlib import Path
from random import Random

import pytest

from tests.crash.relays import POINTS_RELAYED, Relays, end_of, said
from tests.published import quick_topics
from tests.services.kafka import started

pytestmark = [pytest.mark.crash, pytest.mark.service]


@pytest.fixture
def relays(tmp_path: Path, kafka_bootstrap: str, ledger_name: str) -> Relays:
    quick_topics(kafka_bootstrap, ledger_name)
    return Relays(tmp_path / "home", kafka_bootstrap, ledger_name)


def test_a_relay_that_is_killed_at_every_point_and_at_any_time_publishes_each_entry_once(relays: Relays) -> None:
    for point in POINTS_RELAYED:
        before = relays.arrived()
        assert relays.killed_at(point, passing=2)
        assert relays.arrived() >= before
    assert relays.arrived() > 0
    relays.killed_after(lines=Random().randrange(1, 30))
    relays.finish()
    relays.prove()


def test_a_relay_that_loses_its_lock_while_it_is_stopped_publishes_nothing_when_it_wakes(relays: Relays) -> None:
    first = relays.start(window=2)
    for _ in range(Random().randrange(1, 30)):
        said(first)
    first.send_signal(signal.SIGSTOP)
    relays.lock.unlink()  # as a database forgets a session's lock
    relays.finish()
    relays.prove()
    first.send_signal(signal.SIGCONT)
    assert end_of(first)[0] == 0
    relays.prove()


def test_a_second_relay_waits_and_takes_over_when_the_first_is_killed(relays: Relays) -> None:
    first = relays.start(window=2)
    assert said(first) == "at 2"
    first.send_signal(signal.SIGSTOP)
    second = relays.start()
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(timeout=1.5)
    assert relays.arrived() < len(relays.record)
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
