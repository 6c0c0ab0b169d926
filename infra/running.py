"""Running loops: each in a thread of its own, until it is told to end.

What a loop needs may be away for a while: a broker that is being restarted, a database that fails over, a full disk. Then the
loop is closed and made anew, after a wait that grows, and `trouble` says what is missing meanwhile: all that a loop does is
safe to repeat. What is no outage ends the loop, and `on_failure` ends the process.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from infra import log, metrics

SHORTEST_WAIT = 0.2
LONGEST_WAIT = 5.0
"""Seconds between two tries while what a loop needs is away."""


class Loop(Protocol):
    """What is driven: one step after another."""

    def step(self) -> bool:
        """Do some of what there is to do; False where there was nothing."""

    def close(self) -> None:
        """Give back what it holds. Nothing that was begun is left half done."""


class Running:
    """A loop in a thread of its own."""

    def __init__(
        self,
        name: str,
        begin: Callable[[], Loop],
        poll_seconds: float,
        outages: tuple[type[Exception], ...],
        *,
        begun: Loop | None = None,
    ) -> None:
        """`begin` makes the loop, also after one of the `outages`; `begun` is a first one that is made already."""
        self.name = name
        self.trouble: str | None = None
        self.why = ""
        """What the trouble is, in words."""
        self.failed: BaseException | None = None
        self.on_failure: Callable[[], None] = lambda: None
        self._begin = begin
        self._begun = begun
        self._poll_seconds = poll_seconds
        self._outages = outages
        self._wake = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Say that there may be something to do."""
        self._wake.set()

    def end(self) -> None:
        """Tell it to end after the step that is under way."""
        self._ended = True
        self._wake.set()

    def close(self) -> None:
        """End, and return once what the loop held is given back."""
        self.end()
        self._thread.join()

    def _work(self) -> None:
        wait = SHORTEST_WAIT
        try:
            while not self._ended:
                try:
                    self._drive()
                except self._outages as wrong:
                    wait = SHORTEST_WAIT if self.trouble is None else min(2 * wait, LONGEST_WAIT)
                    self._suffer(wrong, wait)
        except BaseException as wrong:
            self.failed = wrong
            log.get().error("loop_failed", name=self.name, reason=type(wrong).__name__, where=log.place(wrong.__traceback__))
            self.on_failure()
            raise

    def _drive(self) -> None:
        loop, self._begun = self._begun or self._begin(), None
        try:
            while not self._ended:
                self._wake.clear()
                began = time.perf_counter()
                moved = loop.step()
                self._recover()
                if moved:
                    metrics.STEP_SECONDS.labels(self.name).observe(time.perf_counter() - began)
                else:
                    self._wake.wait(self._poll_seconds)
        finally:
            loop.close()

    def _suffer(self, wrong: Exception, wait: float) -> None:
        if self.trouble is None:
            log.get().warning("loop_waits", name=self.name, reason=type(wrong).__name__, where=log.place(wrong.__traceback__))
        self.trouble, self.why = type(wrong).__name__, str(wrong)
        metrics.OUTAGES.labels(self.name).inc()
        if not self._ended:
            self._wake.clear()
            self._wake.wait(wait)

    def _recover(self) -> None:
        if self.trouble is not None:
            log.get().info("loop_goes_on", name=self.name)
            self.trouble = None


def wake(loops: Sequence[Running]) -> None:
    """Say to all of them that there may be something to do."""
    for each in loops:
        each.wake()


@contextmanager
def ending(loops: Sequence[Running]) -> Iterator[Sequence[Running]]:
    """End them all when the block ends, at once, and wait until the last has given back what it held."""
    try:
        yield loops
    finally:
        for each in loops:
            each.end()
        for each in loops:
            each.close()
