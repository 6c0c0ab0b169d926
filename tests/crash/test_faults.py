"""The database crashes; processes stand still, or are killed while others stand by. Nothing is lost or doubled.

Brokers that go away: tests/crash/faults.py. A full disk: tests/crash/test_full_disk.py.
"""

import signal
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient

from tests.crash.watched import Watched, watched
from tests.fleet import Member
from tests.services import postgres

pytestmark = [pytest.mark.crash, pytest.mark.service]


def test_postgresql_crashes_and_is_restarted(tmp_path: Path, kafka_bootstrap: str, ledger_name: str) -> None:
    with (
        postgres.started() as server,
        watched(tmp_path, kafka_bootstrap, ledger_name, postgres.new_database(server.url, "faults")) as fleet,
    ):
        fleet.begin_all()
        fleet.until_all_are_ready()
        with fleet.telling():
            for mode in ("immediate", "fast"):
                fleet.until_come_on("project")
                server.stop(mode)
                for driver in fleet.by_name:
                    fleet.until_said(driver, "database")
                server.start()
                fleet.until_all_are_ready()
                for driver in ("intake", "api", "relay"):
                    fleet.until_come_on(driver)


def test_what_wakes_after_others_have_taken_over_writes_nothing(
    tmp_path: Path, kafka_bootstrap: str, ledger_name: str, database: str
) -> None:
    """An intake and a projector stand still right before they write, for longer than the session timeout."""
    with watched(tmp_path, kafka_bootstrap, ledger_name, database) as fleet:
        (intake,) = fleet.begin("intake", TROTH_FAILPOINT="before_append:3:stop")
        (project,) = fleet.begin("project", TROTH_FAILPOINT="before_views:3:stop")
        fleet.begin("relay", "clock", "api")
        with fleet.telling():
            for each in (intake, project):
                fleet.until(lambda each=each: is_stopped(each))  # type: ignore[misc]
            fleet.begin("intake", "project")
            fleet.until_come_on("intake", by=100)  # in every partition, also in the one whose batch waits to be written
            fleet.until_come_on("project", by=1_000)
        for each in (intake, project):
            each.signal(signal.SIGCONT)
        fleet.until(lambda: '"taken_in_elsewhere"' in intake.said())  # its batch was refused whole
        for group in ("intake", "projector"):
            fleet.until(lambda group=group: members_of(fleet, group) == 2)  # type: ignore[misc]
        fleet.until_all_are_ready()


@pytest.mark.parametrize("kept", ["sqlite", "postgres"])
def test_the_relay_and_the_clock_that_have_their_turn_are_killed_and_others_take_over(
    kept: str, tmp_path: Path, kafka_bootstrap: str, ledger_name: str, request: pytest.FixtureRequest
) -> None:
    database = request.getfixturevalue("database") if kept == "postgres" else None
    with watched(tmp_path, kafka_bootstrap, ledger_name, database) as fleet:
        first = fleet.begin("relay", "clock")
        fleet.begin("intake", "project", "api")
        with fleet.telling():
            for driver in ("relay", "clock"):
                fleet.until_come_on(driver, by=5)
            fleet.begin("relay", "clock")
            fleet.until_all_are_ready()  # who waits for its turn is ready too
            for each in first:
                each.kill()
            for driver in ("relay", "clock"):
                fleet.until_come_on(driver, by=5)


def is_stopped(member: Member) -> bool:
    """Whether a process stands still."""
    return Path(f"/proc/{member.process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] == "T"


def members_of(fleet: Watched, name: str) -> int:
    """How many members a consumer group of the ledger's has."""
    admin = KafkaAdminClient(bootstrap_servers=fleet.bootstrap)
    try:
        (described,) = admin.describe_groups([f"{fleet.ledger}.{name}"]).values()
        return len(described["members"])
    finally:
        admin.close()
