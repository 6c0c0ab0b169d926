"""A ledger's drivers as processes that say by HTTP whether they are ready, while what they need goes away and comes back."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

from tests.crash.reporting import ByHTTP, ByKafka
from tests.crash.siege import TELL_EVERY_SECONDS, TOLD_AT_ONCE, Siege
from tests.fleet import Member
from tests.services.kafka import free_ports

SECONDS = 90
"""Much longer than anything takes that is waited for: a machine may be busy."""
_WEB = build_opener(ProxyHandler({}))


class Watched(Siege):
    """A ledger, the processes that drive it, those who report to it, and where each process says how it is."""

    def __init__(self, home: Path, bootstrap: str, ledger: str, database: str | None, *, streams: int, replication: int = 1):
        super().__init__(home, bootstrap, ledger, database, seed=5, streams=streams, replication=replication)
        self.by_name: dict[str, Member] = {}
        self._health: dict[Path, str] = {}

    def begin(self, *drivers: str, **environment: str) -> list[Member]:
        """Start a process for each of these drivers."""
        return [self._begin_one(each, environment) for each in drivers]

    def begin_all(self) -> None:
        """Start one process for each driver there is."""
        drivers = ("api", "intake", "relay", "project", "clock")
        self.by_name = dict(zip(drivers, self.begin(*drivers), strict=True))

    def wrong(self, member: Member) -> dict[str, str]:
        """What a process says is in its way, and why."""
        try:
            with _WEB.open(f"{self._health[member.log]}/readyz", timeout=SECONDS) as answer:
                said: Any = json.load(answer)
        except HTTPError as not_ready:
            said = json.load(not_ready)
        except URLError:
            return {"process": "does not answer yet"}
        return {each["what"]: each["why"] for each in said["wrong"]}

    def until_all_are_ready(self) -> None:
        """Wait until every process that runs says that nothing is in its way."""
        for each in self.fleet.members:
            if each.process.poll() is None:
                self.until(lambda each=each: not self.wrong(each))  # type: ignore[misc]

    def until_said(self, driver: str, word: str) -> None:
        """Wait until a driver's process says that it is not ready, and this word among why."""
        self.until(lambda: any(word in why for why in self.wrong(self.by_name[driver]).values()))

    def until_come_on(self, driver: str, by: int = 20) -> None:
        """Wait until a driver has come on by so much."""
        wanted = self.come(driver) + by
        self.until(lambda: self.come(driver) >= wanted)

    def until(self, met: Callable[[], object]) -> None:
        """Wait until it is so; nobody may have ended by itself meanwhile."""
        ends = time.monotonic() + SECONDS
        while not met():
            self.fleet.check()
            assert time.monotonic() < ends, [(each.driver, each.said()[-1_500:]) for each in self.fleet.members]
            threading.Event().wait(TELL_EVERY_SECONDS)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Reports keep coming for as long as the block lasts."""
        done = threading.Event()

        def tell(how: ByKafka | ByHTTP) -> None:
            while not done.wait(TELL_EVERY_SECONDS):
                how.tell(TOLD_AT_ONCE)

        with ThreadPoolExecutor(2) as tellers:
            told = [tellers.submit(tell, each) for each in (self.by_kafka, self.by_http)]
            try:
                yield
            finally:
                done.set()
        for each in told:
            each.result()

    def _begin_one(self, driver: str, environment: dict[str, str]) -> Member:
        if driver == "api":
            member, url = self.fleet.start(driver, **environment), self.api
        else:
            (port,) = free_ports(1)
            member, url = self.fleet.start(driver, "--health", str(port), **environment), f"http://127.0.0.1:{port}"
        self._health[member.log] = url
        return member


@contextmanager
def watched(
    home: Path, bootstrap: str, ledger: str, database: str | None, *, streams: int = 1_000, replication: int = 1
) -> Iterator[Watched]:
    """A fleet for as long as the block lasts; then all is told, settled and proved, and every process ends with 0."""
    with closing(Watched(home, bootstrap, ledger, database, streams=streams, replication=replication)) as fleet:
        yield fleet
        fleet.finish()
        fleet.prove()
