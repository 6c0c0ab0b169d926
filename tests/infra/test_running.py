"""Loops go on through outages, end when told to, and say why where they cannot."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing

import pytest

from infra.health import Health, wrong_with
from infra.running import Running

web = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Away(Exception):
    """What the loop needs is away."""


class Worker:
    """A loop that does what it is told next: True, False or an exception. It is closed once."""

    def __init__(self, steps: Iterator[object], closed: list["Worker"]) -> None:
        self._steps = steps
        self._closed = closed

    def step(self) -> bool:
        what = next(self._steps)
        if isinstance(what, threading.Event):
            what.set()
            return False
        if isinstance(what, Exception):
            raise what
        return bool(what)

    def close(self) -> None:
        assert self not in self._closed
        self._closed.append(self)


def running(*steps: object, closed: list[Worker] | None = None) -> Running:
    told = iter(steps)
    gone = [] if closed is None else closed
    return Running("relay", lambda: Worker(told, gone), 60.0, (Away,))


def test_it_steps_while_there_is_something_to_do_and_waits_until_woken() -> None:
    first, second = threading.Event(), threading.Event()
    closed: list[Worker] = []
    with closing(running(True, True, first, True, second, closed=closed)) as loop:
        assert first.wait(5)
        assert not second.is_set()
        loop.wake()
        assert second.wait(5)
    assert len(closed) == 1
    assert loop.failed is None


def test_an_outage_is_trouble_until_a_step_succeeds_with_a_new_loop() -> None:
    done = threading.Event()
    closed: list[Worker] = []
    with closing(running(True, Away(), Away(), done, closed=closed)) as loop:
        assert done.wait(5)
    assert len(closed) == 3
    assert (loop.trouble, loop.failed) == (None, None)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_is_no_outage_fails_it_and_tells_whoever_ends_the_process() -> None:
    stopped, go = threading.Event(), threading.Event()

    class Waits(Worker):
        def step(self) -> bool:
            go.wait(5)
            return super().step()

    loop = Running("relay", lambda: Waits(iter([ValueError("impossible")]), []), 60.0, (Away,))
    loop.on_failure = stopped.set
    go.set()
    assert stopped.wait(5)
    loop.close()
    assert isinstance(loop.failed, ValueError)


def ask(url: str) -> tuple[int, object]:
    try:
        with web.open(url, timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def test_health_says_what_is_in_the_way() -> None:
    away = [Away() for _ in range(100)]
    with closing(running(*away)) as loop, Health(0, [loop]) as health:
        assert ask(f"{health.url}/livez") == (200, {"alive": True})
        ends = threading.Event()
        while loop.trouble is None:
            ends.wait(0.01)
        assert ask(f"{health.url}/readyz") == (503, {"ready": False, "wrong": wrong_with([loop])})
        assert "Away" in wrong_with([loop])[0]["why"]
        assert ask(f"{health.url}/nothing")[0] == 404
        with web.open(f"{health.url}/metrics", timeout=5) as answer:
            assert b'troth_outages_total{loop="relay"}' in answer.read()


def test_health_is_ready_where_nothing_is_in_the_way() -> None:
    done = threading.Event()
    with closing(running(done)) as loop, Health(0, [loop]) as health:
        assert done.wait(5)
        assert ask(f"{health.url}/readyz") == (200, {"ready": True, "wrong": []})


def test_a_taken_port_is_refused() -> None:
    with Health(0, []) as health, pytest.raises(OSError, match="in use"):
        Health(int(health.url.rsplit(":", 1)[1]), [])
