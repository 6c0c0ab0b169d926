"""Where what requests ask of the ledger is read: nowhere that it holds up those who ask nothing of it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from fastapi import Request

from infra.settings import Settings

Found = TypeVar("Found")


class Reading:
    """Reads for requests, one at a time.

    Files are read on the event loop itself, which is fastest. A database is read on a thread of its own: its server may keep
    one waiting for long, and that this process is alive is to be heard all the same.
    """

    def __init__(self, settings: Settings) -> None:
        self._thread = None if settings.database is None else ThreadPoolExecutor(1, "reading")

    def close(self) -> None:
        """End once what is being read has been."""
        if self._thread is not None:
            self._thread.shutdown(cancel_futures=True)

    async def __call__(self, read: Callable[[], Found]) -> Found:
        """What this reads."""
        if self._thread is None:
            return read()
        return await asyncio.get_running_loop().run_in_executor(self._thread, read)


async def read(request: Request, what: Callable[[], Found]) -> Found:
    """What this reads, where the application reads for requests."""
    reading: Reading = request.app.state.reading
    return await reading(what)
