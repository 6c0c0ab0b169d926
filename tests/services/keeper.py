"""Keeps one service running for a whole test run, whichever of its processes asked first: `python -m tests.services.keeper`.

It stops the service when the run has ended, however that ended.
"""

import json
import os
import select
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal

from tests.services import kafka, postgres
from tests.services.locked import locked

ROOT = Path(__file__).resolve().parents[2]
Service = Literal["kafka", "postgres"]


def shared(service: Service, run: Path, ends_with: int) -> str:
    """Where the run's service answers; started if it is not there yet. `run` is the run's folder, `ends_with` its process."""
    folder = run / service
    folder.mkdir(exist_ok=True)
    address = folder / "address.json"
    with locked(folder / "lock"):
        if not address.exists():
            with (folder / "keeper.txt").open("wb") as log:
                subprocess.Popen(
                    [sys.executable, "-m", "tests.services.keeper", service, str(folder), str(ends_with)],
                    cwd=ROOT, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
                ).communicate()  # fmt: skip  # its output ends when the service answers
        assert address.exists(), (folder / "keeper.txt").read_text("utf-8", "replace")[-3000:]
        found: str = json.loads(address.read_text("utf-8"))
        return found


def keep(service: Service, folder: Path, ends_with: int) -> None:
    """Run the service until that process has ended."""
    starting: dict[Service, Callable[[], AbstractContextManager[Any]]] = {
        "kafka": lambda: kafka.started(folder),
        "postgres": postgres.started,
    }
    with starting[service]() as running:
        address = running.bootstrap if service == "kafka" else running.url
        (folder / "address.json").write_text(json.dumps(address), "utf-8")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        select.select([os.pidfd_open(ends_with)], [], [])


if __name__ == "__main__":
    if os.fork() == 0:  # whoever started it waits for the first of the two only
        keep(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))  # type: ignore[arg-type]
