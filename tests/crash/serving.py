"""Kills `troth serve` while two publishers report to it over HTTP, each sending again what it heard no receipt of."""

import http.client
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

from tests.crash.killing import ENDS_WITHIN_SECONDS, LEDGER, ROOT, Victim
from tests.ledgers import Message, raw

SERVE = "from infra.cli.app import main; main()"
BATCH = 15
PUBLISHERS = 2
POINTS_SERVED = (
    "batch_read",
    "before_append",
    "inside_append",
    "after_append",
    "before_views",
    "inside_views",
    "after_views",
    "inside_build",
    "before_tick",
    "after_tick",
)
"""Those that a process comes by that neither imports nor rebuilds."""


class Publisher:
    """Somebody who reports batch by batch, and goes on to the next one when there are receipts."""

    def __init__(self, reports: list[Message]) -> None:
        self._waiting = [reports[begun : begun + BATCH] for begun in range(0, len(reports), BATCH)]
        self.heard: list[tuple[tuple[str, str], tuple[int, str]]] = []

    def publish(self, address: str) -> None:
        """Send what waits until all is heard of, or nobody listens any more."""
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=ENDS_WITHIN_SECONDS)
        headers = {"Content-Type": "application/cloudevents-batch+json"}
        try:
            while self._waiting:
                batch = self._waiting[0]
                connection.request("POST", "/reports", b"[" + b",".join(map(raw, batch)) + b"]", headers)
                answer = connection.getresponse()
                receipts = json.loads(answer.read())
                assert answer.status == 200, receipts
                for report, receipt in zip(batch, receipts, strict=True):
                    name = (report["source"], report["id"])
                    self.heard.append((name, (receipt["position"], receipt["hash"])))
                del self._waiting[0]
        except (OSError, http.client.HTTPException):
            return  # it was killed: whether it recorded the batch, nobody knows, so it is sent again
        finally:
            connection.close()


class Serving(Victim):
    """All reports come over HTTP; a life that has answered all of them is told to end, and must end well."""

    THREADS = 2  # the desk and the drivers both record
    IDLE = {"before_tick": 40, "after_tick": 40}  # noqa: RUF012

    def __init__(self, home: Path, seed: int) -> None:
        super().__init__(home, seed)
        self._publishers = [Publisher(self.reports[number::PUBLISHERS]) for number in range(PUBLISHERS)]

    def _live(self, environment: dict[str, str], seconds: float | None) -> bool:
        settings = {
            "TROTH_HOME": str(self.settings.home),
            "TROTH_LEDGER": LEDGER,
            "TROTH_POLL_MILLISECONDS": "5",
            "TROTH_LOG_LEVEL": "error",
        }
        arguments = [sys.executable, "-c", SERVE, "serve", "--port", "0"]
        with subprocess.Popen(arguments, cwd=ROOT, env=environment | settings, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            killing = threading.Timer(seconds or 0, process.kill)
            line = process.stdout.readline().decode()
            if seconds is not None:
                killing.start()
            if line:
                self._publish(line.split()[0])
            process.send_signal(signal.SIGTERM)  # to one that is dead already, it is nothing
            ended = process.wait(ENDS_WITHIN_SECONDS)
            killing.cancel()
        assert ended in (0, -signal.SIGKILL), ended
        self.heard = [each for publisher in self._publishers for each in publisher.heard]
        return ended != 0

    def _publish(self, address: str) -> None:
        threads = [threading.Thread(target=each.publish, args=(address,)) for each in self._publishers]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

    def verify(self) -> None:
        """What holds of any, and that every publisher has heard of all it said."""
        super().verify()
        assert len(self.heard) == len(self.reports)
