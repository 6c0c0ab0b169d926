"""Folding entries into several projections at once: what they have in common is gathered, and decoded, once."""

from collections.abc import Callable, Iterable
from typing import Protocol

from consumers.ports import Entries
from domain.entry import UnreadableEntry
from domain.policy import Policy
from projections.fold import Gathered, Pending, Projection, Span, contribute_entries, fold_spans

STREAMS_AT_MOST = 20_000
"""Of how many streams entries are gathered before they are folded: the more of one stream, the less there is to do."""


class Taker(Protocol):
    """A projection, what it judges by, and what it has not written yet."""

    @property
    def projection(self) -> Projection:
        """The fold."""

    @property
    def policy(self) -> Policy:
        """What it judges by."""

    @property
    def pending(self) -> Pending:
        """What entries changed."""


class Together:
    """Entries on their way into projections. What was given is in what is pending once it is settled, and not before."""

    def __init__(self, broken: Callable[[str], Exception], at_most: int | None = None) -> None:
        """`broken` makes what is raised where a standing cannot be read; `at_most` is for STREAMS_AT_MOST."""
        self._broken = broken
        self._at_most = STREAMS_AT_MOST if at_most is None else at_most
        self._takers: list[Taker] = []
        self._gathered = Gathered()
        self._idle = frozenset[str]()
        self.parties = set[str]()
        """Whom all that was given is about, as far as it is settled."""

    def is_about(self, party: str) -> bool:
        """Whether anything that was given is about this party."""
        return party in self.parties or party in self._gathered.parties

    def give(self, taken: Iterable[tuple[Taker, Entries]]) -> None:
        """Let each of these have what is new to it, which follows what it had before."""
        alike: dict[tuple[int, int], tuple[Entries, list[Taker]]] = {}
        for taker, entries in taken:
            if entries:
                alike.setdefault((entries[0][0], len(entries)), (entries, []))[1].append(taker)
        for entries, takers in alike.values():
            if [*map(id, takers)] != [*map(id, self._takers)]:  # they are compared by all that they hold otherwise
                self.settle()
                self._takers = takers
                self._idle = frozenset.intersection(*(each.projection.idle_kinds for each in takers))
            for each in takers:
                contribute_entries(each.projection, each.pending, entries)
            self._gathered.add(entries, self._idle)
            if len(self._gathered) > self._at_most:
                self.settle()

    def settle(self) -> None:
        """Fold what is gathered: from here on it is in what is pending."""
        gathered, self._gathered = self._gathered, Gathered()
        self.parties |= gathered.parties
        spans: Iterable[Span] = gathered.spans()
        try:
            if len(self._takers) > 1:
                spans = [*spans]
            for each in self._takers:
                fold_spans(each.projection, each.pending, spans, each.policy)
        except UnreadableEntry as wrong:
            raise self._broken(str(wrong)) from None
