"""Turns: what one process at a time may do for a ledger, and how others wait for it."""

from collections.abc import Iterator
from contextlib import contextmanager

from consumers.ports import Unreachable
from infra import log, wiring
from infra.settings import Settings

DRIVERS = "drivers"


class DrivenElsewhere(Exception):
    """Another process, such as `troth serve`, drives this ledger's views."""


class Turn:
    """A lock that somebody waits for, looking now and then."""

    def __init__(self, settings: Settings, what: str) -> None:
        self._what = what
        self._lock = wiring.lock(settings, what)
        self._ours = False
        self._said = False

    def is_ours(self) -> bool:
        """Whether we have it. Raises Unreachable where we had it and have it no longer."""
        if self._ours and not self._lock.held():
            raise Unreachable(f"the lock {self._what} was lost: another may have it by now")
        self._ours = self._ours or self._lock.take()
        if not self._ours and not self._said:
            log.get().info("stands_by", name=self._what)
        self._said = not self._ours
        return self._ours

    def close(self) -> None:
        """Give it back."""
        self._lock.release()


def driven(settings: Settings) -> bool:
    """Whether some process drives this ledger's views."""
    try:
        with undriven(settings):
            return False
    except DrivenElsewhere:
        return True


@contextmanager
def undriven(settings: Settings) -> Iterator[None]:
    """Nobody drives this ledger's views for as long as the block lasts. Raises DrivenElsewhere."""
    lock = wiring.lock(settings, DRIVERS)
    if not lock.take():
        raise DrivenElsewhere(f"another process drives the views in {wiring.where(settings)}")
    try:
        yield
    finally:
        lock.release()
