"""Kills an import, with a publisher, the projectors, the clock and a rebuild beside it: `tests/crash/worker.py`."""

import json
import signal
import subprocess
import sys
from pathlib import Path

from infra.failpoint import POINTS
from tests.crash.killing import ENDS_WITHIN_SECONDS, ROOT, Victim, kill_after
from tests.crash.worker import BATCH, IMPORTED, PUBLISHED
from tests.ledgers import raw

EVERY_POINT = POINTS[: POINTS.index("after_tick") + 1]
"""Of a ledger in a folder: those that follow are come by with Kafka only, or by commands that are killed elsewhere."""


class Importing(Victim):
    """Half of the reports are in a file to import, the other half are published batch by batch, receipts heard of each."""

    IDLE = {"before_tick": 1, "after_tick": 1}  # noqa: RUF012

    def __init__(self, home: Path, seed: int) -> None:
        super().__init__(home, seed)
        half = len(self.reports) // 2
        self._published = self.reports[half:]
        for name, part in ((IMPORTED, self.reports[:half]), (PUBLISHED, self._published)):
            (home / name).write_bytes(b"".join(raw(each) + b"\n" for each in part))

    def _live(self, environment: dict[str, str], seconds: float | None) -> bool:
        from_batch = -(-len(self.heard) // BATCH)
        arguments = [sys.executable, "-m", "tests.crash.worker", str(self.home), str(from_batch)]
        with subprocess.Popen(arguments, cwd=ROOT, env=environment, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline()  # it has started: what it imports first is not what it is killed in
            if seconds is not None:
                kill_after(process, seconds)
            lines = process.stdout.read().splitlines(keepends=True)
            ended = process.wait(ENDS_WITHIN_SECONDS)
        for what, *more in (json.loads(line) for line in lines if line.endswith(b"\n")):
            if what == "receipts":
                self._hear(*more)
        assert ended in (0, -signal.SIGKILL), ended
        return ended != 0

    def _hear(self, number: int, receipts: list[tuple[int, str]]) -> None:
        batch = self._published[number * BATCH : (number + 1) * BATCH]
        assert len(self.heard) == number * BATCH
        for report, (position, hashed) in zip(batch, receipts, strict=True):
            self.heard.append(((report["source"], report["id"]), (position, hashed)))

    def verify(self) -> None:
        """What holds of any, and that nothing is left to publish or to swap in."""
        super().verify()
        assert len(self.heard) == len(self._published)
        assert self.lives[-1].come.shown > sum(range(len(self.lives[-1].come) + 2))
