"""Brokers go away and come back while reports come in: each driver says so, and nothing is lost or doubled.

Minutes of it, so on request: `python -m pytest tests/crash/faults.py`. What takes seconds: tests/crash/test_faults.py.
"""

from pathlib import Path

import pytest

from tests.crash.watched import watched
from tests.services import kafka

pytestmark = [
    pytest.mark.crash,
    pytest.mark.service,
    # kafka-python leaves sockets open on which nobody answered: those of the publisher, here in the test's own process.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def test_a_broker_is_killed_and_comes_back(tmp_path: Path) -> None:
    with kafka.started(tmp_path / "kafka") as cluster, watched(tmp_path / "fleet", cluster.bootstrap, "cut-off", None) as fleet:
        fleet.begin_all()
        fleet.until_all_are_ready()
        with fleet.telling():
            fleet.until_come_on("relay")
            fleet.until_come_on("intake")
            cluster.kill(1)
            for driver in ("intake", "relay", "project"):
                fleet.until_said(driver, "Kafka")
            fleet.until_come_on("api")  # what comes by HTTP is recorded all the same
            cluster.start()
            fleet.until_all_are_ready()
            for driver in ("intake", "relay", "project"):
                fleet.until_come_on(driver, by=5)


def test_one_of_three_brokers_is_killed_and_everything_goes_on(tmp_path: Path) -> None:
    with (
        kafka.started(tmp_path / "kafka", nodes=3) as cluster,
        watched(tmp_path / "fleet", cluster.bootstrap, "three", None, replication=3) as fleet,
    ):
        fleet.begin_all()
        fleet.until_all_are_ready()
        with fleet.telling():
            fleet.until_come_on("relay")
            cluster.kill(1)
            for driver in ("intake", "relay", "project"):
                fleet.until_come_on(driver)
            fleet.until_all_are_ready()
            cluster.start(1)
            fleet.until_come_on("relay")
