"""Intake: weighs reports and records them. One batch is one transaction; a crash anywhere loses and doubles nothing.

1. read each report, strictly; what cannot be read is refused, its neighbours are not
2. load, in two queries, what is known of these reports and of the streams they touch
3. weigh: the standing of each stream before and after each fact
4. record entries, refusals and the mark of the source in one transaction
5. hand out receipts
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from consumers.ports import Clock, Conflict, Log, Mark, MarkMoved, Name, Refused, Stored
from domain import entry as entries
from domain.entry import Entry, Receipt
from domain.kinds import Standing, lapses
from domain.recording import Recording
from domain.refusal import Refusal, SameIdOtherContent
from domain.report import Report, read, refuse_future, written
from domain.strictjson import read as read_json

BATCH_AT_MOST = 2_000
TRIES = 20


class Incoming(NamedTuple):
    """A report on its way in: its bytes, or the JSON value they say, or already read; and where it comes from.

    `refusal` says why its bytes are no report, where only whoever took them in can tell. `kept` says that they are in
    quarantine already, and need not be put there once more if it is refused again.
    """

    origin: str
    raw: bytes | None = None
    message: object | None = None
    report: Report | None = None
    refusal: Refusal | None = None
    kept: bool = False


Outcome = Receipt | Refusal


class Intake:
    """Records reports in one ledger's log."""

    def __init__(
        self, log: Log, ledger: str, clock: Clock, *, observe: Callable[[Sequence[Outcome]], None] = lambda _: None
    ) -> None:
        self._log = log
        self._ledger = ledger
        self._clock = clock
        self._observe = observe

    def record(
        self,
        batch: Sequence[Incoming],
        mark: Mark | None = None,
        set_aside: Callable[[Mapping[int, Refusal]], None] = lambda _: None,
    ) -> list[Outcome]:
        """A receipt or a refusal for each report, in order. When it returns, all of it is on the record.

        `set_aside` is told what is refused, by its place in the batch, before anything is written: once more with every try.
        Raises Conflict where others kept recording on the same streams, MarkMoved where they moved the mark; nothing is
        written then.
        """
        if len(batch) > BATCH_AT_MOST:
            raise ValueError(f"a batch has at most {BATCH_AT_MOST} reports, not {len(batch)}")
        now = self._clock()
        reports = [_read(each, now) for each in batch]
        for _ in range(TRIES):
            weighing = _Weighing(self._log, self._ledger, now, reports)
            refused = [_refused(each, what) for each, what in zip(batch, weighing.outcomes, strict=True)]
            if aside := {at: what for at, what in enumerate(weighing.outcomes) if isinstance(what, Refusal) and refused[at]}:
                set_aside(aside)
            try:
                stored = self._log.append(weighing.recorded, [each for each in refused if each], mark)
            except MarkMoved:
                raise
            except Conflict as conflict:
                lost = conflict
                continue
            outcomes = weighing.receipts(stored)
            self._observe(outcomes)
            return outcomes
        raise lost

    def record_if_counting(self, batch: Sequence[Incoming]) -> int:
        """Record those that count now and leave the others unsaid; for the ledger's own clock. Returns how many."""
        now = self._clock()
        reports = [each.report for each in batch if each.report is not None]
        for _ in range(TRIES):
            weighing = _Weighing(self._log, self._ledger, now, reports, only_counting=True)
            try:
                stored = self._log.append(weighing.recorded, [], None) if weighing.recorded else []
            except Conflict as conflict:
                lost = conflict
                continue
            self._observe(weighing.receipts(stored))
            return len(weighing.recorded)
        raise lost


class _Weighing:
    """One try to weigh a batch against what the log holds now."""

    def __init__(
        self, log: Log, ledger: str, now: int, reports: Sequence[Report | Refusal], *, only_counting: bool = False
    ) -> None:
        self.recorded: list[tuple[Entry, bytes]] = []
        self.outcomes: list[Refusal | Stored | int | None] = []
        self._now = now
        self._only_counting = only_counting
        names = [(each.source, each.id) for each in reports if isinstance(each, Report)]
        self._seen: dict[Name, Stored | int] = dict(log.known(names))
        # By report, and not by its name: others may have taken the same name for something else, even in the same batch.
        streams = [self._stream_of(ledger, each) for each in reports]
        wanted = sorted({each for each in streams if each is not None})
        loaded = log.streams(wanted)
        self._streams = {each: Recording(each, [*map(entries.decode, loaded.get(each, ()))]) for each in wanted}
        for report, stream in zip(reports, streams, strict=True):
            self.outcomes.append(report if isinstance(report, Refusal) else self._weigh(report, stream))

    def receipts(self, stored: Sequence[Stored]) -> list[Outcome]:
        """What each report gets, now that the entries are stored."""
        given: set[int] = set()
        return [self._receipt(each, stored, given) for each in self.outcomes if each is not None]

    def _stream_of(self, ledger: str, report: Report | Refusal) -> str | None:
        """The stream of a report whose name is new; None for any other."""
        if isinstance(report, Refusal) or (report.source, report.id) in self._seen:
            return None
        return entries.stream_of(ledger, report)

    def _weigh(self, report: Report, stream_id: str | None) -> Refusal | Stored | int | None:
        name = (report.source, report.id)
        before = self._seen.get(name)
        if before is not None:
            earlier = self.recorded[before][0] if isinstance(before, int) else entries.decode(before.state)
            if entries.says_the_same(earlier, report):
                return before
            return SameIdOtherContent("this source reported something else under this id before", "/id")
        assert stream_id is not None
        stream = self._streams[stream_id]
        if self._only_counting and not _is_due(report, stream.standing):
            return None
        try:
            record = stream.record_if_counting if self._only_counting else stream.record
            entry = record(report, self._now)
        except Refusal as refusal:
            return refusal
        if entry is None:
            return None
        index = self._seen[name] = len(self.recorded)
        self.recorded.append((entry, entries.encode(entry)))
        return index

    def _receipt(self, outcome: Refusal | Stored | int, stored: Sequence[Stored], given: set[int]) -> Outcome:
        if isinstance(outcome, Refusal):
            return outcome
        if isinstance(outcome, Stored):
            return entries.receipt(*outcome, entries.decode(outcome.state), repeated=True)
        repeated = outcome in given
        given.add(outcome)
        return entries.receipt(*stored[outcome], self.recorded[outcome][0], repeated=repeated)


def _is_due(report: Report, standing: Standing | None) -> bool:
    """Whether a lapse is still one that the stream waits for. Views may be behind: by now it may be kept, though late."""
    return standing is not None and (report.happened_at, report.kind) in {(at, fact.KIND) for at, fact in lapses(standing)}


def _read(incoming: Incoming, now: int) -> Report | Refusal:
    if incoming.refusal is not None:
        return incoming.refusal
    try:
        report = incoming.report
        if report is None:
            message = incoming.message if incoming.raw is None else read_json(incoming.raw)
            report = read(message)
        refuse_future(report, now)
    except Refusal as refusal:
        return refusal
    return report


def _refused(incoming: Incoming, outcome: object) -> Refused | None:
    if incoming.kept or not isinstance(outcome, Refusal):
        return None
    return Refused(outcome.name, outcome.message, outcome.pointer, _bytes(incoming), incoming.origin)


def _bytes(incoming: Incoming) -> bytes:
    """The report as bytes that can be read again. Whatever JSON says can be written so: half a surrogate pair, 10**30, NaN."""
    if incoming.raw is not None:
        return incoming.raw
    message = incoming.message if incoming.report is None else written(incoming.report)
    return json.dumps(message).encode()
