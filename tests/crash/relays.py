"""Processes that publish a ledger's record on a real Kafka, to be killed, stopped and doubled: `tests/crash/relaying.py`."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.crash.killing import ENDS_WITHIN_SECONDS, ROOT
from tests.ledgers import Ledger, contact
from tests.published import found_on, prove_published

POINTS_RELAYED = ("before_produce", "after_produce", "before_ack", "after_ack")
WINDOW = 20


class Relays:
    """A record of some hundred entries, and processes that publish it."""

    def __init__(self, home: Path, bootstrap: str, name: str, entries: int = 301) -> None:
        self.home, self.bootstrap, self.name = home, bootstrap, name
        self.lock = home / "relay.lock"
        with Ledger(home) as ledger:
            ledger.receipts(*(contact(f"party-{number % 11}", str(number)) for number in range(entries - 1)))
            self.record = ledger.stored()

    def start(self, window: int = WINDOW, **told: str) -> "subprocess.Popen[str]":
        """A process that publishes; it has started when this returns."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("TROTH_")} | told
        arguments = [sys.executable, "-m", "tests.crash.relaying", str(self.home), self.name, self.bootstrap, str(window)]
        process = subprocess.Popen(arguments, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        assert said(process) == "started"
        return process

    def killed_at(self, point: str, passing: int) -> bool:
        """Let a process publish until some passing of a point; whether it came that far."""
        return end_of(self.start(TROTH_FAILPOINT=f"{point}:{passing}"))[0] == -signal.SIGKILL

    def killed_after(self, lines: int) -> bool:
        """Let a process publish until it has said so much; whether it was not done by then."""
        process = self.start(window=5)
        for _ in range(lines):
            said(process)
        process.kill()
        return end_of(process)[0] == -signal.SIGKILL

    def finish(self) -> None:
        """Let a process publish all that is left."""
        ended, lines = end_of(self.start())
        assert (ended, lines[-1]) == (0, "done"), lines

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
    with process:
        assert process.stdout is not None
        lines = process.stdout.read().splitlines()
        return process.wait(ENDS_WITHIN_SECONDS), lines
