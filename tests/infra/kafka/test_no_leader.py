"""A partition that no broker leads for now: whoever needs it waits, and goes on when one does."""

import subprocess
import sys
from pathlib import Path

import pytest

from infra.kafka import topics
from tests.services import kafka

pytestmark = pytest.mark.service

SECONDS = 60
ROOT = Path(__file__).resolve().parents[3]
UNTIL = """
import os, sys, time
from contextlib import closing
from infra.kafka.connect import NoBroker
from infra.kafka.publisher import KafkaPublisher

bootstrap, wanted = sys.argv[1:]
said = ""
while not said or wanted not in said:
    time.sleep(0.2)
    try:
        with closing(KafkaPublisher(bootstrap, "led")) as publisher:
            assert publisher.tails() == [None] * 3
            said = "all can be read"
    except NoBroker as away:
        said = str(away)
os._exit(0)  # the client has left sockets open on which nobody answered
"""


def until(bootstrap: str, wanted: str) -> None:
    """Read the tails of the partitions, in a process of its own, until what comes of it is this: nothing but NoBroker may."""
    subprocess.run([sys.executable, "-c", UNTIL, bootstrap, wanted], cwd=ROOT, check=True, timeout=SECONDS)


def test_where_a_partition_has_no_leader_the_tails_are_waited_for(tmp_path: Path) -> None:
    with kafka.started(tmp_path / "kafka", nodes=3) as cluster:
        topics.ensure(cluster.bootstrap, "led", 3, 1)
        until(cluster.bootstrap, "all can be read")
        cluster.kill(2)
        until(cluster.bootstrap, "UnknownBrokerId")
        cluster.start(2)
        until(cluster.bootstrap, "all can be read")
