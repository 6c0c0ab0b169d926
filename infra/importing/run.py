"""The loop of an import: rows, reports, batches into intake; and the dry run, which records nothing.

An import goes on where it was killed. Each batch carries a mark, moved in the transaction that records the batch: how many
results of the file's rows are behind it. Started again with the same file and the same map, the import reads the file from
its beginning through the same mapping, so that what a row is compared with is as it was, and sends nothing until it is past
the mark. The file of rejects is written anew on the way: it holds each rejected row once, whatever happened in between.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from consumers.intake import Incoming, Outcome
from consumers.ports import Mark
from domain.entry import Receipt
from domain.refusal import Refusal
from domain.report import read as read_report
from domain.strictjson import read as read_json
from infra.failpoint import failpoint
from infra.importing.cells import file_columns, used_names
from infra.importing.loading import MapRefused
from infra.importing.localtime import Fault
from infra.importing.mapping import Map
from infra.importing.messages import Message
from infra.importing.rejects import RejectsFile
from infra.importing.reports import Mapped, Reject, Reporter, passed_on
from infra.importing.rows import Rows

REPORTS_OF_A_BATCH = 1_000
RESULTS_OF_A_BATCH = 10_000
"""A batch ends after so many rows even if they report little, so that rows that say nothing are not read again and again."""

READING = 1
"""Raised when the same file and map come to give other results, or in another order: imports under way then start anew."""


class Counts(NamedTuple):
    """How far an import has come. `recorded`, `repeated` and `refused` are reports of this run; the others, of the file."""

    results: int = 0
    """Rows, and last rows of keys, that were mapped; for CloudEvents, reports."""
    rejected: int = 0
    """Rows that could not be mapped; they are in the file of rejects."""
    passed: int = 0
    """Results that an earlier run had recorded already, and this one only read again."""
    recorded: int = 0
    """Reports that are new on the record."""
    repeated: int = 0
    """Reports that were on the record before, and said the same."""
    refused: int = 0
    """Reports that are in quarantine now."""


class Progress(Protocol):
    """Told how far an import has come."""

    def __call__(self, done_bytes: int, total_bytes: int, counts: Counts) -> None:
        """`done_bytes` of the file's `total_bytes` have been read."""


class Recorder(Protocol):
    """The intake, as far as an import needs it."""

    def record(self, batch: Sequence[Incoming], mark: Mark | None = None) -> list[Outcome]:
        """Record the batch and move the mark, in one transaction."""


class DryRun(NamedTuple):
    """What an import would report."""

    first: list[Message]
    """The first reports."""
    kinds: Counter[str]
    """How many reports of each kind are well-formed."""
    refused: Counter[str]
    """How many would be refused, by reason and place: `MalformedData at /data/severity: …`."""
    rejected: Counter[str]
    """How many rows could not be mapped, by reason and place."""
    first_rejects: list[Reject]
    """The first of those rows."""
    counts: Counts


def _nobody(done_bytes: int, total_bytes: int, counts: Counts) -> None:
    """Nobody is told."""


def import_file(
    file: Path,
    of: Map,
    intake: Recorder,
    reached: Callable[[str], str | None],
    *,
    rejects: Path,
    progress: Progress = _nobody,
) -> Counts:
    """Record what the file says, by the map. `reached` says how far the source of a name has been read (`Log.mark`).

    Raises MapRefused where the map does not fit the file, and Conflict where the same import runs elsewhere at once.
    """
    name = mark_name(file, of)
    before = reached(name)
    behind = 0 if before is None else int(before)
    counts = Counts()
    with _opened(file, of) as (rows, results), RejectsFile(rejects, file) as kept:
        for number, batch in _batches(file.name, results, kept, behind):
            counts = counts._replace(results=number, rejected=kept.count, passed=min(number, behind))
            if number > behind:
                outcomes = intake.record(batch, Mark(name, before, str(number)))
                # The batch is on the record: an import that is killed from here on goes on behind it.
                before, counts = str(number), _added(counts, outcomes)
                failpoint("between_batches")
            progress(rows.done, rows.total, counts)
        progress(rows.total, rows.total, counts)
    return counts


def dry_run(file: Path, of: Map, *, show: int = 10, progress: Progress = _nobody) -> DryRun:
    """What importing the file by the map would report: the first reports and rejects, and counts over the whole file."""
    found = DryRun([], Counter(), Counter(), Counter(), [], Counts())
    results_count = 0
    with _opened(file, of) as (rows, results):
        for results_count, result in enumerate(results, start=1):
            if isinstance(result, Reject):
                found.rejected[f"{result.reason} at {result.pointer or 'the row'}: {result.message}"] += 1
                if len(found.first_rejects) < show:
                    found.first_rejects.append(result)
            else:
                _try(result, found, show)
            if results_count % RESULTS_OF_A_BATCH == 0:
                progress(rows.done, rows.total, Counts(results_count, found.rejected.total()))
    return found._replace(counts=Counts(results_count, found.rejected.total(), refused=found.refused.total()))


def mark_name(file: Path, of: Map) -> str:
    """What the import of this file by this map is called: another byte in either is another import."""
    with file.open("rb") as opened:
        bytes_hash = file_digest(opened, "sha256").digest()
    return "import:" + sha256(b"%d\0" % READING + bytes_hash + of.model_dump_json(by_alias=True).encode()).hexdigest()


@contextmanager
def _opened(file: Path, of: Map) -> Iterator[tuple[Rows, Iterator[Mapped | Reject]]]:
    """The file, and what its rows state by the map."""
    wanted = list(dict.fromkeys(column for name in used_names(of) for column in file_columns(of, name)))
    try:
        rows = Rows(file, of.file, wanted)
    except Fault as fault:
        raise MapRefused("file", fault.message) from None
    with rows:
        reports_already = of.file.format == "cloudevents"
        yield rows, passed_on(rows) if reports_already else Reporter(of, rows.columns).reports(rows)


def _batches(
    file: str, results: Iterator[Mapped | Reject], kept: RejectsFile, behind: int
) -> Iterator[tuple[int, list[Incoming]]]:
    """Batches of whole rows, each with the number of results up to its end; what an earlier run recorded is left out."""
    batch: list[Incoming] = []
    ended = number = 0
    for number, result in enumerate(results, start=1):
        if isinstance(result, Reject):
            kept.add(result)
        elif number > behind:
            batch += _incoming(f"import:{file}:{result.line}", result)
        if len(batch) >= REPORTS_OF_A_BATCH or number - ended >= RESULTS_OF_A_BATCH or number == behind:
            yield number, batch
            ended, batch = number, []
    if number > ended:
        yield number, batch


def _incoming(origin: str, result: Mapped) -> list[Incoming]:
    if result.raw is not None:
        return [Incoming(origin, raw=result.raw)]
    return [Incoming(origin, message=message) for message in result.messages]


def _added(counts: Counts, outcomes: Sequence[Outcome]) -> Counts:
    receipts = [outcome for outcome in outcomes if isinstance(outcome, Receipt)]
    repeated = sum(receipt.repeated for receipt in receipts)
    return counts._replace(
        recorded=counts.recorded + len(receipts) - repeated,
        repeated=counts.repeated + repeated,
        refused=counts.refused + len(outcomes) - len(receipts),
    )


def _try(result: Mapped, found: DryRun, show: int) -> None:
    """Read the reports as intake would, without recording them."""
    for raw, message in [(result.raw, None)] if result.raw is not None else [(None, each) for each in result.messages]:
        try:
            said: Any = message if raw is None else read_json(raw)
            found.kinds[read_report(said).kind] += 1
        except Refusal as refusal:
            found.refused[f"{refusal.name} at {refusal.pointer or 'the report'}: {refusal.message}"] += 1
            continue
        if len(found.first) < show:
            found.first.append(said)
