"""The drivers of an embedded ledger: who has the views, and who waits for them."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from consumers.ports import NotWritten
from infra import wiring
from infra.drivers import Drivers, running
from infra.running import ending
from infra.settings import Settings
from infra.turns import DrivenElsewhere, undriven


def until(met: Callable[[], bool]) -> None:
    """Wait for it, at most ten seconds."""
    ends = time.monotonic() + 10
    while not met():
        assert time.monotonic() < ends
        threading.Event().wait(0.01)


def test_who_takes_the_views_up_in_an_outage_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(home=tmp_path, poll_milliseconds=10)
    wiring.make(settings)
    step, ails = Drivers.step, threading.Event()

    def stepping(drivers: Drivers) -> bool:
        if ails.is_set():
            raise NotWritten("the disk is full")
        return step(drivers)

    monkeypatch.setattr(Drivers, "step", stepping)
    with ending(running(settings)) as (loop,):
        with pytest.raises(DrivenElsewhere), undriven(settings):
            pass
        ails.set()
        until(lambda: loop.trouble == "NotWritten")
        with undriven(settings):  # as a question on the command line does
            ails.clear()
            until(lambda: loop.trouble == "Unreachable")
            assert "another process drives the views" in loop.why
        until(lambda: loop.trouble is None)
        assert loop.failed is None


def test_who_has_them_before_we_do_is_not_waited_for(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    wiring.make(settings)
    with undriven(settings), pytest.raises(DrivenElsewhere):
        running(settings)
