"""Points at which a process can be told to die, so that the real program can be killed at the lines where it would hurt most.

They are in production code because nothing else has those lines: what a crash leaves behind is decided by exactly where it
comes. A test's own error, thrown at the same place, would unwind: it rolls back, closes files and hands back locks, and proves
nothing about a process that ends with kill -9. So this one kills. Without TROTH_FAILPOINT a point costs one comparison.

    TROTH_FAILPOINT=before_append:3         this process is gone the third time it comes there
    TROTH_FAILPOINT=before_append:3:stop    it stands still there until somebody wakes it (SIGCONT), as if it had been asleep

It is a crash of the process, not of the machine: that a commit is on the disk is what `infra.sqlite.connect` asks of SQLite.
"""

import os
import signal
from threading import Lock
from typing import Final, Literal, get_args

Point = Literal[
    "batch_read",
    "before_append",
    "inside_append",
    "after_append",
    "between_batches",
    "before_views",
    "inside_views",
    "after_views",
    "inside_build",
    "inside_rebuild",
    "before_swap",
    "inside_swap",
    "after_swap",
    "before_tick",
    "after_tick",
    "before_produce",
    "after_produce",
    "before_ack",
    "after_ack",
    "after_poll",
    "after_setting_aside",
    "before_commit",
    "after_commit",
    "inside_export",
    "ending_export",
    "inside_replay",
]
"""Every point, in the order in which a report comes by."""
POINTS: Final = get_args(Point)

_NAME, _TIMES, _HOW = (os.environ.get("TROTH_FAILPOINT", "") + "::").split(":")[:3]
if _NAME and _NAME not in POINTS:
    raise ValueError(f"TROTH_FAILPOINT names no point: it is one of {', '.join(POINTS)}, as in before_append:3")
_times_left = int(_TIMES or 1)
_counting = Lock()


def failpoint(name: Point) -> None:
    """End this process here and now, or stop it, without a word to anybody, if it was told to."""
    if name == _NAME:
        _pass()


def _pass() -> None:
    global _times_left  # noqa: PLW0603  (the one thing that a process knows about its own end)
    with _counting:
        _times_left -= 1
        if _times_left == 0:
            # To this thread: another one might be told first, and this one go on until that one has its turn.
            signal.raise_signal(signal.SIGSTOP if _HOW == "stop" else signal.SIGKILL)
