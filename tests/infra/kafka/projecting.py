"""A projector in a process of its own: `python -m tests.infra.kafka.projecting HOME [--stop] [--until-the-end]`.

What it reads from is in the environment, as for troth itself. It says `written` and `refused` of each transaction, and ends
when its standard input does. With `--stop` it stops itself (SIGSTOP) when it is about to write for the first time.
"""

import select
import signal
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

from consumers import project
from consumers.ports import Fenced, Move
from consumers.project import Projector
from infra.kafka import feed
from infra.settings import Settings
from infra.sqlite.log import SQLiteLog
from infra.sqlite.views import SQLiteViews, open_views
from projections.catalog import PROJECTIONS
from tests.ledgers import Hands


def main(home: Path, *options: str) -> None:
    """Project until told to end, or until all is there."""
    project.PAGE = project.ENTRIES_AT_MOST = 20  # several transactions to be killed in
    settings = Settings(home=home)
    with closing(SQLiteLog(home, Hands())) as log, closing(open_views(home)) as views:
        tell(views, stop="--stop" in options)
        with closing(feed.GroupFeed(settings)) as entries:
            projector = Projector(log, entries, views, PROJECTIONS, Hands())
            while not is_there(views, log) if "--until-the-end" in options else not told_to_end():
                projector.step()
    say("done")


def tell(views: SQLiteViews, *, stop: bool) -> None:
    """Have each write said aloud, and the first one preceded by a stop."""
    write = views.write
    stopping = [stop]

    def told(moves: Sequence[Move], parties: Iterable[str]) -> None:
        if stopping.pop() if stopping else False:
            say("stopping")
            signal.raise_signal(signal.SIGSTOP)
        try:
            write(moves, parties)
        except Fenced:
            say("refused")
            raise
        say("written")

    views.write = told  # type: ignore[method-assign]


def is_there(views: SQLiteViews, log: SQLiteLog) -> bool:
    """Whether all views have reached the end of the record."""
    built = views.built()
    return bool(built) and all(each.live and each.position == log.end() for each in built)


def told_to_end() -> bool:
    """Whether standard input has ended."""
    return bool(select.select([sys.stdin], [], [], 0)[0])


def say(what: str) -> None:
    """A line that has left the process before it does anything else."""
    sys.stdout.write(what + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
