"""The ledger's own log as a feed: one partition that holds every entry."""

from collections.abc import Mapping, Sequence

from consumers.ports import LOG, BrokenRecord, Log, Reached, Run
from domain.entry import decode


class LogFeed:
    """The port Feed on a log."""

    partitions: Sequence[int] = (LOG,)

    def __init__(self, log: Log) -> None:
        self._log = log
        self.more = False

    def take(self, reached: Mapping[int, Reached], limit: int) -> Sequence[Run]:
        """The next page of the log."""
        start = reached[LOG].position
        page = self._log.page(start, limit)
        self.more = len(page) == limit
        return [Run(LOG, start, [(position, decode(state)) for position, state in page], start + len(page))] if page else []

    def ends(self) -> Mapping[int, int]:
        """The position that the next entry will get."""
        return {LOG: self._log.end()}

    def broken(self, what: str) -> BrokenRecord:
        """The record is broken."""
        return BrokenRecord(what)

    def done(self) -> None:
        """Nothing: how far the views have come is said by the views."""
