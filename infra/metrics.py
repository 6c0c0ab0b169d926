"""Prometheus metrics. Labels are names of ours (outcomes, reasons, projections, routes), never anything that a report said.

What happens in this process is counted as it happens; what stands in the files (entries, lag, quarantine) is read when it is
asked for.
"""

from collections.abc import Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from consumers.intake import Outcome
from domain.refusal import Refusal

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
REPORTS = Counter("troth_reports", "Reports by outcome.", ["outcome"], registry=REGISTRY)
REFUSALS = Counter("troth_refusals", "Refused reports by reason.", ["reason"], registry=REGISTRY)
INTAKE_SECONDS = Histogram(
    "troth_intake_transaction_seconds",
    "How long it took to weigh and record one batch of reports.",
    buckets=_SECONDS,
    registry=REGISTRY,
)
STEP_SECONDS = Histogram(
    "troth_step_seconds",
    "How long one step of a loop took that found something to do, by loop.",
    ["loop"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
OUTAGES = Counter("troth_outages", "How often a loop found something away that it needs, by loop.", ["loop"], registry=REGISTRY)
HTTP_SECONDS = Histogram(
    "troth_http_seconds",
    "How long a request took, by route and by status.",
    ["method", "route", "status"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
ENTRIES = Gauge("troth_entries", "Entries on the record.", registry=REGISTRY)
LAG = Gauge("troth_projection_lag_entries", "Entries that a projection has not taken in.", ["projection"], registry=REGISTRY)
WAITING = Gauge("troth_quarantine_waiting", "Refused reports that wait in quarantine.", ["reason"], registry=REGISTRY)


def observe_outcomes(outcomes: Sequence[Outcome]) -> None:
    """Count what became of a batch of reports."""
    for outcome in outcomes:
        if isinstance(outcome, Refusal):
            REPORTS.labels("refused").inc()
            REFUSALS.labels(outcome.name).inc()
        else:
            REPORTS.labels("repeated" if outcome.repeated else outcome.outcome).inc()


def exposed(entries: int, lags: Mapping[str, int], waiting: Mapping[str, int]) -> bytes:
    """All metrics in Prometheus' text format: `lags` by projection, `waiting` in quarantine by reason."""
    ENTRIES.set(entries)
    for gauge, by_name in ((LAG, lags), (WAITING, waiting)):
        gauge.clear()
        for name, value in by_name.items():
            gauge.labels(name).set(value)
    return generate_latest(REGISTRY)


def of_this_process() -> bytes:
    """What is counted in this process, in Prometheus' text format: for one that reads no files."""
    return generate_latest(REGISTRY)
