"""Intake from Kafka that is killed, stopped or told to end: each report is recorded once, and what is refused is set aside."""

import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from infra import wiring
from infra.kafka import topics
from tests.crowd import crowd
from tests.fleet import Fleet
from tests.infra.kafka.publishing import Put, all_of, binary, put
from tests.infra.kafka.test_reports import Member, distinct, recorded, wait_until
from tests.ledgers import Ledger
from tests.proof import prove, prove_recorded_once
from tests.services.keeper import ROOT

pytestmark = [pytest.mark.service, pytest.mark.crash]

POINTS = (
    "after_poll",
    "after_setting_aside",
    "before_append",
    "inside_append",
    "after_append",
    "before_commit",
    "after_commit",
)


def test_an_intake_that_is_killed_at_every_point_has_lost_and_doubled_nothing(
    tmp_path: Path, kafka_bootstrap: str, ledger_name: str
) -> None:
    topics.ensure(kafka_bootstrap, ledger_name, 2, 1)
    named, reports, told = topics.names(ledger_name), crowd(1, 100), {"TROTH_LEDGER": ledger_name}
    told |= {"TROTH_KAFKA": kafka_bootstrap, "TROTH_KAFKA_PARTITIONS": "2", "TROTH_KAFKA_REPLICATION": "1"}
    told |= {"TROTH_POLL_MILLISECONDS": "50", "TROTH_INSTANCE": "one"}  # so that it has its partitions back at once
    share = -(-len(reports) // (len(POINTS) + 1))
    with Fleet(tmp_path, **told) as fleet:
        wiring.make(fleet.settings)
        for at, point in enumerate((*POINTS, "")):
            poison = Put(f"poison {at}".encode(), partition=0)
            put(kafka_bootstrap, named.reports, [poison, *map(binary, reports[at * share : (at + 1) * share])])
            intake = fleet.start("intake", TROTH_FAILPOINT=point)
            if point:
                assert intake.process.wait(60) == -signal.SIGKILL, (point, intake.said())
                fleet.members.remove(intake)
        with closing(wiring.open_log(fleet.settings)) as log:
            wait_until(lambda: log.end() == 1 + distinct(reports))
            prove_recorded_once(prove(log.page(0, 10**9)), reports)
        fleet.stop()
        with closing(wiring.open_quarantine(fleet.settings)) as quarantine:
            assert [each.raw for each in quarantine.list()] == [f"poison {at}".encode() for at in range(len(POINTS) + 1)]
            assert {each.times for each in quarantine.list()} == {1}
    aside = [each.value for each in all_of(kafka_bootstrap, named.quarantine)]
    assert sorted(set(aside)) == [f"poison {at}".encode() for at in range(len(POINTS) + 1)]
    assert len(aside) > len(set(aside))  # at least once: it was killed between the two


def test_an_intake_that_was_stopped_while_others_took_over_is_refused_and_goes_on(
    tmp_path: Path, kafka_bootstrap: str, ledger_name: str
) -> None:
    topics.ensure(kafka_bootstrap, ledger_name, 2, 1)
    named, first, second = topics.names(ledger_name), crowd(1, 20), crowd(2, 20)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TROTH_")} | {
        "TROTH_KAFKA": kafka_bootstrap,
        "TROTH_LEDGER": ledger_name,
        "TROTH_KAFKA_SESSION_SECONDS": "6",
        "TROTH_POLL_MILLISECONDS": "50",
    }
    put(kafka_bootstrap, named.reports, [binary(each) for each in first])
    with Ledger(tmp_path) as ledger:
        with subprocess.Popen(
            [sys.executable, "-m", "tests.infra.kafka.taking_in", str(tmp_path)],
            cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        ) as stopped:  # fmt: skip
            assert stopped.stdout is not None
            assert stopped.stdout.readline() == "stopping\n"
            with closing(Member(ledger, kafka_bootstrap, ledger_name)):
                wait_until(lambda: recorded(ledger) == distinct(first))
                stopped.send_signal(signal.SIGCONT)
                assert stopped.stdout.readline() == "refused\n"
            put(kafka_bootstrap, named.reports, [binary(each) for each in second])
            wait_until(lambda: recorded(ledger) == distinct([*first, *second]))
            assert stopped.communicate("end", timeout=30)[0].endswith("done\n")
        prove_recorded_once(prove(ledger.stored()), [*first, *second])
