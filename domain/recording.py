"""Recording: how a report's fact becomes the next entry of its stream."""

from collections.abc import Sequence

from msgspec import Raw

from domain.amendment import FactRetracted, target
from domain.entry import Entry, content, encode, has_key, known_from
from domain.fact import FACTS_PER_STREAM
from domain.kinds import Standing, one_more, standing
from domain.refusal import StreamIsFull
from domain.report import LEDGER_SOURCE, Report
from domain.stream import Known

_NOTHING = Raw(b"null")


class Recording:
    """A stream as far as it is recorded, and what is recorded in it next.

    A standing is a pure function of all facts. Where one happened after all others, and none amends another, that function says
    the same of the standing before it and this fact: then the other facts need not be decoded.
    """

    def __init__(self, stream: str, entries: Sequence[Entry] = ()) -> None:
        """`entries`: all that the stream has so far, by version."""
        self._stream = stream
        self._entries = [*entries]
        self._known: list[Known] = []
        self._standing: Standing | None = None
        self._latest = max([each.happened_at for each in entries], default=0)
        self._amended: bool | None = None

    @property
    def standing(self) -> Standing | None:
        """What the stream amounts to; None where nothing is recorded in it. Raises UnreadableEntry."""
        if self._standing is None and self._entries:
            self._standing = self._entries[-1].after
        return self._standing

    def record(self, report: Report, recorded_at: int) -> Entry:
        """The next entry, which records the report's fact. Raises StreamIsFull or UnreadableEntry.

        A full stream still takes what the ledger itself records: what is overdue in it lapses all the same.
        """
        return self._record(report, recorded_at, self._with(report))

    def record_if_counting(self, report: Report, recorded_at: int) -> Entry | None:
        """The same, or None where the fact would not count: then nothing is recorded."""
        after = self._with(report)
        if any(void.version == len(self._entries) for void in after.void):
            return None
        return self._record(report, recorded_at, after)

    def _with(self, report: Report) -> Standing:
        """What the stream amounts to with one more fact."""
        version, fact = len(self._entries), report.fact
        if version >= FACTS_PER_STREAM and not report.source.startswith(LEDGER_SOURCE):
            raise StreamIsFull(f"the stream holds {FACTS_PER_STREAM} facts, and no stream holds more")
        new = Known(version, report.happened_at, report.source, report.id, fact)
        before = self.standing if self._comes_last(report) else None
        after = one_more(before, new) if before is not None else None
        if after is not None:
            if len(self._known) >= version:
                self._known[version:] = [new]
            return after
        self._known += map(known_from, self._entries[len(self._known) :])
        self._known[version:] = [new]
        return standing(fact.family, fact.key, self._known)

    def _comes_last(self, report: Report) -> bool:
        """Whether the fact happened after all others, and none of them amends another."""
        if not self._entries or report.happened_at <= self._latest or target(report.fact) is not None:
            return False
        if self._amended is None:
            self._amended = any(map(_amends, self._entries))
        return not self._amended

    def _record(self, report: Report, recorded_at: int, after: Standing) -> Entry:
        entries = self._entries
        entry = Entry(
            kind=report.kind,
            party=report.party,
            stream=self._stream,
            version=len(entries),
            happened_at=report.happened_at,
            recorded_at=recorded_at,
            source=report.source,
            id=report.id,
            fact=Raw(content(report.fact)),
            raw_before=entries[-1].raw_after if entries else _NOTHING,
            raw_after=Raw(encode(after)),
        )
        entries.append(entry)
        self._standing = after
        self._latest = max(self._latest, report.happened_at)
        if target(report.fact) is not None:
            self._amended = True
        return entry


def _amends(entry: Entry) -> bool:
    """Whether its fact amends another."""
    return entry.kind == FactRetracted.KIND or has_key(entry.fact, b'"corrects":')
