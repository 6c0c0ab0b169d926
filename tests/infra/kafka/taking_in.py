"""An intake in a process of its own that stops itself (SIGSTOP) when it is about to write for the first time.

`python -m tests.infra.kafka.taking_in HOME`; what it reads from is in the environment, as for troth itself. It says `refused`
where somebody else has the partition by then, and ends when its standard input does.
"""

import signal
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from consumers.intake import Intake
from consumers.ports import Mark, MarkMoved, Refused, Stored
from consumers.take_in import TakingIn
from domain.entry import Entry
from infra.kafka.reports import KafkaReports
from infra.settings import Settings
from infra.sqlite.log import SQLiteLog
from tests.infra.kafka.projecting import say, told_to_end
from tests.ledgers import Hands


class Stopping(SQLiteLog):
    """A record whose first writer is stopped."""

    stopped = False

    def append(self, entries: Sequence[tuple[Entry, bytes]], refused: Sequence[Refused], mark: Mark | None) -> Sequence[Stored]:
        """Stop, and write when told to go on."""
        if not self.stopped:
            self.stopped = True
            say("stopping")
            signal.raise_signal(signal.SIGSTOP)
        try:
            return super().append(entries, refused, mark)
        except MarkMoved:
            say("refused")
            raise


def main(home: Path) -> None:
    """Take reports in until told to end."""
    with closing(Stopping(home, Hands())) as log, closing(KafkaReports(Settings(home=home))) as reports:
        taking_in = TakingIn(log, Intake(log, log.name, Hands()), reports)
        while not told_to_end():
            taking_in.step()
    say("done")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
