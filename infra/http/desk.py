"""The desk: takes reports from many requests to one intake, several in one transaction, and hands the receipts back."""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from consumers.intake import Incoming, Intake, Outcome
from consumers.ports import Conflict, NotWritten, Unreachable
from infra import log, metrics

REPORTS_AT_ONCE = 1_000
TRY_EVERY_SECONDS = 1.0
"""How often to see whether the record can be written again, once it could not: nobody reports to one that is not ready."""
NOT_RECORDED = "the record could not be written: send it again, and nothing is recorded twice"


class NotRecorded(Exception):
    """The record could not be written (a full disk, a lock held too long, a database that went away): send it again."""


class _Handed(NamedTuple):
    batch: Sequence[Incoming]
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[list[Outcome]]"


class Desk:
    """One thread that records. `recorded` is called after each transaction.

    `trouble` names why the record cannot be written, until it can. What is no such trouble ends the desk: it is `failed` then,
    all that waits is told so, and `on_failure` is called.
    """

    def __init__(self, intake: Intake, recorded: Callable[[], None]) -> None:
        self._intake = intake
        self._recorded = recorded
        self._waiting: queue.SimpleQueue[_Handed | None] = queue.SimpleQueue()
        self.trouble: str | None = None
        self.failed: BaseException | None = None
        self.on_failure: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._work, name="intake", daemon=True)
        self._thread.start()

    async def record(self, batch: Sequence[Incoming]) -> list[Outcome]:
        """A receipt or refusal for each report, once all of them are on the record. Raises NotRecorded."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[Outcome]] = loop.create_future()
        self._waiting.put(_Handed(batch, loop, answer))
        if self.failed is not None:  # whoever put theirs before it failed is told so by the thread itself
            raise NotRecorded(NOT_RECORDED)
        return await answer

    def close(self) -> None:
        """Record what was handed over before, then end."""
        self._waiting.put(None)
        self._thread.join()

    def _work(self) -> None:
        handed: list[_Handed] = []
        try:
            more = True
            while more:
                handed, more = self._take()
                if handed:
                    self._record(handed)
                elif more:
                    self._try()
        except BaseException as wrong:
            self.failed = wrong
            _refuse([*handed, *self._left()])
            log.get().error("intake_failed", reason=type(wrong).__name__, where=log.place(wrong.__traceback__))
            self.on_failure()
            raise

    def _record(self, handed: list[_Handed]) -> None:
        try:
            with metrics.INTAKE_SECONDS.time():
                outcomes = self._intake.record([each for one in handed for each in one.batch])
        except (NotWritten, Unreachable, Conflict) as wrong:
            self.trouble = type(wrong).__name__
            log.get().error("not_recorded", reason=self.trouble, count=sum(len(one.batch) for one in handed))
            _refuse(handed)
            return
        # From here on the batch is on the record, whether or not its publishers hear of it.
        self.trouble = None
        self._recorded()
        given = 0
        for one in handed:
            mine = outcomes[given : given + len(one.batch)]
            given += len(one.batch)
            one.loop.call_soon_threadsafe(_give, one.answer, mine)

    def _try(self) -> None:
        with suppress(NotWritten, Unreachable, Conflict):
            self._intake.record([])
            self.trouble = None

    def _take(self) -> tuple[list[_Handed], bool]:
        """What waits, up to one transaction's worth, or nothing where the record is to be tried; False once we are closing."""
        patience = None if self.trouble is None else TRY_EVERY_SECONDS
        handed: list[_Handed] = []
        while sum(len(one.batch) for one in handed) < REPORTS_AT_ONCE:
            try:
                one = self._waiting.get(not handed, patience)
            except queue.Empty:
                break
            if one is None:
                return handed, False
            handed.append(one)
        return handed, True

    def _left(self) -> list[_Handed]:
        """All that waits, without waiting for more."""
        left: list[_Handed] = []
        while not self._waiting.empty():
            one = self._waiting.get()
            if one is not None:
                left.append(one)
        return left


def _refuse(handed: Sequence[_Handed]) -> None:
    for one in handed:
        one.loop.call_soon_threadsafe(_fail, one.answer, NotRecorded(NOT_RECORDED))


def _give(answer: "asyncio.Future[list[Outcome]]", outcomes: list[Outcome]) -> None:
    if not answer.done():
        answer.set_result(outcomes)


def _fail(answer: "asyncio.Future[list[Outcome]]", error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
