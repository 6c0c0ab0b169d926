"""The disk is full while an import or a server writes: it says so, and goes on where it was once there is room again."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from domain.instant import parse
from infra import wiring
from infra.importing.mapping import CLOUDEVENTS
from infra.importing.run import mark_name
from infra.record import NoLedgerHere
from tests.crowd import crowd
from tests.fleet import Fleet
from tests.ledgers import Ledger, raw
from tests.proof import prove, prove_recorded_once
from tests.services.disk import ROOMY, Disk, mounted

pytestmark = [pytest.mark.service, pytest.mark.crash]

LEDGER = "main"
REPORTS = crowd(7, 700, parties=60, until=parse("2025-06-01T00:00:00Z"))
SECONDS = 30
MEDIA = "application/cloudevents-batch+json"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The digests of a ledger that was told the same and had room for it all."""
    with Ledger(tmp_path_factory.mktemp("undisturbed"), name=LEDGER) as ledger:
        for begun in range(0, len(REPORTS), 1_000):
            ledger.receipts(*REPORTS[begun : begun + 1_000])
        return ledger.settle()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """The disk that holds the ledger."""
    with mounted(tmp_path / "disk") as disk:
        yield disk


@pytest.fixture
def fleet(disk: Disk, tmp_path: Path) -> Iterator[Fleet]:
    """What runs on it; it says what it says elsewhere."""
    with Fleet(tmp_path / "fleet", TROTH_HOME=str(disk.folder / "ledger"), TROTH_LEDGER=LEDGER) as fleet:
        yield fleet


def recorded(fleet: Fleet) -> set[tuple[str, str]]:
    """What is on the record, which holds whatever it has been through."""
    with closing(wiring.open_log(fleet.settings)) as log:
        record = prove(log.page(0, 10**9))
    return {(each.source, each.id) for each in record if not each.source.startswith("troth:")}


def prove_all(fleet: Fleet, undisturbed: dict[str, str]) -> None:
    """Nothing is lost, doubled or in another order, and the views say what they would have said."""
    with closing(wiring.open_log(fleet.settings)) as log:
        record = prove(log.page(0, 10**9))
    prove_recorded_once(record, REPORTS)
    assert fleet.settled(len(record)) == undisturbed


def test_an_import_without_room_says_so_and_goes_on_where_it_was(
    fleet: Fleet, disk: Disk, tmp_path: Path, undisturbed: dict[str, str]
) -> None:
    """Room for nothing, for some of the ledger's making, some of the record, some of the views, and in the end for all."""
    file = tmp_path / "reports.jsonl"
    file.write_bytes(b"".join(raw(each) + b"\n" for each in REPORTS))
    came_to: list[int] = []
    for free in (0, 32_000, 700_000, 1_300_000, 1_300_000):
        disk.leave(free)
        said = fleet.refused("import", str(file), code=4)
        assert "could not be written" in said
        assert "try again when there is space" in said
        disk.leave(ROOMY)
        came_to.append(came := import_came_to(fleet, file))
        assert not came or recorded(fleet) == {(each["source"], each["id"]) for each in REPORTS[:came]}
    assert came_to[0] == 0 < came_to[-2] < came_to[-1] == len(REPORTS)
    disk.leave(0)
    advised = fleet.troth("doctor", code=1)
    assert "make room" in advised
    assert "backup" not in advised  # what cannot be read for want of room is not damaged
    disk.leave(ROOMY)
    done = fleet.json("import", str(file))
    assert (done["passed"], done["recorded"], done["refused"], done["rejected"]) == (len(REPORTS), 0, 0, 0)
    prove_all(fleet, undisturbed)


def test_what_serves_without_room_is_not_ready_and_goes_on_by_itself(
    fleet: Fleet, disk: Disk, undisturbed: dict[str, str]
) -> None:
    served = fleet.start("serve")
    url = fleet.answers(served)
    batches = [REPORTS[begun : begun + 100] for begun in range(0, len(REPORTS), 100)]
    for batch in batches[:8]:
        assert "position" in fleet.ask(f"{url}/reports", batch, media=MEDIA)[0]
    until(lambda: fleet.ask(f"{url}/readyz")["ready"])
    disk.leave(100_000)
    for batch in batches[8:]:
        answer = fleet.ask(f"{url}/reports", batch, media=MEDIA)
        if "title" in answer:
            break
    assert (answer["status"], answer["title"]) == (503, "NotRecorded")
    wrong = {each["what"]: each["why"] for each in fleet.ask(f"{url}/readyz")["wrong"]}
    assert "make room" in wrong["disk"]
    assert "is the disk full" in wrong["intake"]
    disk.leave(ROOMY)
    until(lambda: fleet.ask(f"{url}/readyz")["ready"])
    for batch in batches:
        assert "position" in fleet.ask(f"{url}/reports", batch, media=MEDIA)[0]
    prove_all(fleet, undisturbed)
    assert served.stop() == 0


def until(met: Callable[[], Any]) -> None:
    """Wait until it is so."""
    ends = time.monotonic() + SECONDS
    while not met():
        assert time.monotonic() < ends
        Event().wait(0.05)


def import_came_to(fleet: Fleet, file: Path) -> int:
    """How many of the file's reports are behind the import's mark."""
    try:
        log = wiring.open_log(fleet.settings)
    except NoLedgerHere:
        return 0
    with closing(log):
        return int(log.mark(mark_name(file, CLOUDEVENTS)) or 0)
