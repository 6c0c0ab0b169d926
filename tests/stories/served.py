"""A process that serves a ledger, for as long as a test needs it."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

TROTH = [sys.executable, "-c", "import sys; sys.argv[0] = 'troth'; from infra.cli.app import main; main()"]
SECONDS = 30


class Served:
    """A process that serves a ledger, and what it has said."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*TROTH, *(arguments or ("serve", "--port", "0"))],
            env=os.environ | {"TROTH_HOME": str(home), "TROTH_LOG_FORMAT": "json"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        said = ""
        while not (found := re.search(r"http://\S+", said)):
            line = self.process.stdout.readline()
            assert line, self.process.communicate(timeout=SECONDS)
            said += line
        self.url = found[0]

    def ask(self, path: str, body: Any = None, *, media: str = "application/cloudevents+json") -> Any:
        """What it answers."""
        data = None if body is None else json.dumps(body).encode()
        try:
            with urlopen(Request(self.url + path, data, {"content-type": media}), timeout=SECONDS) as answer:  # noqa: S310  # ours
                return json.load(answer)
        except HTTPError as refused:
            return json.load(refused)

    def end(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, list[dict[str, Any]], str]:
        """Tell it to end: its exit code, its log, and what else it said on standard error."""
        self.process.send_signal(how)
        return self.ended()

    def ended(self) -> tuple[int, list[dict[str, Any]], str]:
        """Wait until it has ended."""
        _, said = self.process.communicate(timeout=SECONDS)
        lines = said.splitlines()
        log = [json.loads(line) for line in lines if line.startswith("{")]
        return self.process.returncode, log, "\n".join(line for line in lines if not line.startswith("{"))


@contextmanager
def serving(home: Path, *arguments: str) -> Iterator[Served]:
    """A ledger that is served for as long as the block lasts."""
    served = Served(home, *arguments)
    try:
        yield served
    finally:
        served.process.kill()
        served.process.communicate(timeout=SECONDS)
