"""A real process that publishes a ledger's record, to be killed: `python -m tests.crash.relaying HOME LEDGER BOOTSTRAP WINDOW`.

It says `started`, how far it has come whenever that has changed, and `done` when all that was on the record is published.
"""

import sys
import threading
from contextlib import closing
from pathlib import Path

from consumers import relay as relaying
from consumers.ports import Unpublished, Unreachable
from consumers.relay import Relay
from infra import wiring
from infra.kafka.publisher import KafkaPublisher
from infra.sqlite.lock import FileLock
from infra.sqlite.log import SQLiteLog

POLL_SECONDS = 0.02


def main(home: Path, ledger: str, bootstrap: str, window: int) -> None:
    """Publish all that is on the record, beginning again after an outage as troth does."""
    relaying.WINDOW = window
    say("started")
    with closing(SQLiteLog(home, wiring.now)) as log:
        end = log.end()
        while True:
            try:
                with closing(Relay(log, KafkaPublisher(bootstrap, ledger), FileLock(home / "relay.lock"), wiring.now)) as relay:
                    publish(relay, end)
                    break
            except (Unpublished, Unreachable) as away:
                say(f"away {type(away).__name__}")
                threading.Event().wait(POLL_SECONDS)
    say("done")


def publish(relay: Relay, end: int) -> None:
    """Step until this much is published."""
    while relay.next_position < end:
        if relay.step():
            say(f"at {relay.next_position}")
        else:
            threading.Event().wait(POLL_SECONDS)


def say(what: str) -> None:
    """A line that has left the process before it does anything else."""
    sys.stdout.write(what + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
