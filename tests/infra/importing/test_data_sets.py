"""The shipped maps on the real data sets: every count that their publishers' records were found to hold."""

import os
from collections import Counter
from pathlib import Path

import pytest

from domain.fact import Fact
from domain.incident import IncidentStanding
from domain.kinds import Standing
from domain.promise import PromiseStanding
from domain.recording import Recording
from domain.report import read
from infra.importing import loading
from infra.importing.reports import Mapped, Reporter
from infra.importing.rows import Rows

DATA = Path(os.environ.get("TROTH_DATA") or Path(__file__).resolve().parents[3].parent / "shared" / "data")

pytestmark = pytest.mark.data


class Recorded:
    """All of a file's facts, recorded in memory."""

    def __init__(self, file: str, name: str) -> None:
        path = DATA / file
        if not path.exists():
            pytest.skip(f"the data set {file} is not here: set TROTH_DATA to the folder that holds it")
        of = loading.load(name)
        self.facts: dict[tuple[str, str, str], list[Fact]] = {}
        self.streams: dict[tuple[str, str, str], Recording] = {}
        self.rejects = 0
        with Rows(path, of.file) as rows:
            for result in Reporter(of, rows.columns).reports(rows):
                if isinstance(result, Mapped):
                    for message in result.messages:
                        self._record(message)
                else:
                    self.rejects += 1

    def _record(self, message: object) -> None:
        report = read(message)
        stream = report.fact.family, report.party, report.fact.key
        self.facts.setdefault(stream, []).append(report.fact)
        self.streams.setdefault(stream, Recording("")).record(report, 0)

    @property
    def standings(self) -> dict[tuple[str, str, str], Standing]:
        return {stream: each.standing for stream, each in self.streams.items() if each.standing is not None}

    @property
    def kinds(self) -> Counter[str]:
        return Counter(each.KIND for facts in self.facts.values() for each in facts)

    @property
    def void(self) -> Counter[tuple[str, str]]:
        return Counter(
            (self.facts[stream][void.version].KIND, void.reason)
            for stream, standing in self.standings.items()
            for void in standing.void
        )

    @property
    def promises(self) -> list[PromiseStanding]:
        return [each for each in self.standings.values() if isinstance(each, PromiseStanding)]

    @property
    def incidents(self) -> list[IncidentStanding]:
        return [each for each in self.standings.values() if isinstance(each, IncidentStanding)]


@pytest.fixture(scope="module")
def uci() -> Recorded:
    return Recorded("uci_498_incident_event_log.csv.gz", "uci_498")


@pytest.fixture(scope="module")
def boston() -> Recorded:
    return Recorded("boston_311_2011.csv.gz", "boston_311")


def test_the_incident_log_comes_to_the_counts_of_its_readme(uci: Recorded) -> None:
    assert uci.rejects == 0
    assert uci.kinds["incident.opened.v1"] == len(uci.incidents) == 24_918
    assert uci.kinds["incident.reopened.v1"] == sum(each.reopenings for each in uci.incidents) == 331
    assert Counter(each.status for each in uci.promises) == {"kept": 15_803, "broken": 9_115}
    assert {party for _, party, _ in uci.standings} >= {"2403"}
    assert len({party for _, party, _ in uci.standings} - {"caller not given"}) == 5_244


def test_the_incident_log_counts_its_reassignments_itself(uci: Recorded) -> None:
    """The data's README says 23,727; the log's own count, summed over all incidents, is 23,414."""
    assert uci.kinds["incident.reassigned.v1"] == 23_414
    assert sum(each.reassignments for each in uci.incidents) == 23_414 - 79


def test_of_the_incident_log_nothing_is_void_but_reassigning_what_is_resolved(uci: Recorded) -> None:
    assert uci.void == {("incident.reassigned.v1", "already_resolved"): 79}
    assert {each.status for each in uci.incidents} == {"closed"}


def test_the_service_requests_come_to_the_counts_of_their_readme(boston: Recorded) -> None:
    assert boston.rejects == 0
    assert boston.kinds["interaction.recorded.v1"] == 58_251
    assert len({party for _, party, _ in boston.standings}) == 31_399
    due = [each for each in boston.promises if each.due_at is not None]
    assert len(due) == len(boston.promises) == 47_252
    in_time = Counter(each.ended_at is not None and each.ended_at <= (each.due_at or 0) for each in due)
    assert in_time == {True: 35_573, False: 8_230 + 3_449}
    assert Counter(each.status for each in due) == {"kept": 35_573 + 8_230, "open": 3_449}
    assert sum(each.due_at is not None and each.due_at < each.made_at for each in due) == 3


def test_of_the_service_requests_nothing_is_void(boston: Recorded) -> None:
    assert boston.void == {}
